"""Writes synthesised scenes as a folder of pictures (data set ``folder``), to score renderers on scenes like those
that a model was trained on, from other photographs and cut-outs.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from ...core.commands import ends_in_one_line
from ...core.errors import InvalidOptionError
from ...core.files import write_atomically, write_image
from ...core.option_parser import OneLineParser
from ...core.progress import ProgressBar
from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes


def export_scenes(scenes: SyntheticScenes, count: int, folder: Path) -> None:
    """Write samples 0 to ``count`` - 1 as folders with image.png, target.png (8-bit), disparity.npy and scene.yaml.

    Raises InvalidOptionError for a folder with scenes of an earlier command that would stay beside them.
    """
    names = [f"scene-{index:04d}" for index in range(count)]
    others = sorted({scene.name for scene in folder.glob("scene-*")} - set(names))
    if others:
        raise InvalidOptionError(
            f"--output {folder}: {others[0]} would stay beside the new scenes, {len(others)} such in all: "
            "choose another folder"
        )
    for index, name in enumerate(ProgressBar(names, desc=str(folder), unit="scene")):
        sample, scene = scenes[index], folder / name
        disparity = sample["disparity"][0].numpy()
        write_image(scene / "image.png", sample["image"])
        write_image(scene / "target.png", sample["target"])
        write_atomically(scene / "disparity.npy", lambda file, disparity=disparity: np.save(file, disparity))
        lens = {name: float(sample[name]) for name in ("focus_disparity", "blur_strength")}
        write_atomically(scene / "scene.yaml", lambda file, lens=lens: file.write(yaml.safe_dump(lens).encode()))


@ends_in_one_line("export_scenes", elsewhere="--output", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Write scenes to DIR; then run_bench.py --datasets folder --data-root DIR."""
    parser = OneLineParser(prog="python -m bokehbench.training.scenes.export_scenes", description=main.__doc__)
    parser.add_argument("--photographs", required=True, metavar="DIR")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=32, metavar="N")
    parser.add_argument("--size", type=int, default=256, metavar="PX")
    parser.add_argument("--planes", type=int, nargs=2, default=(1, 1), metavar=("FEWEST", "MOST"), help="cut-outs")
    parser.add_argument("--radius", type=float, nargs=2, default=(2.0, 16.0), metavar=("LOW", "HIGH"), help="px")
    parser.add_argument("--facing", type=float, default=0.0, metavar="DEGREES", help="largest tilt of a plane")
    parser.add_argument("--focus-between", type=float, default=0.0, metavar="SHARE", help="of scenes: no layer sharp")
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error(f"argument --count: expected a whole number above 0, got {options.count}")
    settings = SynthesisSettings(
        photographs=(options.photographs,),
        cutouts=(options.cutouts,),
        size_px=options.size,
        planes=tuple(options.planes),
        radius_px=tuple(options.radius),
        max_facing_angle=options.facing,
        focus_between=options.focus_between,
        lens_samples=1024,
        seed=options.seed,
    )
    export_scenes(SyntheticScenes(settings), options.count, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
