#!/usr/bin/env bash
# Mitsuba: the EXR of a cropped film does not say where the crop lay, and its depth is stored in half precision.
#
# Guess before running it: a crop is written with the crop as data window in the whole film's display window, as EXR files
# of crops are; depth, which has no colour, is stored in the float32 that it is computed in.
# Seen with Mitsuba 3.9.1, OpenEXR 3.5.3 (Linux x86_64), scalar_rgb: film 16x12, crop 5x3 at (6, 4): data window and
# display window are both (0, 0) to (4, 2). Nothing in the header holds the offset, or the film's size, so that the
# principal point of such a picture cannot be found again; its pixels are those of the whole film there. All channels, the
# depth of the aov integrator among them, are half floats unless component_format says float32: at 10 scene units depth
# comes in steps of 1/128.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mitsuba==3.9.1 OpenEXR==3.5.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import mitsuba as mi
import numpy as np
import OpenEXR

mi.set_variant("scalar_rgb")
CROP = {"crop_offset_x": 6, "crop_offset_y": 4, "crop_width": 5, "crop_height": 3}


def render(path, **film):
    """Render a tilted plane's colour and depth into an EXR file; return its header and its depth channel."""
    place = mi.ScalarTransform4f().rotate([1, 0, 0], 40).scale([20, 20, 1])
    scene = mi.load_dict({
        "type": "scene",
        "integrator": {"type": "aov", "aovs": "d:depth", "colour": {"type": "direct"}},
        "sensor": {
            "type": "perspective",
            "fov": 40,
            "to_world": mi.ScalarTransform4f().look_at([0, 0, 10], [0, 0, 0], [0, 1, 0]),
            "film": {"type": "hdrfilm", "width": 16, "height": 12, "rfilter": {"type": "box"}, **film},
            "sampler": {"type": "independent", "sample_count": 1, "seed": 1},
        },
        "plane": {"type": "rectangle", "to_world": place},
        "light": {"type": "constant"},
    })
    mi.render(scene)
    scene.sensors()[0].film().write(path)
    file = OpenEXR.File(path)
    return file.header(), file.channels()["d.T"].pixels


whole_header, whole = render("whole.exr")
header, crop = render("crop.exr", **CROP)
print("Mitsuba", mi.__version__, "- whole:", whole.shape, whole.dtype, "- crop:", crop.shape, crop.dtype)
for name in ("dataWindow", "displayWindow"):
    print(name, [corner.tolist() for corner in header[name]])
    assert [corner.tolist() for corner in header[name]] == [[0, 0], [4, 2]]
assert not any("crop" in name.lower() or "offset" in name.lower() for name in header)
assert np.abs(whole[4:7, 6:11].astype(float) - crop).max() < 0.5  # the same place of the film, other samples
assert whole.dtype == crop.dtype == np.float16
_, exact = render("float.exr", component_format="float32")
print("component_format float32:", exact.dtype, "- spacing of halves at 10:", np.spacing(np.float16(10)))
assert exact.dtype == np.float32 and np.spacing(np.float16(10)) == 1 / 128
PYTHON
echo "as described"
