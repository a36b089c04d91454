#!/usr/bin/env bash
# ffmpeg: blurs of ordinary video (yuv420p) take colour twice as far as brightness.
#
# Guess before running it: a radius or sigma in pixels means pixels of the picture, so filters halve it for the two planes
# that have half the size, and a blurred edge is as wide in colour as in brightness.
# Seen with ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, Linux x86_64): gblur, avgblur, boxblur, smartblur and dblur use the number
# on each plane as it is. The deviation of a blurred edge in pixels of the picture, luma and chroma, in yuv420p:
#   gblur=sigma=8: 7.9, 15.8 - avgblur=sizeX=8: 4.9, 9.9 - boxblur=8:1: 4.9, 9.8 - dblur=radius=8: 11.2, 22.3
# In yuv444p both are the same. A red lamp on blue, blurred by sigma 8, comes out up to 80 of 255 levels away from the same
# blur in yuv444p, on a halo of its own colour; nothing is said. "format=yuv444p," before the filter mends it. boxblur
# alone has a separate chroma_radius, which defaults to that of luma.
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
FILTERS = ("gblur=sigma=8", "avgblur=sizeX=8", "boxblur=8:1", "smartblur=lr=4:ls=1", "dblur=angle=0:radius=8")
print(subprocess.run([FFMPEG, "-version"], capture_output=True, text=True).stdout.splitlines()[0])


def convert(data, layout, graph, made):
    """Return the bytes of one frame after a filter graph."""
    size = ["-f", "rawvideo", "-s", f"{SIZE}x{SIZE}"]
    command = [FFMPEG, "-v", "error", *size, "-pix_fmt", layout, "-i", "-", "-vf", graph, "-pix_fmt", made]
    return subprocess.run([*command, "-f", "rawvideo", "-"], input=data, stdout=subprocess.PIPE, check=True).stdout


def edge(size, low, high):
    """Return a plane that is low on the left half and high on the right half."""
    plane = np.full((size, size), low, np.uint8)
    plane[:, size // 2 :] = high
    return plane


def deviation(plane):
    """Return the deviation of the kernel that blurred an edge, in pixels of this plane."""
    line = np.diff(plane[len(plane) // 2].astype(float))
    line /= line.sum()
    place = np.arange(len(line))
    return np.sqrt((line * (place - (line * place).sum()) ** 2).sum())


for layout, step in (("yuv420p", 2), ("yuv444p", 1)):
    side = SIZE // step
    frame = edge(SIZE, 40, 200).tobytes() + 2 * edge(side, 60, 180).tobytes()
    for name in FILTERS:
        made = np.frombuffer(convert(frame, layout, name, layout), np.uint8)
        luma = deviation(made[: SIZE**2].reshape(SIZE, SIZE))
        chroma = deviation(made[SIZE**2 : SIZE**2 + side**2].reshape(side, side)) * step
        print(f"{layout}, {name}: luma {luma:.2f} px, chroma {chroma:.2f} px")
        assert abs(chroma / luma - step) < 0.05 * step

row, column = np.mgrid[:SIZE, :SIZE] - SIZE // 2
lamp = np.where((row**2 + column**2 < 12**2)[..., None], (255, 0, 0), (0, 0, 90)).astype(np.uint8).tobytes()
made = [
    np.frombuffer(convert(lamp, "rgb24", f"format={layout},gblur=sigma=8:steps=6,format=rgb24", "rgb24"), np.uint8)
    for layout in ("yuv420p", "yuv444p")
]
apart = np.abs(made[0].astype(int) - made[1]).max()
print("red lamp on blue, gblur=sigma=8:steps=6, yuv420p against yuv444p: up to", apart, "of 255 apart")
assert apart > 25
PYTHON
echo "as described"
