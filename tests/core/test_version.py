import subprocess
from importlib.metadata import version

import pytest

from bokehbench.core.version import describe_version, read_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_version_is_that_of_the_package():
    assert describe_version().startswith(f"bokehbench {version('bokehbench')}")


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": COMMIT},
        {"HEAD": "ref: refs/heads/main", "refs/heads/main": COMMIT},
        {
            "HEAD": "ref: refs/heads/main",
            "packed-refs": f"# pack-refs\n{'f' * 40} refs/heads/x\n{COMMIT} refs/heads/main",
        },
    ],
)
def test_commit_is_read_without_git(tmp_path, files):
    for name, content in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert read_commit(tmp_path) == COMMIT[:12]


def test_commit_of_a_real_work_tree(tmp_path):
    def git(*arguments, cwd=tmp_path / "one"):
        done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)  # noqa: S607
        return done.stdout.strip()

    (tmp_path / "one").mkdir()
    git("init")
    git("-c", "user.name=a", "-c", "user.email=b", "commit", "--allow-empty", "-m", "c")
    git("worktree", "add", "../two", "-b", "two")
    assert read_commit(tmp_path / "two") == git("rev-parse", "HEAD")[:12]


@pytest.mark.parametrize("files", [{}, {"HEAD": ""}, {"HEAD": "ref: refs/heads/unborn"}])
def test_no_commit_is_none(tmp_path, files):
    (tmp_path / ".git").mkdir()
    for name, content in files.items():
        (tmp_path / ".git" / name).write_text(content)
    assert read_commit(tmp_path) is None
