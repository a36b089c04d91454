"""The light install: what is left out is in no module that the classical renderers and `blur` import."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bokehbench.core.light_install import LEFT_OUT, explain_missing

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import importlib, sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            asked.append(name)
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


LEFT_OUT, asked = set(sys.argv[1].split(",")), []
sys.meta_path.insert(0, Absent())
for name in ("pipeline", "checkpoints", "renderer", "models.compact", "models.sdxl"):
    importlib.import_module(f"bokehbench.renderers.bokehdiff.{name}")
assert not asked
assert not {"transformers", "bitsandbytes", "torch._dynamo"} & set(sys.modules)
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.core.errors import MissingWeightsError
from bokehbench.photograph.command import main
from bokehbench.renderers.registry import load_renderer

assert main(["blur", "--example", "--radius", "2", "--output", sys.argv[2]]) == 0
for name in ("psnr", "ssim", "psnr-focus"):
    load_metric(name).prepare()
assert main(["blur", "--example", "--renderer", "bokehdiff", "--output", sys.argv[2]]) == 2
"""
"""BokehDiff's modules ask for none of it when they are imported: diffusers takes 4 s of processor time."""


def test_classical_blur_and_basic_metrics_need_nothing_of_what_is_left_out(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROBE, ",".join(LEFT_OUT), str(tmp_path / "out.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "bokehbench blur: this needs the package torchvision, which the light install leaves out: install everything:"
        " pip install -c constraints.txt -e ."
    ]


def test_the_list_is_the_full_install_without_what_is_left_out():
    full = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    lines = (ROOT / "light.txt").read_text(encoding="utf-8").splitlines()
    light = [line for line in lines if not line.startswith("#")]
    left_out = {re.split("[<>=]", line)[0].replace("-", "_") for line in full if line not in light}
    assert set(light) <= set(full)
    assert left_out == LEFT_OUT


@pytest.mark.parametrize(("name", "explained"), [("diffusers.models", True), ("numpy", False), (None, False)])
def test_only_a_package_that_is_left_out_is_explained(name, explained):
    assert (explain_missing(ModuleNotFoundError("No module", name=name)) is not None) == explained
