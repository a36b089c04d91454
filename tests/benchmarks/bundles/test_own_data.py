"""Whether scenes of elsewhere are those that this machine has."""

import pytest

from bokehbench.benchmarks.bundles.own_data import check_data
from bokehbench.benchmarks.run.reuse import digest_parts
from bokehbench.datasets.synthetic.synbokeh_mini import SynBokehMini

from ...stored_records import row

SCENE = SynBokehMini().scene_names()[0]
SAME = digest_parts({"version": SynBokehMini.version})


@pytest.mark.parametrize(
    ("dataset", "scene", "data", "state", "said"),
    [
        ("synbokeh-mini", SCENE, SAME, "same", ""),
        ("synbokeh-mini", SCENE, "another", "other", f"other data of {SCENE}"),
        ("synbokeh-mini", "no such scene", SAME, "other", "other data of no such scene"),
        ("blb", "101", SAME, "unknown", "is not here"),
        ("theirs", "s", SAME, "unknown", "no data set of this name"),
    ],
)
def test_each_data_set_is_looked_at(tmp_path, dataset, scene, data, state, said):
    found = check_data([row("k", dataset=dataset, scene=scene, data=data)], tmp_path)
    assert found[dataset]["state"] == state
    assert said in found[dataset]["note"]


def test_a_data_set_that_cannot_be_read_is_not_called_absent(tmp_path):
    for file in ("original/1.jpg", "low_quality/manifest.json"):
        (tmp_path / "ebb400" / file).parent.mkdir(parents=True)
        (tmp_path / "ebb400" / file).write_text("{")
    found = check_data([row("k", dataset="ebb400-lq", scene="1", data="d")], tmp_path)["ebb400-lq"]
    assert found["state"] == "unknown"
    assert "cannot be read (--check ebb400-lq says why)" in found["note"]
