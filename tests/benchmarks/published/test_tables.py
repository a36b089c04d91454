from bokehbench.benchmarks.published.tables import (
    ABLATIONS,
    PROTOCOLS,
    published_ablations,
    published_for,
    read_published,
)
from bokehbench.datasets.catalogue import DATASETS
from bokehbench.renderers.registry import RENDERERS


def test_numbers_are_the_papers():
    rows = read_published()
    assert len(rows) == 24
    best = next(row for row in published_for("ebb-exposure-aligned") if row.method == "BokehDiff")
    assert best.scores == {"psnr": 24.652, "ssim": 0.8357, "dists": 0.1155, "lpips": 0.3737}
    assert all(row.scores["dists"] is None for row in published_for("blb@5"))


def test_only_the_same_protocol_gets_numbers():
    assert set(PROTOCOLS.values()) == {row.dataset for row in read_published()}
    for dataset in PROTOCOLS:
        assert len(published_for(dataset)) == 7
    for other in ("synbokeh-mini", "ebb", "ebb-brightness-aligned", "blb", "blb-normalised@5"):
        assert published_for(other) == []


def test_published_protocols_are_registered_data_sets():
    assert set(PROTOCOLS) <= set(DATASETS.entries)


def test_every_ablation_has_its_renderer():
    assert [row.setting for row in published_ablations()] == list(ABLATIONS)
    assert set(ABLATIONS.values()) <= set(RENDERERS.entries)
