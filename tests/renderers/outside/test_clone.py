import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pytest

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.outside import clone
from bokehbench.renderers.outside.adapter_info import AdapterInfo, Variant
from bokehbench.renderers.outside.clone import find_clone, find_commit, find_python, hash_clone, hub_revision
from bokehbench.renderers.outside.list_packages import find_packages

INFO = AdapterInfo(title="x", variants={}, inputs=("picture",), repository="https://github.com/a/b")
BASE = Variant(summary="x", weights={"net.pt": "the authors' page"}, hub=("a/base",))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(clone, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / "models--a--base" / "refs"


def test_what_is_missing_is_named_with_its_source(tmp_path, hub):
    with pytest.raises(MissingWeightsError, match=r"net\.pt: not there: get it from the authors' page"):
        find_clone("b", tmp_path, INFO, BASE)
    (tmp_path / "net.pt").write_bytes(b"")
    with pytest.raises(MissingWeightsError, match=r"a/base: not in the Hugging Face cache .*: hf download a/base"):
        find_clone("b", tmp_path, INFO, BASE)
    hub.mkdir(parents=True)
    (hub / "main").write_text("f" * 40)
    assert find_clone("b", tmp_path, INFO, BASE).paths == [tmp_path / "net.pt"]
    assert hub_revision("a/base") == "f" * 40
    assert hash_clone(tmp_path, tmp_path / "net.pt", BASE)["hub: a/base"] == "f" * 12


def test_code_and_settings_count_but_not_those_of_environments(tmp_path):
    counted = ["model.py", "net/blocks.py", "net/scatter.cu", "config/large.yaml"]
    for name in (*counted, ".venv/lib/torch.py", "env/lib/torch.py", "picture.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    digests = hash_clone(tmp_path, tmp_path / "model.py", Variant(summary="x"))
    assert sorted(digests) == sorted(["adapter", "worker", *(f"repository: {name}" for name in counted)])
    assert digests["adapter"] == digests["repository: model.py"] != digests["worker"]


def test_versions_of_the_python_and_its_packages_count(tmp_path, monkeypatch):
    (tmp_path / ".bokehbench-python").write_text(sys.executable)
    digests = hash_clone(tmp_path, tmp_path / "adapter.py", Variant(summary="x"))
    assert digests["package: Python"] == sys.version
    assert digests["package: numpy"] == np.__version__
    assert find_packages([tmp_path / "absent"]) == {}
    for place, version in (("first", "2.0"), ("second", "1.0")):
        (tmp_path / place / f"lens-{version}.dist-info").mkdir(parents=True)
    assert find_packages([tmp_path / "first", tmp_path / "second"]) == {"lens": "2.0"}
    monkeypatch.setattr("os.listdir", Mock(side_effect=PermissionError))
    assert find_packages([tmp_path / "first"]) == {}


def test_the_python_is_the_first_of_three(tmp_path):
    for name in (".venv", "venv"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch(mode=0o755)
    assert find_python(tmp_path) == tmp_path / ".venv/bin/python"
    (tmp_path / ".bokehbench-python").write_text(f"{sys.executable}\n")
    assert str(find_python(tmp_path)) == sys.executable
    (tmp_path / ".bokehbench-python").write_text("/opt/typo\n")
    with pytest.raises(
        MissingWeightsError, match=r"bokehbench-python: expected one line, the path of a Python, got '/opt"
    ):
        find_python(tmp_path)


def test_the_commit_is_gits_word(tmp_path):
    assert find_commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    find_commit.cache_clear()
    assert len(find_commit(tmp_path)) == 40


def test_of_json_in_a_clone_what_git_tracks_counts(tmp_path):
    for name in ("a config.json", "results.json", "model.py"):
        (tmp_path / name).write_text("{}")
    assert len([name for name in hash_clone(tmp_path, tmp_path / "model.py", Variant(summary="x")) if ":" in name]) == 3
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "a config.json"], check=True)
    digests = hash_clone(tmp_path, tmp_path / "model.py", Variant(summary="x"))
    assert sorted(digests) == ["adapter", "repository: a config.json", "repository: model.py", "worker"]


def test_of_json_in_a_submodule_what_git_tracks_counts(tmp_path):
    git = ["git", "-c", "protocol.file.allow=always", "-c", "user.name=x", "-c", "user.email=x@y", "-C"]
    clone, used = tmp_path / "clone", tmp_path / "used"
    for folder in (clone, used):
        subprocess.run([*git, str(tmp_path), "init", "-q", str(folder)], check=True)
    (used / "config.json").write_text("{}")
    subprocess.run([*git, str(used), "add", "config.json"], check=True)
    subprocess.run([*git, str(used), "commit", "-qm", "x"], check=True)
    subprocess.run([*git, str(clone), "submodule", "--quiet", "add", str(used), "part"], check=True)
    (clone / "part" / "results.json").write_text("{}")
    digests = hash_clone(clone, used / "config.json", Variant(summary="x"))
    assert sorted(digests) == ["adapter", "repository: part/config.json", "worker"]
