import shutil

import pytest

from bokehbench.benchmarks.metrics.registry import METRICS
from bokehbench.benchmarks.published.papers import FOLDER, PrintedMetric, read_papers
from bokehbench.core.errors import InvalidOptionError
from bokehbench.datasets.catalogue import DATASETS

SPEC = """
method: Lens
source: Lens, 2027
metrics:
  sharpness: { printed: Sharpness, higher_is_better: true }
comparison: 3
protocols: { pairs: "Pairs, all" }
ablations:
  table: 4
  family: fancy
  complete: whole
  renderers: { half: fancy-half, whole: fancy }
"""
TABLE = """table,dataset,method,setting,sharpness
3,"Pairs, all",Lens,,0.90
3,"Pairs, all",Other,,
4,"Pairs, all",Lens,half,0.50
4,"Pairs, all",Lens,whole,0.90
"""


@pytest.fixture
def bokehdiff():
    return next(paper for paper in read_papers() if paper.name == "bokehdiff")


def test_numbers_are_the_papers(bokehdiff):
    assert len(bokehdiff.rows) == 24
    best = next(row for row in bokehdiff.find_comparison("ebb-exposure-aligned") if row.method == "BokehDiff")
    assert best.scores == {"psnr": 24.652, "ssim": 0.8357, "dists": 0.1155, "lpips": 0.3737}
    assert best.printed["dists"] == "0.1155"
    assert all(row.scores["dists"] is None for row in bokehdiff.find_comparison("blb@5"))
    assert bokehdiff.spec.metrics["psnr"] == PrintedMetric("PSNR", True, "dB")


def test_only_the_same_protocol_gets_numbers(bokehdiff):
    assert set(bokehdiff.spec.protocols.values()) == {row.dataset for row in bokehdiff.rows}
    for dataset in bokehdiff.spec.protocols:
        assert len(bokehdiff.find_comparison(dataset)) == 7
    for other in ("synbokeh-mini", "ebb", "ebb-brightness-aligned", "blb", "blb-normalised@5"):
        assert bokehdiff.find_comparison(other) == []


@pytest.mark.parametrize("paper", read_papers(), ids=lambda paper: paper.name)
def test_published_protocols_are_registered_data_sets(paper):
    assert set(paper.spec.protocols) <= set(DATASETS.entries)


@pytest.mark.parametrize("paper", read_papers(), ids=lambda paper: paper.name)
def test_stated_variants_are_metrics_of_ours(paper):
    assert {metric.variant for metric in paper.spec.metrics.values()} <= {None, *METRICS.entries}


@pytest.mark.parametrize("paper", read_papers(), ids=lambda paper: paper.name)
def test_every_ablation_names_a_renderer_of_the_family(paper):
    ablations = paper.spec.ablations
    assert [row.setting for row in paper.ablations] == list(ablations.renderers if ablations else [])
    if ablations:
        assert all(ablations.includes(name) for name in ablations.renderers.values())
        assert len(set(ablations.renderers.values())) == len(ablations.renderers)


def test_a_family_is_a_renderer_and_its_variants(bokehdiff):
    ablations = bokehdiff.spec.ablations
    for name in ("bokehdiff", "bokehdiff@sdxl", "bokehdiff-plus", "bokehdiff-t249@mine"):
        assert ablations.includes(name)
    for name in ("classical", "bokehdifferent", "magicbokeh@bokehdiff"):
        assert not ablations.includes(name)


def test_another_paper_is_two_more_files(tmp_path):
    for name in ("bokehdiff.yaml", "bokehdiff.csv"):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / "lens.yaml").write_text(SPEC)
    (tmp_path / "lens.csv").write_text(TABLE)
    first, lens = read_papers(tmp_path)
    assert first.spec.method == "BokehDiff"
    assert [(row.method, row.printed["sharpness"]) for row in lens.find_comparison("pairs")] == [
        ("Lens", "0.90"),
        ("Other", ""),
    ]
    assert [row.scores["sharpness"] for row in lens.ablations] == [0.5, 0.9]
    assert lens.spec.ablations.reference == "fancy"


@pytest.mark.parametrize(
    ("spec", "table", "message"),
    [
        (SPEC.replace("source", "origin"), TABLE, r"missing entry .*lens\.yaml: source"),
        (SPEC, TABLE.replace("sharpness", "blur"), r"lens\.csv: expected the columns .*'sharpness'.*'blur'"),
        (SPEC, TABLE.replace("0.50", "half"), r"lens\.csv, line 4: expected numbers: .*half"),
        (SPEC, TABLE.replace("0.50", "nan"), r"lens\.csv, line 4: expected finite numbers"),
        (SPEC.replace("all", "none"), TABLE, r"lens\.yaml: protocols: pairs: the CSV has no line"),
        (SPEC.replace("half: fancy-half,", ""), TABLE, r"lens\.yaml: ablations: expected the settings of Table 4"),
        (SPEC, None, r"lens\.csv: cannot be read .*lens\.yaml needs it"),
    ],
)
def test_files_that_do_not_fit_are_one_line(tmp_path, spec, table, message):
    (tmp_path / "lens.yaml").write_text(spec)
    if table is not None:
        (tmp_path / "lens.csv").write_text(table)
    with pytest.raises(InvalidOptionError, match=message) as caught:
        read_papers(tmp_path)
    assert "\n" not in str(caught.value)
