"""Mitsuba, Cycles and our ray tracer on the same scenes: discs of a lamp, planes, and every kind of scene.

``python -m bokehbench.datasets.pathtraced.cross_check --output FILE.json --bpy-python PYTHON`` renders everything and
writes what it measured. The ray tracer knows layers only, so that it does not take part in the kinds of scenes.

What is left of a difference between two path tracers when their noise is taken away: each renders twice, with other
random numbers, and the mean of (a1 - b1)(a2 - b2) is the mean square of what differs for good; given as PSNR, of light
that is linear, with two standard errors added, so that it is a lower bound.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from ...core.commands import ends_in_one_line
from ...core.option_parser import OneLineParser
from ..synthetic.ray_tracer import trace
from .cycles import VARIABLE
from .generate import CYCLES, MITSUBA, SceneTracer, Settings
from .layered_planes import BLUR_PARAMETER, FOCUS_DEPTHS, HEIGHT, PANELS, WIDTH, PaintedPanel, layered_scene
from .objects import Thing, TracedScene
from .traced_scenes import KINDS, make_traced_scene

Picture = NDArray[np.float32]
Twice = tuple[Picture, Picture]
Opens = Callable[[TracedScene, int], SceneTracer]
"""Takes a scene and paths per pixel."""

OURS = "our ray tracer"
LAMP_SIDE_PX, LAMP_RADIANCE = 4.0, 100.0
LAMP_DISC_PX = 16.0
LAMP_PLACE = (0.25, -0.25)
LAMP_DEPTHS = ((6.0, 2.2), (2.4, 7.0))
"""Depth of the lamp and of the focus: behind it, before it."""

BEHIND_DEPTH = 9.0


@dataclasses.dataclass(frozen=True)
class PlainPanel(PaintedPanel):
    """A panel of one radiance."""

    radiance: float = 0.0

    def paint(self, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the radiance (...,3)."""
        return np.full((*u.shape, 3), self.radiance)


def measure_disc(light: Picture, centre: tuple[float, float]) -> float:
    """Return the radius in px of the disc that a square lamp around ``centre`` (x, y) becomes, by its second moment.

    Mean square distance: r^2 / 2 of the disc, side^2 / 6 of the lamp, 1/6 of the pixel.
    """
    weight = light.sum(axis=2, dtype=np.float64)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]].astype(np.float64)
    square = (weight * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2)).sum() / weight.sum()
    return math.sqrt(2.0 * (square - (LAMP_SIDE_PX**2 + 1.0) / 6.0))


def compare(first: Twice, second: Twice) -> dict[str, float | None]:
    """Return PSNR in dB: as they are, as noise alone would make it, and a lower bound for what is left without noise.

    The first two are of display values (gamma 2.2, clipped); None: without bound.
    """
    noise = (_mean_square(*first, display=True) + _mean_square(*second, display=True)) / 2.0
    products = ((first[0] - second[0]).astype(np.float64) * (first[1] - second[1])).mean(axis=2)
    bound = max(float(products.mean()), 0.0) + 2.0 * float(products.std()) / math.sqrt(products.size)
    return {
        "psnr": _decibels(_mean_square(first[0], second[0], display=True)),
        "psnr_of_noise_alone": _decibels(noise),
        "psnr_without_noise_at_least": _decibels(bound),
    }


def check_discs(engines: Mapping[str, Opens], samples: int) -> Iterator[dict[str, Any]]:
    """Yield what each makes of a lamp out of focus before black, against R F |1/zf - 1/z|."""
    centre = ((WIDTH - 1) / 2 + LAMP_PLACE[0] * WIDTH / 2, (HEIGHT - 1) / 2 + LAMP_PLACE[1] * WIDTH / 2)
    for depth, focus in LAMP_DEPTHS:
        blur = LAMP_DISC_PX / abs(1.0 / depth - 1.0 / focus)
        side = LAMP_SIDE_PX / WIDTH
        panels = [
            PlainPanel(0, (*LAMP_PLACE, depth), (side, side), (0.0, 0.0, 0.0), LAMP_RADIANCE),
            PlainPanel(0, (0.0, 0.0, BEHIND_DEPTH), (4.0, 4.0), (0.0, 0.0, 0.0)),
        ]
        scene = TracedScene("lamp", 1, (focus, focus), [panel.panel() for panel in panels])
        made = {name: opens(scene, samples).picture(blur, focus) for name, opens in engines.items()}
        ours = dataclasses.replace(layered_scene(focus, panels), blur_strength=blur)
        for name, picture in (made | {OURS: trace(ours)}).items():
            radius = measure_disc(picture, centre)
            error = 100.0 * (radius / LAMP_DISC_PX - 1.0)
            yield {"renderer": name, "lamp_depth": depth, "focus_depth": focus, "radius_px": LAMP_DISC_PX} | {
                "measured_px": radius,
                "error_percent": error,
            }


