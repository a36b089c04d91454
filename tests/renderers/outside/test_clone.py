import subprocess

import pytest

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.outside import clone
from bokehbench.renderers.outside.adapter_info import AdapterInfo, Variant
from bokehbench.renderers.outside.clone import find_clone, find_commit, find_python, hash_clone, hub_revision

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


def test_every_python_file_counts_but_those_of_environments(tmp_path):
    for name in ("model.py", "net/blocks.py", ".venv/lib/torch.py", "env/lib/torch.py", "picture.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    digests = hash_clone(tmp_path, tmp_path / "model.py", Variant(summary="x"))
    assert list(digests) == ["adapter", "repository: model.py", "repository: net/blocks.py", "worker"]
    assert digests["adapter"] == digests["repository: model.py"] != digests["worker"]


def test_the_python_is_the_first_of_three(tmp_path):
    for name in (".venv", "venv"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch(mode=0o755)
    assert find_python(tmp_path) == tmp_path / ".venv/bin/python"
    (tmp_path / ".bokehbench-python").write_text("/opt/conda/envs/b/bin/python\n")
    assert str(find_python(tmp_path)) == "/opt/conda/envs/b/bin/python"


def test_the_commit_is_gits_word(tmp_path):
    assert find_commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    find_commit.cache_clear()
    assert len(find_commit(tmp_path)) == 40
