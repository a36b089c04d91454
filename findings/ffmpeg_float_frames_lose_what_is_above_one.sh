#!/usr/bin/env bash
# ffmpeg: float frames pass through 16-bit integers when they are scaled or converted, and grey ones through video range.
#
# Guess before running it: in the float formats (gbrpf32, grayf32; what OpenEXR and PFM files are read as) a filter graph
# keeps metres of depth and highlights above 1, as float formats are for; what cannot do so refuses.
# Seen with ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, Linux x86_64), values from -0.5 to 3: "scale" to another size cuts to
# [0, 1], in gbrpf32 as in grayf32, so a depth map in metres is 1 beyond a metre. So do avgblur and boxblur, which take no
# floats and get them converted unasked; gblur takes floats and keeps them. gbrpf32 of equal channels made grayf32 has 0 as
# 0.0625 and 1 as 0.921: 16 to 235 of 255, as of video; back, it stays so. zscale keeps all values to 1e-4.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet imageio-ffmpeg==0.8.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import subprocess

import imageio_ffmpeg
import numpy as np

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SIZE = 256
RAMP = np.tile(np.linspace(-0.5, 3.0, SIZE, dtype="<f4"), (SIZE, 1)).T  # the same in each row's pixels
print(subprocess.run([FFMPEG, "-version"], capture_output=True, text=True).stdout.splitlines()[0])


def convert(layout, graph, made):
    """Return what a filter graph makes of the ramp (three times for colours), flat float32."""
    frame = np.ascontiguousarray(RAMP).tobytes() * (3 if layout == "gbrpf32le" else 1)
    size = ["-f", "rawvideo", "-s", f"{SIZE}x{SIZE}"]
    command = [FFMPEG, "-v", "error", *size, "-pix_fmt", layout, "-i", "-", "-vf", graph, "-pix_fmt", made]
    done = subprocess.run([*command, "-f", "rawvideo", "-"], input=frame, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, "<f4").astype(float)


CASES = (  # input, graph, output, least and largest value that come out
    ("grayf32le", "null", "grayf32le", -0.5, 3.0),
    ("grayf32le", f"scale=128:{SIZE}", "grayf32le", 0.0, 1.0),
    ("grayf32le", f"zscale=w=128:h={SIZE}", "grayf32le", -0.5, 3.0),
    ("gbrpf32le", f"scale=128:{SIZE}", "gbrpf32le", 0.0, 1.0),
    ("gbrpf32le", f"zscale=w=128:h={SIZE}", "gbrpf32le", -0.5, 3.0),
    ("gbrpf32le", "gblur=sigma=0.5", "gbrpf32le", -0.5, 3.0),
    ("gbrpf32le", "avgblur=sizeX=1", "gbrpf32le", 0.0, 1.0),
    ("gbrpf32le", "boxblur=2:1", "gbrpf32le", 0.0, 1.0),
    ("gbrpf32le", "format=grayf32le", "grayf32le", 0.0625, 0.9213),
    ("grayf32le", "format=gbrpf32le", "gbrpf32le", 0.0, 1.0),
    ("grayf32le", "format=gbrpf32le,format=grayf32le", "grayf32le", 0.0625, 0.9213),
)
for layout, graph, output, least, largest in CASES:
    made = convert(layout, graph, output)
    print(f"{layout} from -0.5 to 3, {graph}: {made.min():.4f} to {made.max():.4f}")
    assert abs(made.min() - least) < 0.02 and abs(made.max() - largest) < 0.02, (made.min(), made.max())
PYTHON
echo "as described"