def check_planes(engines: Mapping[str, Opens], samples: int) -> Iterator[dict[str, Any]]:
    """Yield how far apart each two are on three panels, tilted and upright, focused on each."""
    for tilted in (True, False):
        panels = [panel if tilted else dataclasses.replace(panel, tilt=(0.0, 0.0, 0.0)) for panel in PANELS]
        things = [panel.panel() for panel in panels]
        for name, focus in FOCUS_DEPTHS.items():
            made = {engine: _twice(opens, things, focus, samples, BLUR_PARAMETER) for engine, opens in engines.items()}
            made[OURS] = (trace(layered_scene(focus, panels)),) * 2
            names = list(made)
            for first, second in ((names[0], names[1]), (names[0], OURS), (names[1], OURS)):
                basis = {"panels": "tilted" if tilted else "upright", "focus": name, "pair": [first, second]}
                yield basis | compare(made[first], made[second])


def check_kinds(engines: Mapping[str, Opens], samples: int, radius_px: float) -> Iterator[dict[str, Any]]:
    """Yield how far apart the path tracers are on a scene of each kind: pinhole, lens, and depth in px of blur."""
    for index, kind in enumerate(KINDS):
        scene = make_traced_scene(index)
        depths = [opens(scene, samples).depth() for opens in engines.values()]
        inverse = [1.0 / depth.astype(np.float64) for depth in depths]
        blur = radius_px / float(inverse[0].max() - inverse[0].min())
        row: dict[str, Any] = {"kind": kind, "depth_error_rms_px": blur * _root_mean_square(inverse[0] - inverse[1])}
        row["depth_error_mean_px"] = blur * float((inverse[0] - inverse[1]).mean())
        focus = scene.focus_depths[0]
        for what, lens in (("pinhole", None), ("lens", blur)):
            pairs = [_twice(opens, scene.objects, focus, samples * scene.effort, lens) for opens in engines.values()]
            row[what] = compare(*pairs)
        yield row


def _twice(
    opens: Opens, things: Sequence[Thing], focus: float, samples: int, blur: float | None
) -> tuple[Picture, Picture]:
    first, second = (
        opens(TracedScene("planes", seed, (focus, focus), list(things)), samples).picture(blur, focus)
        for seed in (1, 2)
    )
    return first, second


def _mean_square(first: Picture, second: Picture, display: bool = False) -> float:
    if display:
        first, second = (np.clip(picture, 0.0, 1.0) ** (1.0 / 2.2) for picture in (first, second))
    return float(((first - second).astype(np.float64) ** 2).mean())


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return math.sqrt(float((values**2).mean()))


def _decibels(mean_square: float) -> float | None:
    return -10.0 * math.log10(mean_square) if mean_square > 0.0 else None


@ends_in_one_line("error", elsewhere="--output", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Render, compare, write; return the exit code: 0, or 2 with one line where the command cannot run."""
    parser = OneLineParser(prog="python -m bokehbench.datasets.pathtraced.cross_check", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json")
    parser.add_argument(
        "--bpy-python", type=Path, metavar="PYTHON", help=f"a Python that has bpy (default: ${VARIABLE})"
    )
    parser.add_argument("--samples", type=int, default=256, help="paths per pixel; discs take 16 times as many")
    parser.add_argument(
        "--size", type=int, nargs=2, default=[128, 96], metavar=("W", "H"), help="of the kinds of scenes"
    )
    options = parser.parse_args(arguments)
    if min(options.samples, *options.size) < 1:
        parser.error("expected positive numbers")

    def engines(size: tuple[int, int]) -> dict[str, Opens]:
        def opens(engine: str) -> Opens:
            return lambda scene, samples: Settings(size, samples, [], engine, options.bpy_python).open(
                dataclasses.replace(scene, effort=1)
            )

        return {engine: opens(engine) for engine in (MITSUBA, CYCLES)}

    small = engines((WIDTH, HEIGHT))
    lone = TracedScene("versions", 0, (1.0, 1.0))
    found: dict[str, Any] = {
        "command": f"python -m bokehbench.datasets.pathtraced.cross_check --samples {options.samples} "
        f"--size {options.size[0]} {options.size[1]} --output FILE.json --bpy-python PYTHON",
        "renderers": {name: opens(lone, 1).title for name, opens in small.items()},
    }
    parts = {
        "discs": check_discs(small, 16 * options.samples),
        "planes": check_planes(small, options.samples),
        "kinds": check_kinds(engines(tuple(options.size)), options.samples, options.size[0] / 16.0),
    }
    for part, rows in parts.items():
        found[part] = []
        for row in rows:
            print(part, json.dumps(row), flush=True)
            found[part].append(row)
            text = json.dumps(found, indent=1) + "\n"
            write_atomically(options.output, lambda file, text=text: file.write(text.encode()))  # type: ignore[misc]
    return 0


if __name__ == "__main__":
    sys.exit(main())
