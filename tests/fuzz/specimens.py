"""What is mutated: folders of every format that a user or a kill can damage, and the command that reads them.

A specimen's ``build`` makes a folder that works. ``targets`` are the files that may be mutated; ``commands`` what is
run then; ``is_fresh``, ``others`` and ``results`` tell the judge what must hold.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from PIL import Image

from bokehbench.benchmarks.run.closing import summarise
from bokehbench.benchmarks.run.row_files import scan_rows
from bokehbench.core.files import sha256_of
from bokehbench.datasets.files.exr import write_exr

from .child import ROOT, script

SIZE = (40, 56)
RUN = ["--metrics", "psnr"]
SCENES = ("kept", "mutated")

Command = Callable[[], int]


@dataclass(frozen=True)
class Specimen:
    """``inputs``: users write the files, so that a change may change results, but only under another key."""

    name: str
    build: Callable[[Path], None]
    targets: Callable[[Path], list[Path]]
    commands: Callable[[Path], list[Command]]
    results: Callable[[Path], dict[str, Any]]
    inputs: bool = False
    scenes: bool = False
    """Whether the targets are a user's folder of scenes."""

    before: Callable[[Path], list[Command]] | None = None
    """What is run before anything is damaged, where that is not ``commands``."""

    mutate: Callable[[Random, Path], tuple[str, list[Command]]] | None = None
    """Changes something else than a file: says what, and gives the commands."""

    others: Sequence[str] = ()
    """Parts of the names of results that no mutation may cost."""

    networks: bool = False
    """Whether its commands render with networks or train them."""

    def first(self, folder: Path) -> list[Command]:
        """Return what is run before anything is damaged."""
        return (self.before or self.commands)(folder)


def bench(*arguments: object, report: bool = True) -> Command:
    """Return run_bench.py's main on ``arguments``; without ``report`` it stops at the rows."""

    def command() -> int:
        module: Any = script()
        if not report:
            module.run = lambda request: int(not summarise(rows := module.make_rows(request), len(rows), Path("none")))
        return module.main([str(argument) for argument in arguments])

    return command


def read_rows(folder: Path) -> dict[str, Any]:
    """Return what the rows that count say, by scene and renderer, with the hash of each picture as it lies there."""
    run = folder / "out/results/default"
    found: dict[str, Any] = {}
    for row in scan_rows(run)[0].values():
        name = f"{row['scene']}/{row['renderer'].partition('@')[0]}"
        found[name] = {n: row[n] for n in ("key", "status", "reason", "metrics", "image_sha256", "weights")}
        image = run / row["image"] if row["image"] else None
        found[name] |= {
            "traceback": row.get("traceback"),
            "file": sha256_of(image) if image and image.is_file() else None,
        }
    return found


def write_scenes(folder: Path, image: str = "png", disparity: str = "npy", settings: str = "yaml") -> None:
    """Write two scenes of a near square before a slope into ``folder``/data."""
    rng = np.random.default_rng(5)
    depth = np.linspace(0.1, 0.4, SIZE[1], dtype=np.float32)[None].repeat(SIZE[0], 0)
    depth[10:30, 15:40] = 0.9
    for scene in SCENES:
        place = folder / "data" / scene
        place.mkdir(parents=True)
        levels = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        Image.fromarray(levels).save(place / f"image.{image}")
        Image.fromarray(levels[:, ::-1].copy()).save(place / f"target.{image}")
        _write_map(place / f"disparity.{disparity}", depth)
        values = {"focus_disparity": 0.9, "max_radius_px": 4.0}
        text = yaml.safe_dump(values) if settings == "yaml" else json.dumps(values)
        (place / f"scene.{settings}").write_text(text)


def _write_map(path: Path, depth: np.ndarray) -> None:
    if path.suffix == ".npy":
        np.save(path, depth)
    elif path.suffix == ".npz":
        np.savez(path, depth)
    elif path.suffix == ".exr":
        write_exr(path, depth, half=False)
    elif path.suffix == ".pfm":
        path.write_bytes(f"Pf\n{depth.shape[1]} {depth.shape[0]}\n-1\n".encode() + depth[::-1].astype("<f4").tobytes())
    elif path.suffix == ".tif":
        Image.fromarray(depth).save(path)
    else:
        Image.fromarray((depth * 65535).astype(np.uint16)).save(path)


