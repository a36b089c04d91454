"""A bundle: the same run gives the same bytes, and what could not be taken in is not written."""

import json
import zipfile

import pytest

from bokehbench.benchmarks.bundles.export import export_bundle, write_bundle
from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run.store import StoredRun, write_meta
from bokehbench.core.errors import CannotWriteError, InvalidBundleError, InvalidOptionError

from ...stored_records import ORIGIN
from .conftest import contents


def test_the_same_run_gives_the_same_bytes(stored, bundle, tmp_path):
    write_bundle(stored, tmp_path / "again.zip", "Ada")
    assert bundle.read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_rows_and_scenes_go_along_and_local_paths_do_not(bundle):
    members = contents(bundle)
    assert list(members) == ["manifest.json", "run.json", "rows.jsonl", "scenes.jsonl"]
    rows = [json.loads(line) for line in members["rows.jsonl"].splitlines()]
    assert [row["key"] for row in rows] == ["one", "two", "failed"]
    assert [json.loads(line)["cluster"] for line in members["scenes.jsonl"].splitlines()] == ["place 0", "place 1"]
    manifest = json.loads(members["manifest.json"])
    assert (manifest["run"], manifest["by"], manifest["schema"]) == ("night", "Ada", 1)
    assert b"secret" not in b"".join(members.values())


def test_nothing_is_overwritten(stored, bundle):
    before = bundle.read_bytes()
    with pytest.raises(InvalidOptionError, match="exists: choose another name"):
        write_bundle(stored, bundle)
    assert bundle.read_bytes() == before


def test_an_imported_run_is_passed_on_as_its_file(stored, tmp_path):
    write_meta(stored.folder, stored.meta | {"imported": ORIGIN})
    with pytest.raises(InvalidOptionError, match=r"imported from theirs\.zip: pass that file on"):
        write_bundle(StoredRun.open(stored.folder), tmp_path / "x.zip")


def test_pictures_that_are_lost_or_changed_are_not_passed_on(stored, tmp_path):
    write_bundle(stored, tmp_path / "good.zip", pictures=True)
    assert sum(name.endswith(".png") for name in contents(tmp_path / "good.zip")) == 2 + 2 * 2
    (stored.folder / "images" / "d" / "s1" / "r-1.png").write_bytes(b"another")
    with pytest.raises(InvalidBundleError, match=r"r-1\.png: missing, or not the picture that was stored"):
        write_bundle(stored, tmp_path / "bad.zip", pictures=True)
    assert not (tmp_path / "bad.zip").exists()


def test_what_no_bundle_may_hold_is_not_written(stored, tmp_path):
    stored.rows[0]["metrics"]["psnr"] = 1e6
    with pytest.raises(InvalidBundleError, match=r"rows.jsonl, line 1: metrics.psnr: expected 0 to 100, got 1e\+06"):
        write_bundle(stored, tmp_path / "bad.zip")
    assert [path.name for path in tmp_path.glob("*.zip")] == []


def test_a_place_that_cannot_be_written_is_said_with_the_option(stored, tmp_path):
    (tmp_path / "file").write_text("")
    request = RunRequest(output=tmp_path, run="night", export=tmp_path / "file" / "x.zip")
    with pytest.raises(CannotWriteError) as error:
        export_bundle(request)
    assert error.value.elsewhere == "--export"
    assert not error.value.goes_on, "an export starts again"
