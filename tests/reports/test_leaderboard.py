"""The command that writes a leaderboard, and its page in the report of a run."""

import json
import shutil

import pytest

from bokehbench.reports.leaderboard import main
from bokehbench.reports.report import write_report


def test_runs_by_name_and_by_folder(compared_folders, tmp_path, capsys):
    before, after = compared_folders
    shutil.copytree(before, tmp_path / "results" / "before")
    speed = tmp_path / "results" / "speed"
    speed.mkdir()
    record = {
        "schema": 1, "command": "python run_bench.py --latency", "started": "2026-01-05T00:00:00Z",
        "rule": {"least": 6, "most": 100, "narrow": 0.05, "seconds": 3.0},
        "cuda": None, "plan": [], "environments": {}, "measurements": {},
    }  # fmt: skip
    (speed / "latency.json").write_text(json.dumps(record))
    page = tmp_path / "docs" / "board.md"
    assert main(["before", str(after), "speed", "--from", str(tmp_path), "--output", str(page)]) == 0
    assert capsys.readouterr().out == f"pairs: {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "`fancy (before)`" in text
    assert "`fancy (after)`" in text


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            ["absent"],
            "absent: no run is stored here: run the benchmark first, or name the folder that it wrote to with "
            "--from DIR\n",
        ),
        (["{0}", "{0}/../before"], "two runs are called 'before'"),
    ],
)
def test_mistakes_are_one_line(compared_folders, tmp_path, capsys, runs, said):
    runs = [run.format(compared_folders[0]) for run in runs]
    assert main([*runs, "--output", str(tmp_path / "x.md"), "--from", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.md").exists()


def test_the_page_of_a_run(compared_folders, tmp_path):
    from bokehbench.benchmarks.run.store import StoredRun

    home = write_report(StoredRun.open(compared_folders[1]), tmp_path / "reports")
    page = (home.parent / "leaderboard.html").read_text(encoding="utf-8")
    assert page.index('data-value="fancy"') < page.index('data-value="plain"')
    assert "Published numbers, not measured here" in page
    assert '<a href="after/leaderboard.html">Leaderboard</a>' in (home.parents[1] / "index.html").read_text()
