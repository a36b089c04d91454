"""The robustness page shows what a few lines of pandas over the stored rows say."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from bokehbench.reports.files.assets import Assets
from bokehbench.reports.pages.robustness import describe_robustness
from bokehbench.reports.parts.figures import draw_curves, save, shorten
from bokehbench.reports.parts.perturbed_cases import choose_severities
from bokehbench.reports.parts.pictures import PictureMaker
from bokehbench.reports.report import write_report
from bokehbench.robustness.curves import Degradation

from ...stored_records import ORIGIN


def stored(run):
    """Read the rows as anyone would: JSON lines into pandas."""
    lines = (run.folder / "rows-00000.jsonl").read_text().splitlines()
    frame = pd.DataFrame(map(json.loads, lines))
    frame["psnr"] = [scores["psnr"] for scores in frame["metrics"]]
    return frame


def test_plotted_and_exported_numbers_are_those_of_pandas(swept_run, swept_report):
    frame = stored(swept_run)
    table = pd.read_csv(swept_report / "assets/tables/robustness-1-psnr-curves.csv").set_index(["renderer", "severity"])
    found = Degradation(swept_run.sweep, "erode", "psnr", True)
    styles = {name: number for number, name in enumerate(found.renderers)}
    for what, prefix in (("score", ""), ("drop", "drop_")):
        figure = draw_curves(found.curves(), found.severities, styles, {"x": "x", "y": "y", "what": what})
        lines = {line.get_gid(): line for line in figure.axes[0].lines}
        for renderer, mine in frame.groupby("renderer"):
            scores = mine.pivot(index="scene", columns="severity", values="psnr")
            shown = scores if what == "score" else -scores.sub(scores[0], axis=0)
            low, median, high = shown.quantile([0.25, 0.5, 0.75]).to_numpy()
            np.testing.assert_allclose(lines[f"median-{renderer}"].get_ydata(), median)
            names = ["q25", "median", "q75"]
            exported = table.loc[renderer][[f"{prefix}{name}" for name in names]].to_numpy().T
            np.testing.assert_allclose(exported, [low, median, high])
            band = figure.axes[0].collections[styles[renderer]].get_paths()[0].vertices
            assert {round(y, 9) for y in band[:, 1]} == {round(y, 9) for y in (*low, *high)}


def test_summary_is_that_of_pandas(swept_run, swept_report):
    frame = stored(swept_run)
    summary = pd.read_csv(swept_report / "assets/tables/robustness-1-psnr-summary.csv").set_index("renderer")
    assert list(summary.index) == ["steady", "fragile"]
    for renderer in summary.index:
        scores = frame[frame.renderer == renderer].pivot(index="scene", columns="severity", values="psnr")
        drop = -scores.sub(scores[0], axis=0)
        areas = [np.trapezoid(line, scores.columns) / 16 for line in drop.to_numpy()]
        assert summary["mean drop"][renderer] == pytest.approx(np.mean(areas))
        heights = [np.trapezoid(line, scores.columns) / 16 for line in scores.to_numpy()]
        assert summary["mean score"][renderer] == pytest.approx(np.mean(heights))
        assert summary["drop at -8"][renderer] == pytest.approx(drop[-8].mean())
        assert summary["drop at +8"][renderer] == pytest.approx(drop[8].mean())
        width = scores.quantile(0.75) - scores.quantile(0.25)
        assert summary["interquartile width"][renderer] == pytest.approx(width.mean())
        assert summary["mean drop low"][renderer] < summary["mean drop"][renderer] < summary["mean drop high"][renderer]


def test_page_says_what_it_shows(swept_run, swept_report):
    text = (swept_report / "robustness.html").read_text(encoding="utf-8")
    assert 'href="robustness.html"' in (swept_report / "index.html").read_text(encoding="utf-8")
    assert 'href="index.html">back' in text
    assert "blind: never reads the disparity" in text
    assert "The metric dists was not computed" in text
    assert "suffers most" in text
    assert "Tests against steady" in text  # the first renderer, where classical is not in the run
    assert text.count("disparity at +8") == 3
    assert 'python run_bench.py <span class="whole">--robustness</span>' in text
    assert "With the true disparity (erode 0): " in text
    assert text.count("Erode: below 0 near things grow (dilated), above 0 near things shrink (eroded)") > 3
    assert 'class="warned"' not in text


def test_renderer_that_takes_no_disparity_is_a_flat_line_from_one_row_a_scene(swept_run, swept_report, tmp_path):
    swept_run.sweep[:] = [row for row in swept_run.sweep if row["renderer"] != "blind" or not row["severity"]]
    swept_run.meta["sweep"]["cases"] = [row["key"] for row in swept_run.sweep]
    for about in swept_run.meta["sweep"]["renderers"].values():
        old = about["capabilities"].pop("needs_disparity")
        about["capabilities"]["inputs"] = ["picture", "disparity"] if old else ["picture"]
    write_report(swept_run, tmp_path / "reports")
    pages = [
        (folder / "robustness.html").read_text(encoding="utf-8")
        for folder in (tmp_path / "reports" / "default", swept_report)
    ]
    assert pages[0].count("blind") == pages[1].count("blind") > 5
    assert "have not been run" not in pages[0]
    for path in swept_report.rglob("robustness*.csv"):
        assert (tmp_path / "reports" / "default" / path.relative_to(swept_report)).read_bytes() == path.read_bytes()


def test_an_axis_of_poor_pictures_starts_at_the_clean_one_and_shows_what_was_given(swept_run, tmp_path):
    kept = [row for row in swept_run.sweep if row["severity"] >= 0 and row["scene"] in ("scene 0", "scene 1")]
    for row in kept:
        if row["severity"]:
            row |= {"perturbation": "zoom-both", "input": row["image"], "input_sha256": row["image_sha256"]}
    swept_run.sweep[:] = kept
    sweep = swept_run.meta["sweep"]
    sweep |= {"metrics": {"psnr": sweep["metrics"]["psnr"]}, "cases": [row["key"] for row in kept]}
    sweep["settings"] |= {"perturbations": [["none", 0], ["zoom-both", 4], ["zoom-both", 8]]}
    write_report(swept_run, tmp_path / "reports")
    folder = tmp_path / "reports" / "default"
    text = (folder / "robustness.html").read_text(encoding="utf-8")
    assert "Robustness to a poor picture and wrong disparity" in text
    assert "than with the clean picture and the true disparity" in text
    assert "severities 1, 4, 8." in text
    assert "never reads" not in text  # every renderer sees the picture
    assert text.count("picture at 4") == text.count("disparity at 4") == 2
    curves = pd.read_csv(folder / "assets/tables/robustness-1-psnr-curves.csv")
    assert sorted(curves.severity.unique()) == [1, 4, 8]
    assert (curves[curves.severity == 1].drop_median == 0).all()
    summary = pd.read_csv(folder / "assets/tables/robustness-1-psnr-summary.csv")
    assert {"drop at 4", "drop at 8"} <= set(summary.columns)
    assert "blind" in set(summary.renderer)


@pytest.mark.parametrize(
    ("lost", "legend", "verdict"),
    [
        (0, "too few scenes are there to tell who differs from it", "too few scenes"),
        (1, "too little is known of which scenes are independent to tell who differs from it", "independence unknown"),
    ],
)
def test_a_page_that_cannot_decide_says_why(swept_run, tmp_path, lost, legend, verdict):
    """Three scenes give no test a chance, and all of them none where the record of one is lost."""
    kept = [row for row in swept_run.sweep if lost or row["scene"] < "scene 3"]
    swept_run.sweep[:] = kept
    swept_run.meta["sweep"]["cases"] = [row["key"] for row in kept]
    del swept_run.scenes[:lost]
    metrics = [name for name, metric in swept_run.meta["sweep"]["metrics"].items() if metric["available"]]
    write_report(swept_run, tmp_path / "reports")
    text = (tmp_path / "reports" / "default" / "robustness.html").read_text(encoding="utf-8")
    shown = sum(f">{name} <span" in text for name in metrics)
    assert shown
    assert text.count(f"best is the best mean, and {legend}") == 2 * shown
    assert f"<td>{verdict}</td>" in text  # against the best at a severity
    assert f'<td data-value="{verdict}">{verdict}</td>' in text  # against the reference, over the axis
    assert 'class="warned"' in text
    for mark in ("≈ best</span>", "not distinguishable from the best by", "<td>worse</td>", ">not distinguishable<"):
        assert mark not in text


@pytest.mark.parametrize(
    ("count", "said"), [(1, ["the only scene"]), (2, ["suffers most", "suffers least"])], ids=["one", "two"]
)
def test_few_scenes_are_not_said_to_be_most_and_least_at_once(swept_run, tmp_path, count, said):
    kept = [row for row in swept_run.sweep if row["scene"] in [f"scene {number}" for number in range(count)]]
    swept_run.sweep[:] = kept
    swept_run.meta["sweep"]["cases"] = [row["key"] for row in kept]
    write_report(swept_run, tmp_path / "reports")
    text = (tmp_path / "reports" / "default" / "robustness.html").read_text(encoding="utf-8")
    assert re.findall(r'<p class="muted">(suffers [a-z ]+|the only scene)</p>', text) == said


def test_failed_case_of_the_sweep_is_said(swept_run, tmp_path):
    lost = next(row for row in swept_run.sweep if row["severity"] == 4 and row["renderer"] == "fragile")
    lost |= {"status": "failed", "reason": "out of luck", "metrics": {}, "image": None}
    write_report(swept_run, tmp_path / "reports")
    text = (tmp_path / "reports" / "default" / "robustness.html").read_text(encoding="utf-8")
    assert "out of luck" in text
    assert "pairs / scene 0 / erode 4" in text
    assert "1 scene left out" in text


def test_sweep_without_any_finished_case_is_a_page_too(swept_run, tmp_path):
    swept_run.rows.clear()
    swept_run.sweep.clear()
    write_report(swept_run, tmp_path / "reports")
    text = (tmp_path / "reports" / "default" / "robustness.html").read_text(encoding="utf-8")
    assert "No scene has a value at every severity yet." in text
    assert "40 of 120 planned cases" not in text
    assert "120 of 120 planned cases have not been run." in text


@pytest.mark.parametrize(
    ("severities", "chosen"),
    [
        ([*range(-10, 11, 2)], [-10, -4, 0, 4, 10]),
        ([0, 1, 2, 4, 8], [0, 1, 2, 4, 8]),
        ([0, 0.4, 2, 5, 10, 25, 50], [0, 0.4, 5, 10, 50]),
        ([-2, 0], [-2, 0]),
    ],
)
def test_chosen_severities_hold_the_ends_and_zero(severities, chosen):
    assert choose_severities(severities) == chosen


def test_figures_are_the_same_bytes_twice_vector_and_themed(swept_run, tmp_path):
    found = Degradation(swept_run.sweep, "erode", "psnr", True)
    styles = {name: number for number, name in enumerate(found.renderers)}
    contents = []
    for name in ("a", "b"):
        figure = draw_curves(found.curves(), found.severities, styles, {"x": "x", "y": "y", "what": "score"})
        plot = save(Assets(tmp_path / name), "figure", figure, "alt")
        contents.append([(tmp_path / name / file).read_bytes() for file in (plot.svg, plot.dark, plot.png)])
    assert contents[0] == contents[1]
    light, dark, png = contents[0]
    assert b"<image" not in light
    assert b"<text" not in light  # letters are outlines: the same everywhere
    assert b"#1b1f24" in light
    assert b"#1b1f24" not in dark
    assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["$x_2$ $", "_hidden", "a" * 300, "<b>&\n", "\\frac"])
def test_any_name_can_be_drawn(swept_run, tmp_path, name):
    for row in swept_run.sweep:
        row["renderer"] = name
    found = Degradation(swept_run.sweep, "erode", "psnr", True)
    figure = draw_curves(found.curves(), found.severities, {name: 9}, {"x": name, "y": name, "what": "drop"})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [shorten(name)]
    figure.savefig(io.BytesIO(), format="svg")


def test_a_run_that_came_without_pictures_has_the_numbers_alone(swept_run, tmp_path):
    swept_run.meta["imported"] = ORIGIN
    home = write_report(swept_run, tmp_path)
    pages = {path.name: path.read_text(encoding="utf-8") for path in home.parent.glob("*.html")}
    assert "gallery.html" not in pages
    assert not any("gallery.html" in text for text in pages.values())
    assert "erode" in pages["robustness.html"]
    assert "What the renderers saw and made" not in pages["robustness.html"]
    assert "imported from theirs.zip: measured on Abacus as &#39;there&#39;" in pages["index.html"]


def test_renderers_stand_in_the_order_of_the_results(swept_run, tmp_path):
    """Several that take no disparity stand last, apart; what order the rows have changes nothing."""
    about = swept_run.meta["sweep"]["renderers"]
    about["steady"] = about["steady"] | {"capabilities": about["blind"]["capabilities"]}
    swept_run.sweep.reverse()
    page = describe_robustness(swept_run, PictureMaker(Assets(tmp_path)), None, dict.fromkeys(about, 0))
    (psnr, *_) = page["axes"][0].metrics
    assert psnr.renderers == list(psnr.scores.cells) == ["fragile", "steady", "blind"]


def test_a_perturbation_that_is_not_known_here_costs_its_own_axis(swept_run, tmp_path):
    swept_run.meta["sweep"]["settings"]["perturbations"] = [["none", 0], ["theirs", 2.0]]
    page = describe_robustness(swept_run, PictureMaker(Assets(tmp_path)), None, {})
    assert (page["axes"], page["faults"]) == ([], "wrong inputs")
    assert "theirs is not shown:" in [problem.what for problem in page["problems"]]
