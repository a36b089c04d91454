"""Runs in a Python that has bpy: one picture by Cycles, as an OpenEXR file. Imports nothing of this project.

``PYTHON cycles_script.py ORDER.json``; the order names the file of arrays and says what ``cycles.py`` writes there.
"""

import json
import sys
from typing import Any

import bpy  # Blender as a Python module
import numpy as np

MIX, TRANSPARENT, DIFFUSE, EMISSION = (
    "ShaderNodeMixShader",
    "ShaderNodeBsdfTransparent",
    "ShaderNodeBsdfDiffuse",
    "ShaderNodeEmission",
)


def main(order: dict[str, Any]) -> None:
    """Build the scene that the order describes, and render it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    arrays = np.load(order["arrays"])
    for index, thing in enumerate(order["things"]):
        own = {name.partition("/")[2]: arrays[name] for name in arrays.files if name.startswith(f"{index}/")}
        add_thing(str(index), thing, own, order["inverse_depth"])
    add_light(0.0 if order["inverse_depth"] else order["light"])
    add_camera(order)
    set_up(order)
    bpy.ops.render.render(write_still=True)


def add_thing(name: str, thing: dict[str, Any], arrays: dict[str, Any], inverse_depth: bool) -> None:
    """Add a mesh and its material."""
    mesh = bpy.data.meshes.new(name)
    right, down, forward = arrays["points"].T
    mesh.from_pydata(np.stack([right, -down, -forward], axis=1).tolist(), [], arrays["faces"].tolist())
    uv = mesh.uv_layers.new(name="uv")
    uv.data.foreach_set("uv", arrays["uv"][arrays["faces"].ravel()].astype(np.float32).ravel())
    mesh.polygons.foreach_set("use_smooth", [thing["is_round"]] * len(mesh.polygons))
    mesh.update()
    mesh.materials.append(make_material(name, thing, arrays, inverse_depth))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def make_material(name: str, thing: dict[str, Any], arrays: dict[str, Any], inverse_depth: bool) -> Any:
    """Return paint, or a light; for depth, a light as strong as 1/z. Where opacity is 0 the ray passes."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader = tree.nodes.new(EMISSION if inverse_depth or thing["shines"] else DIFFUSE)
    if inverse_depth:
        inverse, camera = tree.nodes.new("ShaderNodeMath"), tree.nodes.new("ShaderNodeCameraData")
        inverse.operation, inverse.inputs[0].default_value = "DIVIDE", 1.0
        tree.links.new(camera.outputs["View Z Depth"], inverse.inputs[1])
        tree.links.new(inverse.outputs[0], shader.inputs["Strength"])
        material.cycles.emission_sampling = "NONE"
    elif "texture" in arrays:
        tree.links.new(add_texture(tree, arrays["texture"], "MIRROR"), shader.inputs["Color"])
    else:
        shader.inputs["Color"].default_value = [*thing["colour"], 1.0]
    made = shader.outputs[0]
    if "opacity" in arrays:
        mix, clear = tree.nodes.new(MIX), tree.nodes.new(TRANSPARENT)
        tree.links.new(add_texture(tree, arrays["opacity"], "EXTEND"), mix.inputs[0])
        tree.links.new(clear.outputs[0], mix.inputs[1])
        tree.links.new(made, mix.inputs[2])
        made = mix.outputs[0]
    tree.links.new(made, tree.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def add_texture(tree: Any, pixels: Any, extension: str) -> Any:
    """Return the colour of linear floats (h,w,3) or (h,w), bilinear between texels; the first row is at v = 0.

    Floats, not 8 bits: those are interpolated as they are encoded, and linear only then.
    """
    height, width = pixels.shape[:2]
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :3] = pixels if pixels.ndim == 3 else pixels[..., None]
    image = bpy.data.images.new("texture", width, height, alpha=False, float_buffer=True, is_data=True)
    image.use_half_precision = False
    image.pixels.foreach_set(rgba.ravel())
    image.update()
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image, node.interpolation, node.extension = image, "Linear", extension
    return node.outputs["Color"]


def add_light(radiance: float) -> None:
    """Surround the scene with even light."""
    world = bpy.data.worlds.new("light")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    background = tree.nodes.new("ShaderNodeBackground")
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    background.inputs["Strength"].default_value = radiance
    tree.links.new(background.outputs[0], tree.nodes.new("ShaderNodeOutputWorld").inputs["Surface"])


def add_camera(order: dict[str, Any]) -> None:
    """Add a camera at the origin; a lens of radius R is lens_mm / 1000 / (2 fstop), whatever the scene's unit."""
    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", 36.0
    camera.lens = 18.0 / order["half_width"]
    camera.clip_start, camera.clip_end = 0.05, 1000.0
    camera.dof.use_dof = order["lens_radius"] is not None
    if camera.dof.use_dof:
        camera.dof.focus_distance = order["focus_depth"]
        camera.dof.aperture_fstop = camera.lens / 1000.0 / (2.0 * order["lens_radius"])
        camera.dof.aperture_blades, camera.dof.aperture_ratio = 0, 1.0
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("camera", camera)
    scene.collection.objects.link(scene.camera)


def set_up(order: dict[str, Any]) -> None:
    """Set what makes pixels the mean of unclamped paths over their area."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles, render, image = scene.cycles, scene.render, scene.render.image_settings
    cycles.device, cycles.samples, cycles.seed = "CPU", order["samples"], order["seed"]
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.pixel_filter_type = "BOX"
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = cycles.light_sampling_threshold = 0.0
    cycles.max_bounces = cycles.diffuse_bounces = cycles.transparent_max_bounces = order["bounces"]
    render.resolution_x, render.resolution_y, render.resolution_percentage = order["width"], order["height"], 100
    render.use_compositing = render.use_sequencer = render.film_transparent = False
    render.filepath, render.use_file_extension = order["picture"], False
    if hasattr(image, "media_type"):  # since Blender 5
        image.media_type = "IMAGE"
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR", "RGB", "32"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        main(json.load(file))
