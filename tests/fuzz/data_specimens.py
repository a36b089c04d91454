"""Data sets in layouts of their own, the cache of generated scenes, trainings, and the command line itself."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from PIL import Image

from ..training.runs import TINY
from .child import ROOT
from .specimens import RUN, SIZE, Command, Specimen, bench, files, read_rows, write_scenes

CONFIG = {
    "task": "bokehdiff/latent",
    "steps": 3,
    "batch": 1,
    "optimiser": {"learning_rate": 1.0e-3, "warmup": 1},
    "ema": 0.5,
    "checkpoint_every": 1,
    "validate_every": 3,
    "validation_count": 1,
    "workers": 0,
    "model": {
        "data": {"scenes": {}, "crop_px": 32, "validation": {"seed": 9}},
        "size": TINY,
        "hardness": [30.0, 1.0e7],
        "rays": 1,
    },
}

OPTIONS: dict[str, Sequence[str]] = {
    "--renderers": (
        "identity",
        "identity,identity",
        "bokehdiff@/nowhere",
        "bokehdiff@.",
        ",",
        "",
        "é",
        "a\nb",
        "@",
        "x" * 5000,
    ),
    "--datasets": ("folder", "folder,folder", "blb@9", "ebb", "", "\x1b[31m", "folder@x", "../folder"),
    "--metrics": ("psnr", "all", "psnr,psnr", "PSNR", "", "lpips-alex"),
    "--limit": ("1", "0", "-1", "1e3", "99999999999999999999999", "\u0661", "1_0", " 1 ", "nan"),
    "--device": ("cpu", "cuda", "cuda:99", "cpu:0", "mps", "", "CPU"),
    "--dtype": ("float32", "float16", "bfloat16", "float64"),
    "--seed": ("0", "-1", "99999999999999999999999999", "1.5", "0x10", str(2**63), str(2**64)),
    "--run": ("default", "..", ".", "a/b", "", "x" * 300, "a\nb", "ä", "-x", "con", "a\0b", "run.json"),
    "--reference": ("identity", "nobody", ""),
    "--weights": (".", "/nowhere", "", "/dev/null", "/proc/self/mem"),
    "--data-root": ("data", "/nowhere", "", "/dev/null", "/proc", "data/kept"),
    "--output": ("out", "/dev/null", "/proc", "/proc/self", "data/kept/image.png/x", "out/" + "x" * 300, "ä b"),
    "--severities": ("0,2", "-4,4", "1e400", "nan", "inf", "", ",", "9" * 400),
    "--perturbations": ("erode", "noise,noise", "x", "", "holes"),
    "--sizes": ("0", "1x1", "64x", "9" * 30, "-1", "1e9"),
    "--more-sizes": ("64", "classical=", "=64", "classical=0", "nobody=64", "a=1,b"),
    "--radii": ("0", "-1", "nan", "1e400", "", "inf"),
    "--compare": ("default nobody", "default default", ".. .."),
    "--check": ("folder", "nobody", "folder,blb", "", "synbokeh-mini,x"),
}
FLAGS = (
    "--robustness",
    "--fresh",
    "--report-only",
    "--list",
    "--version",
    "--help",
    "--",
    "-",
    "--limit",
    "extra",
    "--li",
)
VARIABLES = ("BOKEHBENCH_DATA", "BOKEHBENCH_CACHE", "BOKEHBENCH_WEIGHTS", "TORCH_HOME", "HF_HOME", "TMPDIR", "COLUMNS")
VARIABLE_VALUES = ("", "/nowhere", "/dev/null", "0", "-1", "\x1b[31m", "x" * 5000, "/proc", "é", "1e400")


def _data_set(name: str, build: Callable[[Path], None], *patterns: str, others: Sequence[str] = ()) -> Specimen:
    def commands(folder: Path) -> list[Command]:
        where = ["--datasets", name, "--data-root", folder / "data", "--output", folder / "out", "--limit", "2"]
        return [bench("--renderers", "identity", *RUN, *where, report=False)]

    return Specimen(
        name, build, lambda folder: files(folder, *patterns), commands, read_rows, inputs=True, others=others
    )


def _build_ebb(folder: Path) -> None:
    rng = np.random.default_rng(3)
    for number in (4400, 4401):
        levels = np.kron(rng.integers(0, 256, (SIZE[0] // 4, SIZE[1] // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)
        for part in ("original", "bokeh"):
            path = folder / "data/ebb" / part / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(levels).save(path, quality=95)
        (folder / "data/ebb/disparity").mkdir(exist_ok=True)
        depth = np.linspace(1, 3, SIZE[1], dtype=np.float32)[None].repeat(SIZE[0], 0)
        np.save(folder / "data/ebb/disparity" / f"{number}.npy", depth)
    (folder / "data/ebb/blur_strength.json").write_text('{"blur_strength": 20.0, "fitted_on": ["12"], "psnr_db": 25.0}')


def _build_pathtraced(folder: Path) -> None:
    for name in ("100", "101"):
        shutil.copytree(ROOT / "tests/data/pathtraced" / name, folder / "data/pathtraced" / name)


def _cached() -> Specimen:
    """The first two scenes of synbokeh-mini, as the cache has them."""

    def build(folder: Path) -> None:
        (folder / "cache").mkdir()

    def commands(folder: Path) -> list[Command]:
        line = [
            "--renderers",
            "identity",
            "--datasets",
            "synbokeh-mini",
            *RUN,
            "--limit",
            "2",
            "--output",
            folder / "out",
        ]

        def command() -> int:
            shutil.rmtree(folder / "out", ignore_errors=True)
            os.environ["BOKEHBENCH_CACHE"] = str(folder / "cache")
            return bench(*line, report=False)()

        return [command]

    return Specimen("cached scenes", build, lambda folder: files(folder, "cache/**/*.parquet"), commands, read_rows)


def _write_training(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for name, mode in (("photographs", 3), ("cutouts", 4)):
        (folder / name).mkdir()
        Image.fromarray(rng.integers(0, 256, (64, 64, mode), np.uint8)).save(folder / name / "one.png")
    scenes = {"photographs": ["photographs"], "cutouts": ["cutouts"], "size_px": 32, "planes": [1, 2]}
    scenes |= {"radius_px": [0.0, 4.0], "lens_samples": 16}
    values: dict[str, Any] = yaml.safe_load(yaml.safe_dump(CONFIG | {"output": "out"}))
    values["model"]["data"] |= {"scenes": scenes, "validation": scenes | {"seed": 9}}
    (folder / "config.yaml").write_text(yaml.safe_dump(values))


def _train(folder: Path, fresh: bool) -> Command:
    def command() -> int:
        from bokehbench.training.__main__ import main

        os.chdir(folder)
        if fresh:
            shutil.rmtree("out", ignore_errors=True)
        return main(["config.yaml"])

    return command


def _undo_last_step(folder: Path) -> Command:
    def command() -> int:
        (folder / "expected").write_text(_digest(folder / "out/model"))
        shutil.rmtree(folder / "out/model")
        (folder / "out/checkpoints/step-00000003.pt").unlink()
        return 0

    return command


def _digest(model: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(model.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _trained(folder: Path) -> dict[str, Any]:
    model, expected = folder / "out/model", folder / "expected"
    complete = (model / "training.json").is_file()
    digest = _digest(model) if complete else expected.read_text() if expected.is_file() else None
    return {"training": {"status": "ok", "traceback": None, "file": digest}} if digest else {}


def _training(name: str, pattern: str, fresh: bool) -> Specimen:
    def before(folder: Path) -> list[Command]:
        return [_train(folder, True), *([] if fresh else [_undo_last_step(folder)])]

    return Specimen(
        name,
        _write_training,
        lambda folder: files(folder, pattern),
        lambda folder: [_train(folder, fresh)],
        _trained,
        inputs=fresh,
        before=before,
        networks=True,
    )


def _options() -> Specimen:
    def base(folder: Path) -> dict[str, str]:
        given = {"--renderers": "identity", "--datasets": "folder", "--metrics": "psnr", "--limit": "1"}
        return given | {"--data-root": "data", "--output": "out"}

    def line(folder: Path, given: dict[str, str], flags: Sequence[str], variables: dict[str, str]) -> Command:
        words = [
            word
            for option, value in given.items()
            for word in (option, *(value.split(" ") if " " in value else [value]))
        ]

        def command() -> int:
            os.chdir(folder)
            os.environ.update(variables)
            return bench(*words, *flags)()

        return command

    def mutate(rng: Random, folder: Path) -> tuple[str, list[Command]]:
        given, flags, variables = base(folder), [], {}
        for _ in range(rng.choice((1, 1, 2))):
            option = rng.choice(list(OPTIONS))
            given[option] = rng.choice(OPTIONS[option])
        if rng.random() < 0.3:
            flags = [rng.choice(FLAGS)]
        if rng.random() < 0.3:
            variables = {rng.choice(VARIABLES): rng.choice(VARIABLE_VALUES)}
        said = {k: v[:30] for k, v in (given | variables).items() if base(folder).get(k) != v}
        return f"{said} {flags}", [line(folder, given, flags, variables)]

    return Specimen(
        "options and variables",
        write_scenes,
        lambda folder: [folder],
        lambda folder: [line(folder, base(folder), (), {})],
        lambda folder: {},
        mutate=mutate,
    )


DATA_SPECIMENS = [
    _data_set("ebb", _build_ebb, "data/ebb/*/4400.*", "data/ebb/*.json"),
    _data_set("pathtraced", _build_pathtraced, "data/pathtraced/100/*"),
    _cached(),
    _training("training's YAML", "config.yaml", True),
    _training("training's checkpoint", "out/**/*", False),
    _options(),
]
