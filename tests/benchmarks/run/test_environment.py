"""The id of the surroundings tells apart what may change a number: uncommitted changes, threads."""

import shutil
import subprocess

import pytest
import torch

from bokehbench.benchmarks.run import environment
from bokehbench.benchmarks.run.environment import describe_environment


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_every_change_of_a_file_has_its_own_name(tmp_path):
    def git(*arguments):
        command = [shutil.which("git"), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True)

    git("init", "--quiet")
    path = tmp_path / "code.py"
    path.write_text("one")
    git("add", "code.py")
    git("commit", "--quiet", "-m", "First")
    clean = environment._commit(tmp_path)
    assert len(clean) == 12
    named = []
    for text in ("two", "three", "two"):
        path.write_text(text)
        named.append(environment._commit(tmp_path))
    assert all(name.startswith(f"{clean}+") for name in named)
    assert named[0] == named[2] != named[1]
    assert environment._commit(tmp_path / "nowhere") is None


def test_threads_are_part_of_the_surroundings(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    one, record = describe_environment()
    assert record["threads"] == 1
    assert describe_environment()[0] == one
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert describe_environment()[0] != one
