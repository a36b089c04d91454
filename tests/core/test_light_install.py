"""The light install: what is left out is in no module that the classical renderers and `blur` import."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bokehbench.core.light_install import LEFT_OUT, explain_missing

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import importlib, sys


class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        if package in LEFT_OUT:
            asked.append(name)
        return None if package in ABSENT else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)


LEFT_OUT, ABSENT, folder, asked = set(sys.argv[1].split(",")), set(sys.argv[2].split(",")), sys.argv[3], []
sys.meta_path[:] = map(Without, sys.meta_path)
for name in ("pipeline", "checkpoints", "renderer", "models.compact", "models.sdxl"):
    importlib.import_module(f"bokehbench.renderers.bokehdiff.{name}")
assert not asked
assert not {"transformers", "bitsandbytes", "torch._dynamo"} & set(sys.modules)
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.photograph.command import main

picture = f"{folder}/out.png"
assert main(["blur", "--example", "--radius", "2", "--output", picture]) == 0
for name in ("psnr", "ssim", "psnr-focus"):
    load_metric(name).prepare()
assert main(["blur", "--example", "--renderer", "bokehdiff", "--output", picture]) == 2

import run_bench

renderers = ["--renderers", "identity,classical,classical-occlusion"]
scenes = ["--datasets", "synbokeh-mini", "--limit", "1", "--metrics", "psnr,ssim"]
assert run_bench.main([*renderers, *scenes, "--output", folder]) == 0
"""
"""BokehDiff's modules ask for none of it when they are imported: diffusers takes 4 s of processor time."""


def light_lines() -> list[str]:
    lines = (ROOT / "light.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def brought_by(lines: list[str]) -> set[str]:
    """The packages of ``lines`` and what each brings, as installed here, by their canonical names."""
    found, waiting = set(), [(canonicalize_name(Requirement(line).name), "") for line in lines]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        name, extra = one
        for needed in map(Requirement, distribution(name).requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(needed.name), asked) for asked in ("", *needed.extras)]
    return {name for name, _ in found}


def absent_modules() -> set[str]:
    """The modules of what is installed here and would not be in the light install."""
    there = brought_by(light_lines()) | {"bokehbench"}
    return {
        module
        for module, packages in packages_distributions().items()
        if not {canonicalize_name(package) for package in packages} & there
    }


def test_what_the_light_install_promises_needs_nothing_of_what_it_lacks(tmp_path):
    absent = absent_modules()
    assert absent >= LEFT_OUT
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROBE, ",".join(LEFT_OUT), ",".join(absent), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 cases ok" in done.stdout
    refused = [line for line in done.stderr.splitlines() if line.startswith("bokehbench blur:")]
    assert refused == [
        "bokehbench blur: this needs the package torchvision, which the light install leaves out: install everything:"
        " pip install -c constraints.txt -e ."
    ]


def test_the_list_is_the_full_install_without_what_is_left_out():
    full = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    light = light_lines()
    left_out = {re.split("[<>=]", line)[0].replace("-", "_") for line in full if line not in light}
    assert set(light) <= set(full)
    assert left_out == LEFT_OUT


@pytest.mark.parametrize(("name", "explained"), [("diffusers.models", True), ("numpy", False), (None, False)])
def test_only_a_package_that_is_left_out_is_explained(name, explained):
    assert (explain_missing(ModuleNotFoundError("No module", name=name)) is not None) == explained
