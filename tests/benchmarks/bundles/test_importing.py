"""A bundle beside the user's runs: as a run of its own, marked, complete or not there at all."""

import shutil

import pytest

from bokehbench.benchmarks import results
from bokehbench.benchmarks.bundles.export import write_bundle
from bokehbench.benchmarks.bundles.importing import STAGING, import_bundle
from bokehbench.benchmarks.run.run_folder import RunFolder
from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs
from bokehbench.core.errors import InvalidBundleError, InvalidOptionError

from .conftest import contents, pack


def test_an_imported_run_has_the_same_rows_and_says_that_it_is(stored, bundle, tmp_path):
    folder = import_bundle(bundle, tmp_path)
    assert folder == tmp_path / "results" / "imported-night"
    assert results.read(folder).drop(columns="image").equals(results.read(stored.folder).drop(columns="image"))
    run = StoredRun.open(folder)
    assert run.meta["run"] == "imported-night"
    assert run.origin == "imported from night.zip: measured by Ada on Abacus, Orrery as 'night'"
    assert not run.has_pictures
    assert stored.origin == ""
    settings = compare_runs(stored, run).settings
    assert [(first, second) for name, first, second in settings if name == "origin"] == [("measured here", run.origin)]


def test_pictures_come_along_where_they_are_there(stored, tmp_path):
    write_bundle(stored, tmp_path / "p.zip", pictures=True)
    folder = import_bundle(tmp_path / "p.zip", tmp_path, "theirs")
    assert StoredRun.open(folder).has_pictures
    for path in stored.folder.rglob("*.png"):
        assert (folder / path.relative_to(stored.folder)).read_bytes() == path.read_bytes()


def test_nothing_is_overwritten_and_nothing_is_left_of_a_refusal(stored, bundle, tmp_path):
    with pytest.raises(InvalidOptionError, match="exists: choose another name for what is imported with --run"):
        import_bundle(bundle, tmp_path, "night")
    with pytest.raises(InvalidOptionError, match=r"--run '\.\./up'"):
        import_bundle(bundle, tmp_path, "../up")
    members = contents(bundle)
    members["rows.jsonl"] += b"x"
    with pytest.raises(InvalidBundleError):
        import_bundle(pack(tmp_path / "bad.zip", list(members.items())), tmp_path)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["night"]


@pytest.mark.parametrize("name", ["absent.zip", "folder"])
def test_what_cannot_be_read_is_one_line(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidOptionError, match=f"--import .*{name}: cannot be read"):
        import_bundle(tmp_path / name, tmp_path)


def test_what_a_kill_left_is_cleared(bundle, tmp_path):
    left = tmp_path / "results" / STAGING / "images"
    left.mkdir(parents=True)
    folder = import_bundle(bundle, tmp_path)
    assert not left.exists()
    assert not (folder / "images").exists()


def test_nothing_is_measured_into_an_imported_run(bundle, tmp_path):
    folder = import_bundle(bundle, tmp_path)
    with (
        pytest.raises(InvalidOptionError, match=r"was imported from night\.zip: measure in another run"),
        RunFolder.open(folder),
    ):
        pass


def test_the_command_line_passes_a_run_on(stored, bundle, tmp_path, run_bench, caplog):
    bundle.unlink()
    done = run_bench("--run", "night", "--output", tmp_path, "--export", bundle, "--by", "<b>Ada</b>")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 of 3 cases (1 of them failed) of 'night' written to ")
    shutil.rmtree(stored.folder)
    mistaken = run_bench("--output", tmp_path, "--import", bundle, "--reference", "nobody")
    assert mistaken.returncode == 2
    assert f"--reference nobody: expected a renderer of {bundle}: " in mistaken.stderr
    assert not (tmp_path / "results" / "imported-night").exists()
    done = run_bench("--output", tmp_path, "--import", bundle)
    assert done.returncode == 0, "a case of theirs failed, which the report says; no case of this command did"
    assert "d: no data set of this name is known here" in caplog.messages
    assert f"{bundle}: stored as the run 'imported-night'\n" in done.stdout
    assert "2 of 3 cases ok" in done.stdout
    assert "failed: " in done.stderr
    report = run_bench("--output", tmp_path, "--run", "imported-night", "--report-only")
    assert (report.returncode, report.stdout) == (0, done.stdout.partition("\n")[2])
    text = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert "Imported from night.zip: measured by &lt;b&gt;Ada&lt;/b&gt; on Abacus, Orrery" in text
    again = run_bench("--output", tmp_path, "--import", bundle)
    assert again.returncode == 2
    assert len(again.stderr.strip().splitlines()) == 1
    assert "was imported from this file: --run imported-night --report-only writes its report" in again.stderr
    alone = run_bench("--output", tmp_path, "--by", "Ada")
    assert "--by has a meaning only with --export" in alone.stderr
