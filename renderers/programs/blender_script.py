"""Runs inside Blender: a picture through the compositor's Defocus node. Imports nothing of this project."""

import json
import sys
from typing import Any


def main(order: dict[str, Any]) -> None:
    """Blur ``picture`` by ``radius``, OpenEXR files, into ``blurred``; ``largest``: radius, px."""
    import bpy  # Blender's own

    scene = bpy.context.scene
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()

    def load(path: str, colour_space: str) -> Any:
        node = tree.nodes.new("CompositorNodeImage")
        node.image = bpy.data.images.load(path)
        node.image.colorspace_settings.name = colour_space
        return node.outputs["Image"]

    defocus = tree.nodes.new("CompositorNodeDefocus")
    defocus.use_zbuffer, defocus.use_preview, defocus.use_gamma_correction = False, False, False
    defocus.bokeh, defocus.z_scale, defocus.blur_max, defocus.threshold = "CIRCLE", 1.0, order["largest"], 0.0
    composite = tree.nodes.new("CompositorNodeComposite")
    tree.links.new(load(order["picture"], "Linear"), defocus.inputs["Image"])
    tree.links.new(load(order["radius"], "Non-Color"), defocus.inputs["Z"])
    tree.links.new(defocus.outputs["Image"], composite.inputs["Image"])
    render, file = scene.render, scene.render.image_settings
    render.resolution_x, render.resolution_y, render.resolution_percentage = order["width"], order["height"], 100
    render.filepath, render.use_file_extension = order["blurred"], False
    file.file_format, file.color_mode, file.color_depth, file.exr_codec = "OPEN_EXR", "RGB", "32", "NONE"
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[sys.argv.index("--") + 1]))
