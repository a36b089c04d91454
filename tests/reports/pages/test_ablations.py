import re
import shutil

import numpy as np
import pytest

from bokehbench.benchmarks.published.papers import FOLDER, read_papers
from bokehbench.reports.report import write_report

FAMILY = ["bokehdiff", "bokehdiff-no-coc", "bokehdiff-t249@mine", "bokehdiff-vanilla"]


def make_run(run_writer, renderers, dataset="pairs"):
    writer = run_writer([*renderers, "plain"], {dataset: True})
    writer.meta["settings"]["limit"] = None
    generator = np.random.default_rng(0)
    for number in range(8):
        writer.scene(dataset, f"s{number}")
        for place, renderer in enumerate([*renderers, "plain"]):
            psnr = 30 + number - 3 * place + generator.normal(0, 0.1)
            writer.case(dataset, f"s{number}", renderer, {"psnr": psnr, "lpips": 0.1 + place / 50})
    return writer.open()


def words(path):
    text = path.read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_layout_of_table_2_with_the_papers_numbers_beside_ours(run_writer, tmp_path):
    run = make_run(run_writer, FAMILY)
    run.meta["renderers"]["bokehdiff-vanilla"]["training"] = "900 steps of 8 crops"
    write_report(run, tmp_path)
    text = words(tmp_path / "default" / "ablations.html")
    assert "bokehdiff-vanilla 900 steps of 8 crops" in text
    assert "900 steps of 8 crops" in words(tmp_path / "default" / "index.html")
    assert re.search(
        r"pairs, psnr against the complete model \(bokehdiff\): worse: w/o CoC -[23]\.\d\d dB, T=249 -", text
    )
    body = text.partition("published, ↓")[2]
    order = ["w/o L_adv", "w/o CoC", "w/o SoftmaxQ", "T=249", "complete model", "not in the paper"]
    places = [body.index(setting) for setting in order]
    assert places == sorted(places)
    assert "w/o CoC bokehdiff-no-coc" in body
    assert "T=249 bokehdiff-t249@mine" in body
    assert "w/o L_adv not in this run" in body
    assert re.search(r"bokehdiff-no-coc 3\d\.\d\d -[23]\.\d\d \(-3\.\d\d - -2\.\d\d\) worse", body)
    assert "22.217 -2.44" in body  # the paper's, without the circle of confusion against 24.652
    assert "Compare the changes against the complete model, not the values." in text
    assert "plain" not in body.partition("BokehBench")[0].split()


def test_same_protocol_needs_no_caution(run_writer, tmp_path):
    write_report(make_run(run_writer, FAMILY, "ebb-exposure-aligned"), tmp_path)
    assert "not the values" not in words(tmp_path / "default" / "ablations.html")


def test_no_page_without_variants(run_writer, tmp_path):
    write_report(make_run(run_writer, FAMILY[:1]), tmp_path)
    assert not (tmp_path / "default" / "ablations.html").exists()
    assert "ablations.html" not in (tmp_path / "default" / "index.html").read_text()


SPEC = """
method: Lens
source: Lens, 2027
metrics:
  sharpness: { printed: Sharpness, higher_is_better: true }
  price: { printed: Price, unit: dB, higher_is_better: false, variant: psnr }
  likeness: { printed: Likeness, higher_is_better: true, variant: ssim-box7 }
comparison: 3
protocols: { pairs: "Pairs, all" }
ablations:
  table: 4
  family: fancy
  complete: whole
  renderers: { half: fancy-half, whole: fancy }
"""
TABLE = """table,dataset,method,setting,sharpness,price,likeness
3,"Pairs, all",Lens,,0.90,,0.77
4,"Pairs, all",Lens,half,0.50,,0.66
4,"Pairs, all",Lens,whole,0.90,,0.77
"""


@pytest.fixture
def two_papers(tmp_path, monkeypatch):
    """The shipped paper, and an invented one whose numbers are on the data set ``pairs``."""
    folder = tmp_path / "published"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "lens.yaml").write_text(SPEC)
    (folder / "lens.csv").write_text(TABLE)
    papers = read_papers(folder)
    for module in ("pages.ablations", "parts.sections"):
        monkeypatch.setattr(f"bokehbench.reports.{module}.read_papers", lambda: papers)
    return papers


def test_another_paper_gets_its_own_tables(run_writer, tmp_path, two_papers):
    run = make_run(run_writer, [*FAMILY, "fancy", "fancy-half"])
    write_report(run, tmp_path / "reports")
    text = words(tmp_path / "reports" / "default" / "ablations.html")
    assert re.search(
        r"What each part of BokehDiff is worth: this run.s numbers in the layout of the paper.s Table 2, the", text
    )
    assert re.search(
        r"What each part of Lens is worth: this run.s numbers in the layout of the paper.s Table 4, the", text
    )
    own = text.rpartition("Lens on pairs")[2]
    assert re.search(r"half fancy-half [^.]+\.\d\d .* 0\.50 -0\.4000", own)
    assert "whole fancy" in own
    assert "bokehdiff" not in own.partition("Download")[0].partition("What was trained")[0]
    assert "Price" not in own  # the paper prints it for no ablation
    assert "Likeness" not in own  # of a variant that the run did not measure
    assert "Published: Lens, 2027, Table 4, on Pairs, all" in own
    assert "not the values" not in own
    tables = sorted(path.name for path in (tmp_path / "reports/default/assets/tables").glob("ablations-*.csv"))
    assert tables == ["ablations-1.csv", "ablations-2.csv"]
    assert "paper_sharpness" in (tmp_path / "reports/default/assets/tables/ablations-2.csv").read_text().splitlines()[0]


def test_another_papers_numbers_stand_under_its_protocol(run_writer, tmp_path, two_papers):
    write_report(make_run(run_writer, ["fancy"]), tmp_path / "reports")
    text = words(tmp_path / "reports" / "default" / "index.html")
    assert "Lens, 2027, Table 3, Pairs, all." in text
    assert "Sharpness ↑ published; variant not stated Price ↓ published, dB; psnr Lens" in text
    assert "Likeness is left out: it is ssim-box7, which this run did not measure." in text
    assert "0.77" not in text
    assert "Lens as published 0.90 —" in text


def test_a_family_alone_leaves_the_other_out(run_writer, tmp_path, two_papers):
    write_report(make_run(run_writer, ["fancy", "fancy-half", "bokehdiff"]), tmp_path / "reports")
    text = words(tmp_path / "reports" / "default" / "ablations.html")
    assert "BokehDiff" not in text
    assert "not in the paper" not in text
