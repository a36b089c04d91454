import re

import numpy as np

from bokehbench.reports.pages.index import write_report

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
    text = words(tmp_path / "ablations.html")
    assert "bokehdiff-vanilla 900 steps of 8 crops" in text
    assert "900 steps of 8 crops" in words(tmp_path / "index.html")
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
    assert "not the values" not in words(tmp_path / "ablations.html")


def test_no_page_without_variants(run_writer, tmp_path):
    write_report(make_run(run_writer, FAMILY[:1]), tmp_path)
    assert not (tmp_path / "ablations.html").exists()
    assert "ablations.html" not in (tmp_path / "index.html").read_text()
