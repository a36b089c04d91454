#!/usr/bin/env bash
# Cycles: an 8-bit sRGB texture is interpolated as it is encoded, and made linear afterwards.
#
# Guess before running it: a path tracer works in linear light, so that texels are made linear when the texture is loaded
# and interpolated then, as Mitsuba does: halfway between black and white lies 0.5.
# Seen with Blender 5.2.3 LTS as bpy (Linux x86_64, CPU): between a black and a white texel, at 0.125, 0.375, 0.625 and
# 0.875 of the way, a picture of 8 bits (generated or from a PNG file) gives 0.018, 0.122, 0.356 and 0.748, which are
# nearly sRGB's of those fractions (0.014 to 0.739; pixels have a width); the same texels as floats give 0.124, 0.376,
# 0.626 and 0.876. Magnified textures come out darker between their texels than where they are made linear first.
#
# Installs the pinned package in a temporary folder and fails if the behaviour changes. Needs Python 3.13, whose path
# PYTHON313 may give.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON313:-python3.13}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet bpy==5.2.3 numpy==2.4.6
cd "$work"
cat > render.py <<'PYTHON'
import sys

import bpy
import numpy as np

FRACTIONS = np.array([0.125, 0.375, 0.625, 0.875])


def make_image(kind):
    """Return a black texel beside a white one: of floats, of 8 bits, or read from a PNG file."""
    floats = kind == "float"
    image = bpy.data.images.new("texels", 2, 1, alpha=False, float_buffer=floats, is_data=floats)
    image.pixels.foreach_set(np.array([0, 0, 0, 1, 1, 1, 1, 1], np.float32))
    image.update()
    if kind == "file":
        image.filepath_raw, image.file_format = sys.argv[1] + "/texels.png", "PNG"
        image.save()
        image = bpy.data.images.load(sys.argv[1] + "/texels.png")
    return image


def render(kind):
    """Return what Cycles shows of the texels at FRACTIONS of the way between their centres, in linear light."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    mesh = bpy.data.meshes.new("plane")
    mesh.from_pydata([(-1, -1, -2), (1, -1, -2), (1, 1, -2), (-1, 1, -2)], [], [(0, 1, 2, 3)])
    mesh.uv_layers.new(name="uv").data.foreach_set("uv", [0, 0, 1, 0, 1, 1, 0, 1])
    material = bpy.data.materials.new("paint")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light, texture = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.extension, texture.interpolation = make_image(kind), "EXTEND", "Linear"
    tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    mesh.materials.append(material)
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", 2.0
    scene.camera = bpy.data.objects.new("camera", camera)
    for thing in (bpy.data.objects.new("plane", mesh), scene.camera):
        scene.collection.objects.link(thing)
    scene.render.engine, scene.cycles.samples, scene.cycles.pixel_filter_type = "CYCLES", 64, "BOX"
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.render.resolution_x = scene.render.resolution_y = 8
    image = scene.render.image_settings
    image.media_type, image.file_format, image.color_depth = "IMAGE", "OPEN_EXR", "32"
    scene.render.filepath, scene.render.use_file_extension = sys.argv[1] + "/picture.exr", False
    bpy.ops.render.render(write_still=True)
    pixels = np.array(bpy.data.images.load(scene.render.filepath).pixels[:])
    return pixels.reshape(8, 8, -1)[4, 2:6, 0]


encoded = np.where(FRACTIONS <= 0.04045, FRACTIONS / 12.92, ((FRACTIONS + 0.055) / 1.055) ** 2.4)
seen = {kind: render(kind) for kind in ("float", "8 bits", "file")}
print("Blender", bpy.app.version_string, {kind: values.round(3).tolist() for kind, values in seen.items()})
print("sRGB of the fractions:", encoded.round(3).tolist())
assert np.abs(seen["float"] - FRACTIONS).max() < 0.01
assert np.abs(seen["8 bits"] - encoded).max() < 0.01
assert np.abs(seen["file"] - encoded).max() < 0.01
PYTHON
"$work/venv/bin/python" render.py "$work" | grep -v "Saved:"
echo "as described"