def files(folder: Path, *patterns: str) -> list[Path]:
    """Return the files that match any of ``patterns``."""
    return sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())


def _inputs(image: str, disparity: str, settings: str) -> Specimen:
    def line(folder: Path) -> Command:
        where = ["--datasets", "folder", "--data-root", folder / "data", "--output", folder / "out"]
        return bench("--renderers", "identity,classical", *RUN, *where, report=False)

    def build(folder: Path) -> None:
        write_scenes(folder, image, disparity, settings)

    return Specimen(
        f"scenes of {image}, {disparity}, {settings}",
        build,
        lambda folder: files(folder, "data/mutated/*"),
        lambda folder: [line(folder)],
        read_rows,
        inputs=True,
        scenes=True,
        others=("kept/",),
    )


def _stored(name: str, *patterns: str, report_only: bool = False) -> Specimen:
    """A finished run, of which a file is damaged; the same command again."""

    def line(folder: Path) -> list[object]:
        where = ["--datasets", "folder", "--data-root", folder / "data", "--output", folder / "out"]
        return ["--renderers", "identity,classical", *RUN, *where]

    def commands(folder: Path) -> list[Command]:
        report = bench("--report-only", "--output", folder / "out")
        compare = bench("--compare", "default", "default", "--output", folder / "out")
        return [report, compare] if report_only else [bench(*line(folder))]

    return Specimen(
        name,
        write_scenes,
        lambda folder: files(folder / "out", *patterns),
        commands,
        read_rows,
        before=lambda folder: [bench(*line(folder)), *commands(folder)],
        others=("kept/", "mutated/") if not report_only else (),
    )


RUN_FILES = ("results/default/run.json", "results/default/rows-*.jsonl", "results/default/scenes/*/*/scene.json")


def _latency() -> Specimen:
    def commands(folder: Path) -> list[Command]:
        return [_latency_page(folder / "out")]

    def build(folder: Path) -> None:
        write_scenes(folder)
        source = ROOT / "benchmarks/recorded/latency-cpu-512.json"
        (folder / "out/results/default").mkdir(parents=True)
        shutil.copy(source, folder / "out/results/default/latency.json")

    targets = lambda folder: files(folder / "out", "results/default/latency.json")  # noqa: E731
    return Specimen("latency.json", build, targets, commands, lambda folder: {})


def _latency_page(output: Path) -> Command:
    """Return what --latency does once all is measured."""

    def command() -> int:
        module: Any = script()
        import bokehbench.benchmarks.latency.session as session
        from bokehbench.benchmarks.latency.session import read_latency

        session.run_latency = lambda request: read_latency(request.folder)
        return module.main(["--latency", "--output", str(output)])

    return command


def _weights() -> Specimen:
    def build(folder: Path) -> None:
        write_scenes(folder)
        for part in ("bokehdiff", "autoencoder"):
            shutil.copytree(ROOT / "renderers/bokehdiff/weights" / part, folder / "weights" / part)

    def commands(folder: Path) -> list[Command]:
        where = ["--datasets", "folder", "--data-root", folder / "data", "--output", folder / "out", "--limit", "1"]
        names = f"identity,bokehdiff@{folder / 'weights/bokehdiff'}"
        return [bench("--renderers", names, *RUN, *where, report=False)]

    targets = lambda folder: files(folder, "weights/**/*.json", "weights/**/*.safetensors")  # noqa: E731
    others = ("kept/identity",)
    return Specimen("weights", build, targets, commands, read_rows, inputs=True, others=others, networks=True)


SPECIMENS = [
    _inputs("png", "npy", "yaml"),
    _inputs("jpg", "png", "json"),
    _inputs("tif", "tif", "yaml"),
    _inputs("webp", "exr", "json"),
    _inputs("bmp", "npz", "yaml"),
    _inputs("png", "pfm", "json"),
    _stored("run.json, rows, scene.json: same command", *RUN_FILES),
    _stored("run.json, rows, scene.json: reports", *RUN_FILES, report_only=True),
    _stored("stored pictures", "results/default/images/**/*.png", "results/default/scenes/**/*.png"),
    _stored("report's files", "reports/**/*.json", "reports/**/*.png", "reports/*.html", report_only=True),
    _latency(),
    _weights(),
]
