"""Digests of files: none of an edit's ways past them is open, and what did not change is not read again."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bokehbench.datasets.files import digests
from bokehbench.datasets.files.digests import FileDigests, hash_scenes
from bokehbench.datasets.files.user_cache import CACHE_VARIABLE

BIG = 1 << 20


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set's folder with a small and a big file that have not changed for long; the cache lies elsewhere."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    made = tmp_path / "data"
    made.mkdir()
    (made / "small").write_bytes(b"x")
    (made / "big").write_bytes(bytes(BIG))
    monkeypatch.setattr(digests, "SETTLED_NS", -1)  # as if it were later
    return made


@pytest.fixture
def reads(monkeypatch):
    """The names of files that were read."""
    names = []
    real = digests.hashlib.file_digest

    def note(file, kind):
        names.append(Path(file.name).name)
        return real(file, kind)

    monkeypatch.setattr(digests.hashlib, "file_digest", note)
    return names


def digest(folder, name="big"):
    with FileDigests(folder) as files:
        return files.digest(folder / name)


@pytest.mark.parametrize("place", [0, BIG // 3, BIG // 2 + 1, BIG - 1])
def test_one_byte_anywhere_shows(folder, place):
    before = digest(folder)
    with (folder / "big").open("r+b") as file:
        file.seek(place)
        file.write(b"\1")
    assert digest(folder) != before


def test_an_edit_that_keeps_size_and_time_shows(folder):
    before, status = digest(folder), (folder / "big").stat()
    (folder / "big").write_bytes(b"\1" * BIG)
    os.utime(folder / "big", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest(folder) != before


def test_a_file_moved_into_place_shows(folder):
    before, status = digest(folder), (folder / "big").stat()
    (folder / "new").write_bytes(b"\1" * BIG)
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new").replace(folder / "big")
    assert digest(folder) != before


def test_what_did_not_change_is_read_once(folder, reads):
    assert digest(folder) == digest(folder)
    assert reads == ["big"]
    with FileDigests(folder) as files:
        assert files.digest(folder / "small") == files.digest(folder / "small")
    assert reads == ["big", "small"]
    digest(folder)
    assert reads == ["big", "small"], "storing one file forgets no other"


def test_a_file_that_has_just_changed_is_read_again(folder, reads, monkeypatch):
    """Its next change may fall into the same tick of the file system's clock."""
    monkeypatch.setattr(digests, "SETTLED_NS", 3_000_000_000)
    digest(folder)
    digest(folder)
    assert reads == ["big", "big"]
    later = time.time_ns() + 60_000_000_000
    monkeypatch.setattr(digests.time, "time_ns", lambda: later)
    digest(folder)
    digest(folder)
    assert reads == ["big", "big", "big"]


def test_a_file_that_changes_while_it_is_read_is_read_again(folder, reads, monkeypatch):
    real = digests.hashlib.file_digest

    def change(file, kind):
        (folder / "big").write_bytes(b"\2" * len(reads))
        return real(file, kind)

    monkeypatch.setattr(digests.hashlib, "file_digest", change)
    digest(folder)
    monkeypatch.setattr(digests.hashlib, "file_digest", real)
    digest(folder)
    assert reads == ["big", "big"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff", b'{"big": 3}', b'{"big": [1, 2, 3, 4, null]}', b"[" * 100_000]
)
def test_a_damaged_cache_is_made_again(folder, reads, content):
    expected = digest(folder)
    (store,) = (folder.parent / "cache" / "digests").iterdir()
    store.write_bytes(content)
    assert digest(folder) == expected
    assert digest(folder) == expected
    assert reads == ["big", "big"]


def test_a_cache_that_cannot_be_written_costs_reading_only(folder, monkeypatch):
    expected = digest(folder)
    (folder.parent / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(folder.parent / "file"))
    assert digest(folder) == expected


def test_processes_may_store_at_once(folder):
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: digest(folder), range(40)))
    assert len(found) == 1
    assert [path.suffix for path in (folder.parent / "cache" / "digests").iterdir()] == [".json"]


def test_what_cannot_be_read_is_left_to_its_loader(folder):
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("nowhere")
    found = {name: digest(folder, name) for name in ("pipe", "link", "missing", "small/inside", ".")}
    assert found == {
        "pipe": "unreadable",
        "link": "unreadable",
        "missing": "absent",
        "small/inside": "absent",
        ".": "unreadable",
    }


def test_scenes_elsewhere_have_the_same_digests_whatever_the_files_are_called(folder, tmp_path):
    first = hash_scenes(
        folder, ["one"], lambda _: {"image": folder / "big", "settings": {"gamma": 2.0}, "target": None}
    )
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "big").rename(tmp_path / "copy" / "other")
    moved = tmp_path / "copy" / "other"
    assert (
        hash_scenes(moved.parent, ["one"], lambda _: {"image": moved, "settings": {"gamma": 2.0}, "target": None})
        == first
    )
    moved = moved.rename(moved.with_suffix(".png"))
    second = hash_scenes(moved.parent, ["one"], lambda _: {"image": moved, "settings": {"gamma": 2.1}, "target": None})
    assert [part for part in first["one"] if first["one"][part] != second["one"][part]] == ["image", "settings"]


def test_a_scene_whose_parts_cannot_be_named_costs_no_other(folder):
    def parts_of(scene):
        if scene == "bad":
            raise OSError("torn")
        return {"image": folder / "big"}

    found = hash_scenes(folder, ["bad", "good"], parts_of)
    assert {scene: list(parts) for scene, parts in found.items()} == {"bad": ["damaged"], "good": ["image"]}


def test_what_is_gone_or_long_unused_is_dropped(folder, tmp_path, reads):
    digest(folder)
    (store,) = (tmp_path / "cache" / "digests").iterdir()
    old, recent = store.with_name("old.json"), store.with_name("recent.json")
    for other in (old, recent):
        other.write_text("{}")
    os.utime(old, (0, 0))
    os.utime(store, (0, 0))
    (folder / "big").unlink()
    digest(folder, "small")
    assert (store.is_file(), old.exists(), recent.exists()) == (True, False, True)
    assert "big" not in store.read_text()
