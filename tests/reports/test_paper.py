"""A run as a paper prints it."""

import csv
import io
from dataclasses import replace

import pytest
from PIL import Image

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.core.errors import InvalidOptionError
from bokehbench.reports.paper import main
from bokehbench.reports.parts.paper import make_paper_table, write_paper_latex, write_paper_markdown, write_scene_csv


@pytest.fixture(scope="module")
def run(tmp_path_factory, compared_folders):
    """Ten scenes of three renderers: fancy is 1 dB better than the others."""
    return StoredRun.open(compared_folders[1])


def test_all_files_are_written(compared_folders, tmp_path, capsys):
    assert main([str(compared_folders[1]), "--output", str(tmp_path), "--scene", "s3"]) == 0
    assert capsys.readouterr().out.endswith(f"crops.pdf, crops.png: {tmp_path}\n")
    assert (tmp_path / "crops.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(tmp_path / "crops.png") as picture:
        assert picture.width > 1000
    lines = list(csv.reader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert lines[0][:4] == ["renderer", "pairs psnr", "pairs psnr low", "pairs psnr high"]
    assert [line[0] for line in lines[1:]] == ["plain", "fancy", "new"]


def test_the_best_is_bold_the_second_underlined_and_times_have_one_unit(run):
    table = make_paper_table(run, metrics=["psnr"])
    latex, markdown = write_paper_latex(table, "after"), write_paper_markdown(table)
    for words in (
        r"\multicolumn{1}{c}{pairs}",
        r"psnr (dB) $\uparrow$",
        r"fancy & \textbf{35.",
        r"plain & \underline{34.50} & 0.25 \\",
        r"new & \underline{34.50} & 0.25 \\",
        r"\caption{pairs: means over all 10 scenes. Bold",
        r"time (s) $\downarrow$",
        r"\bottomrule",
    ):
        assert words in latex
    assert "| `plain` | <u>34.50</u> | 0.25 |" in markdown
    assert "| `new` | <u>34.50</u> | 0.25 |" in markdown, "who shares the second place"
    assert "| `fancy` | **35." in markdown


def test_equal_means_are_best_alike(run):
    markdown = write_paper_markdown(make_paper_table(run, renderers=["plain", "new"], metrics=["psnr"]))
    assert "| `plain` | **34.50** |" in markdown
    assert "| `new` | **34.50** |" in markdown


def test_the_caption_says_that_places_are_those_of_unrounded_means(run):
    """Two that read alike, of which one alone is underlined."""
    rows = [
        {**row, "metrics": {"psnr": row["metrics"]["psnr"] - (1e-4 if row["renderer"] == "new" else 0.0)}}
        for row in run.rows
    ]
    table = make_paper_table(replace(run, rows=rows), metrics=["psnr"])
    markdown = write_paper_markdown(table)
    assert "| `plain` | <u>34.50</u> |" in markdown
    assert "| `new` | 34.50" in markdown
    for text in (markdown, write_paper_latex(table, "after")):
        assert "both before rounding: means that read alike may differ." in text


def test_behind_two_firsts_nobody_is_second(run):
    worse = [{**row, "metrics": {"psnr": row["metrics"]["psnr"] - 9}} for row in run.rows if row["renderer"] == "fancy"]
    rows = [*worse, *(row for row in run.rows if row["renderer"] != "fancy")]
    markdown = write_paper_markdown(make_paper_table(replace(run, rows=rows), metrics=["psnr"]))
    assert markdown.count("**34.50**") == 2
    assert "<u>" not in markdown


def test_scenes_have_a_line_each_of_the_renderers_that_are_shown(run):
    table = make_paper_table(run, renderers=["plain", "fancy"])
    lines = list(csv.DictReader(io.StringIO(write_scene_csv(run, table))))
    assert len(lines) == 20
    assert {line["renderer"] for line in lines} == {"plain", "fancy"}
    assert float(lines[0]["psnr"]) == 30.0
    assert lines[0]["lpips"] == ""


def test_a_column_of_too_few_scenes_is_said_to_decide_nothing(run):
    table = make_paper_table(run, metrics=["psnr"])
    few = replace(table, columns=[replace(column, can_decide=False) for column in table.columns])
    assert "too few scenes" not in table.caption
    assert "With too few scenes for that test, as on pairs (psnr), there is no *" in few.caption


def test_data_sets_without_scores_are_not_among_the_scenes(run):
    table = make_paper_table(run)
    elsewhere = [{**row, "dataset": "shown"} for row in run.rows]
    assert write_scene_csv(replace(run, rows=[*run.rows, *elsewhere]), table) == write_scene_csv(run, table)


@pytest.mark.parametrize("option", ["renderers", "metrics"])
def test_names_that_the_run_does_not_have_are_refused(run, option):
    with pytest.raises(InvalidOptionError, match=f"--{option} other: expected some of this run: "):
        make_paper_table(run, **{option: ["other"]})


def test_a_renderer_of_the_sweep_alone_is_said_to_be_one(run):
    run.meta["sweep"] = {"renderers": {"swept": {}}, "metrics": {}}
    with pytest.raises(InvalidOptionError, match=r"--renderers swept: in the robustness sweep alone: .* plain"):
        make_paper_table(run, renderers=["swept"])
