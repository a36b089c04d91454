"""Each case runs in a fresh interpreter: a failed import and a declared operator cannot be undone in this one."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BROKEN_TORCHVISION = """
import torch
ready = True
for name in ("nms", "qnms"):
    torch.library.register_fake(f"torchvision::{name}")(lambda dets, scores, iou_threshold: dets)
"""

CALL_THE_GUARD = "from bokehbench.core.torchvision_guard import ensure_torchvision; ensure_torchvision(); "


def run_python(code: str, package_folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if package_folder is not None:
        environment["PYTHONPATH"] = str(package_folder)
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def write_torchvision(folder: Path, source: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(textwrap.dedent(source))
    return folder


def test_a_torchvision_without_its_operators_imports_only_after_the_guard(tmp_path):
    folder = write_torchvision(tmp_path, BROKEN_TORCHVISION)
    without = "try: import torchvision\nexcept RuntimeError as error: print(error)\n"
    outcome = run_python(without + CALL_THE_GUARD + "import torchvision; print(torchvision.ready)", folder)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines() == ["operator torchvision::nms does not exist", "True"]


def test_an_operator_somebody_already_declared_is_left_alone(tmp_path):
    folder = write_torchvision(tmp_path, BROKEN_TORCHVISION)
    declare = "import torch; torch.library.define('torchvision::nms', '(Tensor a, Tensor b, float c) -> Tensor'); "
    outcome = run_python(declare + CALL_THE_GUARD + "print(torch.ops.torchvision.nms.default._schema)", folder)
    assert outcome.returncode == 0, outcome.stderr
    assert "Tensor a, Tensor b" in outcome.stdout


@pytest.mark.parametrize("source", ["raise RuntimeError('of another kind')", "import a_package_that_is_not_there"])
def test_other_failures_are_not_hidden(tmp_path, source):
    outcome = run_python(CALL_THE_GUARD, write_torchvision(tmp_path, source))
    assert outcome.returncode != 0
    assert "of another kind" in outcome.stderr or "a_package_that_is_not_there" in outcome.stderr


def test_a_healthy_torchvision_is_imported_and_torch_is_not(tmp_path):
    folder = write_torchvision(tmp_path, "")
    outcome = run_python(
        CALL_THE_GUARD + "import sys; print('torchvision' in sys.modules, 'torch' in sys.modules)", folder
    )
    assert outcome.stdout.split() == ["True", "False"]
