"""Stand-ins for other people's repositories: folders with an adapter, or with modules that have the names it calls."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = """
import os, subprocess, sys, time
import numpy as np

INFO = {
    "title": "a stand-in",
    "inputs": ("picture", "blur strength"),
    "variants": {"stand-in": {"summary": "for tests"}},
}


def load(folder, device, options):
    return folder


def render(state, image, disparity, params, seed):
"""


@pytest.fixture
def make_repository(tmp_path) -> Callable[..., Path]:
    """A factory of folders for ``outside@FOLDER``: ``body`` is what its adapter's render does.

    Torch cannot be imported there, which makes a worker start in a moment.
    """

    def make(body: str, head: str = HEAD) -> Path:
        folder = tmp_path / "repository"
        folder.mkdir(exist_ok=True)
        (folder / "torch.py").write_text("raise ImportError\n")
        (folder / ".bokehbench-python").write_text(f"{sys.executable}\n")
        (folder / "bokehbench_adapter.py").write_text(head + textwrap.indent(textwrap.dedent(body), "    "))
        return folder

    return make
