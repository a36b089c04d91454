"""The door to diffusers: every name is there, and nothing is imported before it is asked for."""

import logging
import subprocess
import sys

import pytest

from bokehbench.core import diffusers


def test_every_name_is_there_and_no_logger_stays_silenced():
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    level = log.level
    assert all(getattr(diffusers, name) is not None for name in diffusers.__all__)
    assert log.level == level


def test_the_module_by_itself_imports_nothing():
    code = "import sys, bokehbench.core.diffusers; print({'torch', 'diffusers', 'peft'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_other_names_are_not_passed_on():
    with pytest.raises(AttributeError, match="has no attribute 'FluxPipeline'"):
        _ = diffusers.FluxPipeline
