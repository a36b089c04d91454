"""Renders a Blender scene with Cycles as ground truth for lens blur: pinhole picture and depth, lens picture, numbers.

    blender -b SCENE.blend -P blender.py -- FOLDER

Two renders by the scene's camera: depth of field off, with the depth pass, into pinhole.exr; then on, into lens.exr.
Both are scene-linear 32-bit floats without compositor, sequencer and motion blur; the aperture is made round. Samples,
resolution, denoiser and frame are the scene's own; nothing is saved to the .blend file. Writes camera.json last.

Stands alone: needs Blender only. Tried with Blender 5.2.3 (bpy 5.2.3 of PyPI, Python 3.13) and Blender 3.4.1, both on a
Linux x86_64 CPU.
"""

import json
import os
import sys

import bpy
from mathutils import Vector


def main():
    """Render into the folder that follows ``--``."""
    if "--" not in sys.argv or len(sys.argv[sys.argv.index("--") :]) != 2:
        sys.exit("usage: blender -b SCENE.blend -P blender.py -- FOLDER")
    folder = os.path.abspath(sys.argv[-1])
    scene = bpy.context.scene
    refuse(scene)
    os.makedirs(folder, exist_ok=True)
    prepare(scene)
    camera = scene.camera.data
    numbers = read_camera(scene)  # before depth of field is switched off
    camera.dof.aperture_blades, camera.dof.aperture_ratio = 0, 1.0  # a disc
    for name, through_lens in (("pinhole.exr", False), ("lens.exr", True)):
        camera.dof.use_dof = through_lens
        bpy.context.view_layer.use_pass_z = not through_lens  # through the lens it would be something else
        scene.render.filepath = os.path.join(folder, name)
        bpy.ops.render.render(write_still=True)
    with open(os.path.join(folder, "camera.json"), "w", encoding="utf-8") as file:
        json.dump(numbers, file, indent=1)


def refuse(scene):
    """End with a line where the scene's picture would be no thin lens's over square pixels."""
    render = scene.render
    if scene.camera is None or scene.camera.data.type != "PERSP":
        sys.exit("the scene's camera: expected one in perspective")
    if render.engine != "CYCLES":
        sys.exit(f"render engine: expected CYCLES, whose lens is known, got {render.engine}")
    if render.pixel_aspect_x != render.pixel_aspect_y:
        sys.exit("pixel aspect: expected square pixels")
    if render.use_border:
        sys.exit("render region: expected the whole picture: switch it off")
    if len([layer for layer in scene.view_layers if layer.use]) != 1 or render.use_multiview:
        sys.exit("expected one view layer and one view that are rendered: switch the others off")


def prepare(scene):
    """Set what makes the pictures scene-linear, whole and of one part."""
    render, image = scene.render, scene.render.image_settings
    render.use_compositing = render.use_sequencer = render.use_motion_blur = False
    render.film_transparent = False
    render.use_file_extension = False
    if hasattr(image, "media_type"):  # Blender 5: it decides which formats there are
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_depth = "32"
    image.exr_codec = "ZIP"
    if hasattr(image, "use_exr_interleave"):  # one part with all channels, which every reader shows
        image.use_exr_interleave = True


def read_camera(scene):
    """Return the numbers for camera.json."""
    camera, render = scene.camera.data, scene.render
    return {
        "renderer": "cycles",
        "width": render.resolution_x * render.resolution_percentage // 100,
        "height": render.resolution_y * render.resolution_percentage // 100,
        "focus_distance": focus_distance(scene),
        "depth_through": "pinhole",
        "depth": "pinhole.exr",
        "lens_mm": camera.lens,
        "f_stop": camera.dof.aperture_fstop,
        "sensor_fit": camera.sensor_fit,
        "sensor_width_mm": camera.sensor_width,
        "sensor_height_mm": camera.sensor_height,
    }


def focus_distance(scene):
    """Return the depth of the plane that is sharp: that of the object that is in focus, where there is one."""
    camera, focused = scene.camera, scene.camera.data.dof.focus_object
    if focused is None:
        return camera.data.dof.focus_distance
    depsgraph = bpy.context.evaluated_depsgraph_get()
    place = camera.evaluated_get(depsgraph).matrix_world
    away = focused.evaluated_get(depsgraph).matrix_world.translation - place.translation
    return abs(away.dot((place.to_3x3() @ Vector((0.0, 0.0, -1.0))).normalized()))


if __name__ == "__main__":
    main()
