"""The latency page shows what latency.json holds: numbers, failures, machine; alone and within a run's report."""

import re
import shutil

import pandas as pd
import pytest

from bokehbench.benchmarks.latency.repeats import RepeatRule, describe_spread
from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.files import write_json
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.pages.latency import print_growth, print_latency
from bokehbench.reports.parts.figures import Line, draw_growth
from bokehbench.reports.parts.latency_figures import plot_growth
from bokehbench.reports.report import write_latency, write_report

SIZES = ((256, 256), (512, 512), (512, 768))
RADII = (8.0, 32.0)


def measurement(renderer, height, width, radius_px, **values):
    median = 1e-7 * (height * width) ** 1.0 * radius_px**0.5
    spread = describe_spread([median * factor for factor in (0.98, 0.99, 1.0, 1.0, 1.01, 1.02)])
    return {
        "renderer": renderer,
        "weights": None,
        "device": "cpu",
        "dtype": "float32",
        "height": height,
        "width": width,
        "radius_px": radius_px,
        "status": "ok",
        "reason": None,
        "backend": "one of <two>",
        "spread": vars(spread),
        "stopped": "interval narrow",
        "repeats": [],
        "cpu_seconds": 1.5 * median,
        "megapixels_per_second": height * width / 1e6 / median,
        "stages": {"scatter": 0.7 * median, "to <display>": 0.2 * median},
        "first_seconds": 2 * median,
        "prepare_seconds": 0.5,
        "memory": {"added_mb": 12.0 * height * width / 2**20, "resident_mb": 300.0},
        "other_processes_cores": 0.0,
        "gpu": [],
        "threads": 2,
        "environment": "e1",
        "time": "2026-01-02T03:04:05Z",
    } | values


@pytest.fixture
def record():
    ones = [measurement("plain", *size, radius) for size in SIZES for radius in RADII]
    ones += [
        measurement("<i>big</i>", 512, 512, 8.0, other_processes_cores=1.4),
        measurement("<i>big</i>", 512, 512, 32.0, status="failed", reason="out of memory on cpu"),
        measurement("<i>big</i>", 512, 768, 32.0, status="failed", reason="out of memory on cpu"),
    ]
    measurements = {f"key {number}": one for number, one in enumerate(ones)}
    return {
        "schema": 1,
        "command": "python run_bench.py --latency",
        "started": "2026-01-02T03:04:05Z",
        "rule": vars(RepeatRule()),
        "cuda": None,
        "plan": [*measurements, "never taken"],
        "environments": {
            "e1": {"processor": "Abacus", "gpu": None, "commit": "abc", "packages": {"torch": "2.0", "x": None}}
        },
        "measurements": measurements,
    }


def write(folder, record):
    write_json(folder / "latency.json", record)
    return write_latency(folder, folder / "reports").read_text(encoding="utf-8")


def test_page_alone(tmp_path, record):
    text = write(tmp_path, record)
    assert "Measured on the CPU. No time here is a GPU" in text
    assert '&lt;i&gt;big&lt;/i&gt; failed:</strong> <span class="reason">out of memory on cpu' in text
    assert "<i>" not in text
    assert "2 cases" in text
    assert "512x512 px, radius 32 px, cpu" in text
    assert "Latency at 768x512 px, radius 32 px: plain 222 ms (medians)." in text
    assert "1 of 10 planned measurements have not been taken." in text
    assert "1 of 7 measurements were taken while other processes used more than 0.2 cores" in text
    assert "disturbed: others used 1.4 cores" in text
    assert "Abacus" in text
    assert "cpu, float32; one of &lt;two&gt;" in text
    assert "none: this PyTorch has no CUDA" in text
    assert 'href="index.html"' not in text
    references = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert len(references) > 20
    assert all((tmp_path / "reports" / tmp_path.name / reference).is_file() for reference in references)


def test_growth_that_the_times_were_made_with_is_shown(tmp_path, record):
    text = write(tmp_path, record)
    assert "1.00 (1.00 \N{EN DASH} 1.00)" in text
    assert "0.50 (0.50 \N{EN DASH} 0.50)" in text
    growth = re.sub(r"<[^>]+>", " ", text.partition("Growth exponents")[2].partition("</table>")[0]).split()
    assert growth[growth.index("memory") + 1] == "1.00", "made of 12 MiB a megapixel"
    assert growth[growth.index("time") + 1] == "1.00"


def test_exported_numbers_are_the_measured_ones(tmp_path, record):
    write(tmp_path, record)
    table = pd.read_csv(tmp_path / "reports" / tmp_path.name / "assets/tables/latency.csv")
    ok = [one for one in record["measurements"].values() if one["status"] == "ok"]
    assert len(table) == len(ok) == 7
    for name in ("median", "q25", "q75", "p95"):
        assert list(table[f"seconds_{name}"]) == pytest.approx([one["spread"][name] for one in ok])
    assert list(table["stage scatter"]) == pytest.approx([one["stages"]["scatter"] for one in ok])
    assert list(table["added_mb"]) == pytest.approx([one["memory"]["added_mb"] for one in ok])


