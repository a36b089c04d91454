"""The page of refined disparity shows what the correction does to stored maps."""

import pandas as pd
import torch

from bokehbench.core.files import write_image, write_map
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.pages.refinement import describe_refinement, refines_what_is_given
from bokehbench.reports.parts.pictures import PictureMaker
from bokehbench.reports.report import write_report

NAMES = ("plain", "plain+refine")


def make_run(run_writer, scenes=3):
    """Write a sweep over a square that stands out from its background, its map dilated by 4 px."""
    writer = run_writer(list(NAMES), {"pairs": True})
    swept = writer.meta["settings"] | {"perturbations": [["erode", severity] for severity in (-8, 0, 8)]}
    writer.meta["sweep"] = {"command": "python run_bench.py --robustness", "settings": swept}
    for number in range(scenes):
        name = f"s{number}"
        writer.scene("pairs", name)
        for renderer in NAMES:
            writer.sweep("pairs", name, renderer, {-8: 20.0 + number, 0: 30.0, 8: 25.0})
        folder = writer.folder / "scenes" / "pairs" / name
        image, given = torch.full((3, 48, 64), 0.2), torch.zeros(1, 48, 64)
        image[:, 12:36, 16:48], given[:, 8:40, 12:52] = 0.9, 1.0
        write_image(folder / "input.png", image)
        for path in folder.glob("disparity-erode-*.png"):
            write_map(path, given, 0.0, 1.0)
    run = writer.open()
    for scene in run.scenes:
        scene["files"] = {}  # whatever lies there is taken
    return run


def test_what_became_of_wrong_pixels(run_writer, tmp_path):
    write_report(make_run(run_writer), tmp_path)
    page = (tmp_path / "default" / "refinement.html").read_text(encoding="utf-8")
    assert 'href="refinement.html"' in (tmp_path / "default" / "index.html").read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "default/assets/tables/refinement-1.csv").set_index("severity")
    assert list(table.index) == [-8, 0, 8]
    assert table.wrong[0] == table.spoilt[0] == 0.0
    assert table.wrong[-8] > 0.1
    assert table.left[-8] < 0.2 * table.wrong[-8]
    assert table.repaired[-8] > 0.8
    for what in ("given", "refined", "true", "given, off by", "refined, off by"):
        assert f"{what} at \N{MINUS SIGN}8" in page or f"{what} at -8" in page
    assert "most is repaired" in page


def test_no_table_where_every_render_failed(run_writer, tmp_path):
    run = make_run(run_writer, scenes=1)
    for row in run.sweep:
        row["status"], row["reason"] = "failed", "out of memory"
    assert describe_refinement(run, PictureMaker(Assets(tmp_path)))["tables"] == []


def test_a_severity_whose_maps_are_lost_is_left_out(run_writer, tmp_path):
    run = make_run(run_writer, scenes=1)
    for path in run.folder.rglob("disparity-erode-*.png"):
        path.unlink()
    assert describe_refinement(run, PictureMaker(Assets(tmp_path)))["tables"] == []


def test_an_axis_without_a_wrong_map_is_a_sentence_and_no_table(run_writer, tmp_path):
    """As one that changes the picture alone."""
    run = make_run(run_writer, scenes=1)
    for path in run.folder.rglob("disparity-erode-*.png"):
        path.write_bytes((path.parent / "disparity.png").read_bytes())
    context = describe_refinement(run, PictureMaker(Assets(tmp_path)))
    assert context["tables"] == []
    assert context["right"] == ["erode on pairs"]
    write_report(run, tmp_path / "reports")
    page = (tmp_path / "reports" / "default" / "refinement.html").read_text(encoding="utf-8")
    assert "as no map is wrong there, before or after (less than 0.05 % of the pixels): erode on pairs." in page
    assert "No map that was wrong is stored" not in page


def test_severities_that_are_swept_and_not_shown_are_named_with_the_reason(run_writer, tmp_path):
    run = make_run(run_writer, scenes=1)
    row = next(row for row in run.sweep if row["renderer"] == "plain+refine" and row["severity"] == 8)
    run.sweep.append({**row, "severity": 4})
    next(run.folder.rglob("disparity-erode-8-*.png")).unlink()
    (table,) = describe_refinement(run, PictureMaker(Assets(tmp_path)))["tables"]
    assert [severity for severity, _ in table.lines] == ["\N{MINUS SIGN}8", "0"]
    assert table.absent == (
        "Shown are the severities at which drops are read; swept, and not shown: +4. "
        "Without a line, as no map is stored intact with its scene: +8."
    )


def test_no_page_where_nobody_refines(swept_report):
    assert not (swept_report / "refinement.html").exists()


def test_every_renderer_with_the_stage_gives_maps_and_is_named(run_writer, tmp_path):
    run = make_run(run_writer, scenes=1)
    about = run.meta["sweep"]["renderers"]
    about |= {"other+refine": about["plain+refine"], "sr@F+plain+refine": about["plain+refine"]}
    lost = next(row for row in run.sweep if row["renderer"] == "plain+refine" and row["severity"] == 8)
    run.sweep.append({**lost, "renderer": "other+refine"})
    lost |= {"status": "failed", "reason": "out of memory"}
    page = describe_refinement(run, PictureMaker(Assets(tmp_path)))
    assert page["alike"] == ["plain+refine", "other+refine"]
    assert page["otherwise"] == ["sr@F+plain+refine"]
    assert [severity for severity, _ in page["tables"][0].lines] == ["\N{MINUS SIGN}8", "0", "+8"]


def test_a_stage_behind_the_picture_changes_no_map():
    assert refines_what_is_given("classical+refine+sr@F")
    assert not refines_what_is_given("classical")
