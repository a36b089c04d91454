"""Which BokehBench this is: its version, and the commit where it runs from a checkout."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIGITS = 12


def describe_version() -> str:
    """Return ``bokehbench VERSION``, with the commit in a checkout."""
    try:
        number = version("bokehbench")
    except PackageNotFoundError:
        number = "of a folder that is not installed"
    commit = read_commit()
    return f"bokehbench {number}" + (f", commit {commit}" if commit else "")


def read_commit(root: Path = ROOT) -> str | None:
    """Return the commit that a checkout, or a work tree of one, has at its head; None outside, or where it has none.

    Read from git's files, so that git need not be there. Changes to the files are not looked for.
    """
    git = root / ".git"
    try:
        if git.is_file():  # of a work tree: names its folder
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head[:DIGITS] or None
        shared = git / "commondir"
        home = git / shared.read_text(encoding="utf-8").strip() if shared.is_file() else git
        return _resolve(head.removeprefix("ref:").strip(), [git, home])
    except (OSError, UnicodeDecodeError):
        return None


def _resolve(reference: str, folders: list[Path]) -> str | None:
    for folder in folders:
        if (folder / reference).is_file():
            return (folder / reference).read_text(encoding="utf-8").strip()[:DIGITS] or None
    packed = folders[-1] / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0][:DIGITS] for line in lines if line.endswith(f" {reference}")), None)
