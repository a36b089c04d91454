"""Zip files that are no bundles, or made to harm: one line each, before anything of them is unpacked."""

import io
import stat
import struct
import zipfile

import pytest

from bokehbench.benchmarks.bundles import archive as module
from bokehbench.benchmarks.bundles.archive import Archive
from bokehbench.core.errors import InvalidBundleError

from .conftest import pack


def open_archive(path):
    return Archive(io.BytesIO(path.read_bytes()), "x.zip")


def refusal(path):
    with pytest.raises(InvalidBundleError) as error:
        open_archive(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "name",
    ["../evil.json", "/etc/passwd", "images/../../x.png", "C:\\x", "run.json/", "images/a/.b/c.png"],
)
def test_members_that_lead_elsewhere(tmp_path, name):
    said = refusal(pack(tmp_path / "x.zip", [("run.json", b"{}"), (name, b"")]))
    assert "no member of a bundle" in said or "no regular file" in said


def test_a_name_that_goes_on_behind_its_end(tmp_path):
    path = pack(tmp_path / "x.zip", [("run.json_.png", b"{}")])
    path.write_bytes(path.read_bytes().replace(b"run.json_", b"run.json\0"))
    assert "no member of a bundle" in refusal(path)


def test_links_and_members_that_are_there_twice(tmp_path):
    link = zipfile.ZipInfo("run.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "a link or no regular file" in refusal(pack(tmp_path / "link.zip", [(link, b"/etc/passwd")]))
    twice = pack(tmp_path / "twice.zip", [("run.json", b"{}"), ("run.json", b"[]")])
    assert "member 'run.json': is there twice" in refusal(twice)


def test_a_bundle_behind_another_one(tmp_path, bundle):
    (tmp_path / "doubled.zip").write_bytes(bundle.read_bytes() * 2)
    assert "expected one bundle, got other bytes before it" in refusal(tmp_path / "doubled.zip")


def test_other_files_and_parts_of_one(tmp_path, bundle):
    (tmp_path / "text.zip").write_text("hello")
    (tmp_path / "empty.zip").write_bytes(b"")
    whole = bundle.read_bytes()
    (tmp_path / "part.zip").write_bytes(whole[:-10])
    for name in ("text", "empty", "part"):
        assert "got another file or a part of one" in refusal(tmp_path / f"{name}.zip")
    (tmp_path / "cut.zip").write_bytes(whole[200:])
    with pytest.raises(InvalidBundleError, match=r"x\.zip: .*: get the bundle again"):
        open_archive(tmp_path / "cut.zip").read("manifest.json")


def test_packed_in_other_ways(tmp_path):
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        info = zipfile.ZipInfo("run.json")
        info.compress_type = compression
        assert "packed in another way" in refusal(pack(tmp_path / "x.zip", [(info, b"{}")]))
    assert "packed in another way" in refusal(pack(tmp_path / "y.zip", [("images/a/b/c.png", bytes(100))]))
    secret = bytearray(pack(tmp_path / "z.zip", [("run.json", b"{}")]).read_bytes())
    secret[secret.rindex(b"PK\1\2") + 8] |= 1
    (tmp_path / "z.zip").write_bytes(secret)
    assert "encrypted" in refusal(tmp_path / "z.zip")


def test_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_MEMBER_BYTES", 1000)
    bomb = pack(tmp_path / "bomb.zip", [("run.json", bytes(2000))])
    assert "2000 bytes, expected at most 1000" in refusal(bomb)
    lying = bytearray(bomb.read_bytes())  # says that it is small, in both places
    for place in (lying.index(b"PK\3\4") + 22, lying.rindex(b"PK\1\2") + 24):
        lying[place : place + 4] = struct.pack("<I", 10)
    (tmp_path / "lying.zip").write_bytes(lying)
    with pytest.raises(InvalidBundleError, match=r"run\.json: damaged"):
        open_archive(tmp_path / "lying.zip").read("run.json")


def test_directories_are_small(tmp_path, monkeypatch):
    two = pack(tmp_path / "two.zip", [("run.json", b"{}"), ("rows.jsonl", b"")])
    monkeypatch.setattr(module, "MOST_MEMBERS", 1)
    assert "at most 1 members" in refusal(two)
    monkeypatch.undo()
    content = two.read_bytes()
    (tmp_path / "64.zip").write_bytes(content[:-22] + b"PK\6\7" + bytes(16) + content[-22:])
    assert "got more" in refusal(tmp_path / "64.zip")


def test_pictures_cannot_claim_more_than_the_file(tmp_path):
    info = zipfile.ZipInfo("images/a/b/c.png")
    file = bytearray(pack(tmp_path / "x.zip", [(info, b"abc")]).read_bytes())
    place = file.rindex(b"PK\1\2") + 24
    file[place : place + 4] = struct.pack("<I", 10_000)
    (tmp_path / "x.zip").write_bytes(file)
    assert "claim 10000 bytes" in refusal(tmp_path / "x.zip")
