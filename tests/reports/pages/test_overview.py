"""The list of runs: built from what lies on disk, newest first; a run costs its own line, and no other's pages."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs
from bokehbench.core.errors import InvalidOptionError
from bokehbench.reports.files.summary import FILE
from bokehbench.reports.report import write_comparison, write_latency, write_report

from ..conftest import METRICS


@pytest.fixture
def make(run_writer, tmp_path):
    """Stores a run of the given name and date, and writes its report."""

    def make(name, day=1, **meta):
        writer = run_writer()
        writer.folder = tmp_path / "results" / name
        writer.meta |= {"run": name, "started": f"2026-01-{day:02}T03:04:05Z", "command": f"python run_bench.py {name}"}
        writer.meta |= {"finished": f"2026-01-{day:02}T03:05:05Z"} | meta
        writer.scene("pairs", "s")
        for number, renderer in enumerate(("plain", "fancy")):
            writer.case("pairs", "s", renderer, {"psnr": 30.0 + number + day, "lpips": 0.1})
        run = writer.open()
        return write_report(run, tmp_path / "reports").parent

    return make


def read(folder):
    return (folder / "reports" / "index.html").read_text(encoding="utf-8")


def order(folder):
    """Return the runs in the order of the table."""
    return re.findall(r'<th scope="row" data-value="([^"]*)"', read(folder))


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_newest_run_is_shown_and_all_are_listed(make, tmp_path):
    for name, day in (("second", 2), ("third", 3), ("first", 1)):
        make(name, day)
    assert order(tmp_path) == ["third", "second", "first"]
    text = read(tmp_path)
    assert 'Newest run, <a href="third/index.html">third</a> · ' in text
    assert "34.00" in text.partition("All runs</h2>")[0]
    assert "31.00" not in text.partition("All runs</h2>")[0]
    for name in ("first", "second", "third"):
        assert f'href="{name}/index.html"' in text
        assert f"python run_bench.py {name}" in text
    assert "2 ok. Not computed: dists." in text
    assert "plain, fancy on pairs" in text
    assert "http-equiv" not in text


def test_what_is_worth_a_look_is_said_and_led_to(make, tmp_path):
    doubt = {"dataset": "pairs", "kind": "map inverted", "scenes": ["s"], "example": "the map looks inverted"}
    broken = {**METRICS["dists"], "broken": True}
    make("odd", doubts=[doubt], metrics={**METRICS, "dists": broken, "vif": METRICS["dists"]})
    text = read(tmp_path)
    for part in text.split("All runs</h2>"):
        assert "Not computed: dists, vif." in part
        assert '<a class="remark" href="odd/index.html#oddities">1 thing is worth a look</a>' in part
        assert '<a class="remark" href="odd/index.html#problems">1 thing did not work</a>,' in part


def test_other_runs_and_comparisons_are_left_alone(make, tmp_path, swept_folder):
    shutil.copytree(swept_folder, tmp_path / "results" / "swept")
    swept = write_report(StoredRun.open(tmp_path / "results" / "swept"), tmp_path / "reports").parent
    before, after = make("before"), make("after", 2)
    first, second = (StoredRun.open(tmp_path / "results" / name) for name in ("before", "after"))
    compared = write_comparison(compare_runs(first, second), tmp_path / "reports")
    others = {folder: contents(folder) for folder in (swept, before, compared.parent)}
    make("after", 3)
    for folder, content in others.items():
        assert contents(folder) == content
    assert (swept / "robustness.html").exists()
    text = read(tmp_path)
    assert 'href="swept/index.html"' in text
    assert "pairs with wrong disparity (erode): steady has the best mean psnr over the axis, " in text
    assert f'href="{compared.parent.name.replace("+", "%2B")}/index.html"' in text
    assert "“after” against “before”" in text
    assert after.exists()


def test_report_of_an_older_run_does_not_make_it_the_newest(make, tmp_path):
    make("old", 1)
    make("new", 2)
    make("old", 1)
    assert order(tmp_path) == ["new", "old"]


def test_lost_and_damaged_runs_cost_their_own_line(make, tmp_path):
    for name, day in (("good", 1), ("gone", 2), ("torn", 3), ("unread", 4)):
        make(name, day)
    results, reports = tmp_path / "results", tmp_path / "reports"
    shutil.rmtree(results / "gone")
    (results / "torn" / "run.json").write_text("{")
    (reports / "unread" / FILE).write_text('{"kind": "run"}')
    (results / "bare").mkdir()
    (results / ".DS_Store").write_text("")
    shutil.copytree(results / "good", results / "quiet")
    make("good", 1)
    text = read(tmp_path)
    lines = dict(re.findall(r'data-value="([^"]*)">(.*?)</tr>', text, re.DOTALL))
    assert "results are no longer stored" in lines["gone"]
    assert 'href="gone/index.html"' in lines["gone"]
    assert "results cannot be read" in lines["torn"]
    assert 'href="torn/index.html"' in lines["torn"]
    assert "summary cannot be read" in lines["unread"]
    assert "report has been written yet" in lines["quiet"]
    assert "python run_bench.py --run quiet --report-only" in lines["quiet"]
    assert "warned" not in lines["good"]
    assert "bare" not in lines


@pytest.mark.parametrize(
    "change",
    [
        {"pages": {"../../etc/passwd": "x"}},
        {"pages": {"javascript:alert(1)": "x"}},
        {"pages": {}},
        {"tables": 3},
        {"counts": {"ok": "many"}},
        {"moment": None},
        {"schema_version": 9},
    ],
)
def test_summary_that_is_none_leads_nowhere(make, tmp_path, change):
    folder = make("odd")
    summary = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(summary | change))
    make("good", 2)
    assert "summary cannot be read" in read(tmp_path)
    assert set(re.findall(r'href="(odd[^"]*)', read(tmp_path))) == {"odd/index.html"}
    assert "passwd" not in read(tmp_path)
    assert "alert(1)" not in read(tmp_path)


def test_hostile_names_stay_text(run_writer, tmp_path):
    name = "<script>alert(1)</script>\"' {{ 7*7 }}"
    writer = run_writer([name, "fancy"], {name: True})
    writer.meta |= {"command": name, "started": name, "finished": name}
    writer.scene(name, name)
    for renderer in (name, "fancy"):
        writer.case(name, name, renderer, {"psnr": 30.0, "lpips": None}, notes={"lpips": name}, weights=name)
    write_report(writer.open(), tmp_path / "reports")
    text = read(tmp_path)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<script") == 2


@pytest.mark.parametrize("name", ["mine", "index.html", "Index.HTML", "a-file"])
def test_what_is_not_a_reports_is_never_touched(make, tmp_path, name):
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    (tmp_path / "reports" / "mine" / "thesis.tex").write_text("mine")
    (tmp_path / "reports" / "a-file").write_text("mine")
    with pytest.raises(InvalidOptionError, match=r"choose another .*--run"):
        make(name)
    assert (tmp_path / "reports" / "mine" / "thesis.tex").read_text() == "mine"
    assert len(list((tmp_path / "reports" / "mine").iterdir())) == 1


def test_latency_alone_is_a_run_too(make, tmp_path):
    make("plain", 1)
    one = {
        "renderer": "fancy", "weights": None, "status": "failed", "reason": "no", "height": 8, "width": 8,
        "radius_px": 2.0, "device": "cpu", "dtype": "float32", "environment": "e", "time": "2026-01-05T00:00:00Z",
    }  # fmt: skip
    record = {
        "schema": 1, "command": "python run_bench.py --latency", "started": "2026-01-05T00:00:00Z",
        "rule": {"least": 6, "most": 100, "narrow": 0.05, "seconds": 3.0},
        "cuda": None, "plan": ["a", "b"], "environments": {}, "measurements": {"a": one},
    }  # fmt: skip
    folder = tmp_path / "results" / "speed"
    folder.mkdir()
    (folder / "latency.json").write_text(json.dumps(record))
    write_latency(folder, tmp_path / "reports")
    text = read(tmp_path)
    assert order(tmp_path) == ["speed", "plain"]
    assert 'href="speed/latency.html"' in text
    assert "0 ok, 1 failed, 1 not run" in text


WRITER = """
import sys
from pathlib import Path
from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.reports.report import write_report
print("ready", flush=True)
for _ in range(3):
    write_report(StoredRun.open(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_two_commands_at_a_time_keep_each_others_lines(make, tmp_path):
    for name in ("one", "two"):
        make(name)
    shutil.rmtree(tmp_path / "reports")
    command = [sys.executable, "-c", WRITER, tmp_path / "results" / "one", tmp_path / "reports"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        for _ in range(3):
            write_report(StoredRun.open(tmp_path / "results" / "two"), tmp_path / "reports")
        assert other.wait(timeout=200) == 0
    text = read(tmp_path)
    assert text.rstrip().endswith("</html>")
    assert 'href="one/index.html"' in text
    assert 'href="two/index.html"' in text


def test_a_folder_sent_elsewhere_needs_nothing_beside_it(make, tmp_path):
    folder = make("one")
    for page in folder.glob("*.html"):
        for reference in re.findall(r'(?:src|href)="([^"#]+)', page.read_text(encoding="utf-8")):
            assert reference == "../index.html" or (folder / reference).is_file(), reference
    references = re.findall(r'(?:src|href)="([^"#]+)', read(tmp_path))
    assert all(r.startswith("data:") or (tmp_path / "reports" / r).is_file() for r in references)