def test_gpu_is_named_with_its_clocks(tmp_path, record):
    states = [{"name": "H1", "clocks.sm": f"{clock} MHz"} for clock in (345, 1980)]
    memory = {"added_mb": 10.0, "resident_mb": 300.0, "allocated_mb": 512.0, "reserved_mb": 2048.0}
    one = measurement("plain", 512, 512, 8.0, device="cuda", gpu=states, memory=memory)
    record |= {"plan": ["a"], "measurements": {"a": one}, "cuda": "13.0"}
    text = write(tmp_path, record)
    assert "Measured on H1." in text
    assert "345 MHz, 1980 MHz" in text
    assert "512 MiB / 2.00 GiB" in text
    assert "13.0" in text


def test_nothing_measured_is_a_page_too(tmp_path, record):
    text = write(tmp_path, record | {"measurements": {}})
    assert "No measurement has finished." in text
    assert "10 of 10 planned measurements have not been taken." in text


def test_runs_report_links_to_it(typical_run, typical_folder, tmp_path, record, monkeypatch):
    monkeypatch.setattr("bokehbench.reports.report.read_latency", lambda folder: record)
    folder = write_report(typical_run, tmp_path).parent
    assert 'href="latency.html"' in (folder / "index.html").read_text(encoding="utf-8")
    page = (folder / "latency.html").read_text(encoding="utf-8")
    assert 'href="index.html"' in page
    assert "assets/figures/latency-size-8.svg" in page


def test_a_damaged_file_costs_its_page_only(typical_folder, tmp_path, record, caplog):
    folder = tmp_path / "run"
    shutil.copytree(typical_folder, folder)
    write_json(folder / "latency.json", record | {"plan": None})
    write_report(StoredRun.open(folder), tmp_path / "reports")
    assert "latency.html" not in (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert "latency.json" in caplog.text
    assert "plan" in caplog.text


def test_a_damaged_run_costs_not_the_page_of_latency(tmp_path, record, caplog):
    (tmp_path / "run.json").write_text("{")
    assert "plain" in write(tmp_path, record)
    assert "run.json" in caplog.text


def test_terminal_names_what_failed(record):
    record["plan"].remove("never taken")
    lines = print_latency(record).splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("failed: out of memory on cpu")
    assert lines[-3].endswith("disturbed")


def test_terminal_says_how_time_and_memory_grow(record):
    lines = [line.split() for line in print_growth(record).splitlines()]
    assert [line[:3] for line in lines[1:]] == [["plain", "time", "1.00"], ["plain", "memory", "1.00"]]
    assert print_growth(record | {"plan": record["plan"][:1]}) == ""


@pytest.mark.parametrize("what", ["", "assets", "../.lock/in the way", "../index.html/in the way"])
def test_report_that_cannot_be_written_is_one_line(tmp_path, record, what):
    write_json(tmp_path / "latency.json", record)
    blocked = tmp_path / "reports" / tmp_path.name / what
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file")
    with pytest.raises(InvalidOptionError, match="move it away"):
        write_latency(tmp_path, tmp_path / "reports")


@pytest.mark.parametrize("median", [0.001, 0.0123, 0.5, 47.0])
def test_axis_of_one_size_has_labels(tmp_path, record, median):
    spread = vars(describe_spread([median * factor for factor in (0.98, 0.99, 1.0, 1.0, 1.01, 1.02)]))
    record |= {"plan": ["a"], "measurements": {"a": measurement("plain", 256, 256, 8.0, spread=spread)}}
    figure = draw_growth([Line("plain", [0.07], *([1000 * spread[q]] for q in ("q25", "median", "q75")))], {"plain": 0},
                         {"x": "megapixels", "y": "ms", "title": ""})  # fmt: skip
    axis = figure.axes[0].yaxis
    low, high = sorted(axis.get_view_interval())
    shown = [tick for tick in axis.get_majorticklocs() if low <= tick <= high]
    assert len(shown) >= 2
    write(tmp_path, record)


def test_machine_is_described_once(tmp_path, record):
    record["environments"]["e1"] |= {"threads": 7, "cores": 2}
    text = write(tmp_path, record)
    machine = text.partition('id="machine-title"')[2]
    assert machine.count("<dt>threads</dt>") == 1
    assert "<dt>threads</dt><dd>2</dd>" in machine
    assert "<dt>GPU</dt><dd>none</dd>" in machine
    assert "None" not in machine


def test_damaged_latency_costs_its_own_page(typical_run, tmp_path, monkeypatch):
    def refuse(folder):
        raise InvalidOptionError(f"{folder}: not valid JSON")

    monkeypatch.setattr("bokehbench.reports.report.read_latency", refuse)
    page = write_report(typical_run, tmp_path)
    assert "The latency page was not written:" in page.read_text(encoding="utf-8")
    assert not (page.parent / "latency.html").exists()


@pytest.mark.parametrize(("other", "axis"), [((512, 256), "picture (width x height, px)"), ((768, 512), "megapixels")])
def test_sizes_of_as_many_pixels_are_not_named_as_one(tmp_path, other, axis):
    ok = [measurement("plain", *size, 8.0) for size in ((512, 768), other)]
    assert f"over {axis}" in plot_growth(ok, {"plain": 0}, Assets(tmp_path))[0].alt
