"""Renders a Mitsuba 3 scene as ground truth for lens blur: pinhole picture, pinhole depth, lens picture, camera.json.

    python mitsuba.py SCENE.xml FOLDER [--samples 1024] [--variant llvm_ad_rgb] [--max-depth 24]

The scene's first sensor must be a ``thinlens``; its place, field of view, aperture, focus and film size are kept.
All pictures are float32 EXR with a box filter: Mitsuba's film is half floats by default, and a wider filter mixes
depths. Depth has one sample a pixel, for the mean of several lies where nothing is, and 0 (nothing hit) enters it.
Stands alone: needs Mitsuba only. It takes its own folder off Python's path, where it would be found as ``mitsuba``.

Tried with Mitsuba 3.9.1, scalar_rgb, Linux x86_64.
"""

import argparse
import json
import os
import sys

sys.path = [entry for entry in sys.path if os.path.abspath(entry or ".") != os.path.dirname(os.path.abspath(__file__))]

import mitsuba as mi  # noqa: E402


def main():
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", help="a scene file")
    parser.add_argument("folder", help="is made; what it holds of the same names is replaced")
    parser.add_argument("--samples", type=int, default=1024, help="paths a pixel of the pictures (default: 1024)")
    parser.add_argument("--variant", default="llvm_ad_rgb", help="default: llvm_ad_rgb; scalar_rgb needs no LLVM")
    parser.add_argument("--max-depth", type=int, default=24, help="bounces (default: 24)")
    options = parser.parse_args()
    mi.set_variant(options.variant)
    scene = mi.load_file(options.scene)
    camera, place, far_clip = read_camera(scene.sensors()[0])
    os.makedirs(options.folder, exist_ok=True)

    def render(name, sensor, integrator, samples):
        loaded = mi.load_dict({"type": sensor, **numbers_of(sensor, camera, place, far_clip)})
        picture = mi.render(scene, sensor=loaded, integrator=mi.load_dict(integrator), spp=samples, seed=1)
        names = ["depth.T"] if picture.shape[2] == 1 else ["R", "G", "B"]
        mi.Bitmap(picture, channel_names=names).write(os.path.join(options.folder, name))

    path = {"type": "path", "max_depth": options.max_depth}
    render("pinhole.exr", "perspective", path, options.samples)
    render("depth.exr", "perspective", {"type": "depth"}, 1)
    render("lens.exr", "thinlens", path, options.samples)
    with open(os.path.join(options.folder, "camera.json"), "w", encoding="utf-8") as file:
        json.dump({"renderer": "mitsuba", "depth_through": "pinhole", **camera}, file, indent=1)


def read_camera(sensor):
    """Return the numbers for camera.json, the place and the far clip; end with a line for what is not done."""
    values = mi.traverse(sensor)
    missing = [name for name in ("aperture_radius", "focus_distance") if name not in values]
    if missing:
        sys.exit("the scene's first sensor: expected a thinlens, with aperture_radius and focus_distance")
    if list(values["film.size"]) != list(values["film.crop_size"]):
        sys.exit("the scene's film: expected no crop: remove crop_width and the like")
    width, height = (int(side) for side in values["film.size"])
    camera = {
        "width": width,
        "height": height,
        "focus_distance": number(values["focus_distance"]),
        "aperture_radius": number(values["aperture_radius"]),
        "fov_x_deg": number(values["x_fov"]),
        "near_clip": number(values["near_clip"]),
    }
    return camera, values["to_world"], number(values["far_clip"])


def numbers_of(kind, camera, place, far_clip):
    """Return a sensor's description beside its type."""
    lens = {"aperture_radius": camera["aperture_radius"]} if kind == "thinlens" else {}
    return {
        **lens,
        "focus_distance": camera["focus_distance"],
        "fov": camera["fov_x_deg"],
        "fov_axis": "x",
        "near_clip": camera["near_clip"],
        "far_clip": far_clip,
        "to_world": place,
        "film": {
            "type": "hdrfilm",
            "width": camera["width"],
            "height": camera["height"],
            "pixel_format": "rgb",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent"},
    }


def number(value):
    """Return a number of any variant of Mitsuba: vectorised ones hold arrays of one."""
    try:
        return float(value)
    except TypeError:
        return float(value[0])


if __name__ == "__main__":
    main()
