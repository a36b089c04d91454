"""What did not work, and what looks odd, stand apart on the first page."""

import re

import pytest

from bokehbench.reports.parts.problems import find_oddities
from bokehbench.reports.report import write_report

ALL_GOOD = "Every planned case was rendered"


@pytest.fixture
def said(run_writer, tmp_path):
    """A function that returns the words of the first page of a run of two renderers, changed by what it is given."""

    def write(change=lambda writer: None, **notes):
        writer = run_writer()
        del writer.meta["metrics"]["dists"]
        writer.scene("pairs", "s")
        for renderer in ("plain", "fancy"):
            lpips = {"lpips": notes[renderer]} if renderer in notes else {}
            scores = {"psnr": 30.0, "lpips": None if lpips else 0.1}
            writer.case("pairs", "s", renderer, scores, notes=lpips)
        change(writer)
        text = write_report(writer.open(), tmp_path / "reports").read_text(encoding="utf-8")
        return " ".join(re.sub("<[^>]*>", " ", text).split())

    return write


def test_a_metric_that_failed_on_a_picture_is_said(said):
    text = said(plain="not defined on this scene", fancy="failed: OSError: no")
    assert ALL_GOOD not in text
    assert "What did not work fancy without lpips: failed: OSError: no 1 case pairs / s" in text
    assert "plain without lpips" not in text


def test_what_looks_odd_has_a_heading_of_its_own(said):
    doubt = {"dataset": "pairs", "kind": "map inverted", "scenes": ["s"], "example": "the map looks inverted"}
    text = said(lambda writer: writer.meta.update(doubts=[doubt]))
    assert "What did not work" not in text
    assert ALL_GOOD in text
    assert re.search(r"Worth a look .* pairs, map inverted: the map looks inverted 1 scene s ", text)


def test_each_scene_of_a_doubt_has_its_own_numbers():
    doubt = {
        "dataset": "d",
        "kind": "focus outside the map",
        "scenes": ["a", "b", "old"],
        "example": "the focus 2 lies",
    }
    scenes = [
        {"dataset": "d", "scene": name, "doubts": {"focus outside the map": f"the focus {focus} lies"}}
        for name, focus in (("a", 2), ("b", 3))
    ]
    (found,) = find_oddities({"doubts": [doubt]}, scenes)
    assert found.what == "d, focus outside the map, first a:"
    assert found.scenes == ["a: the focus 2 lies", "b: the focus 3 lies", "old"]


def test_what_befalls_a_scene_with_every_renderer_is_said_once(said):
    def damage(writer):
        for renderer in ("plain", "fancy"):
            writer.case("pairs", "torn", renderer, status="failed", reason="target.png: truncated")
        writer.case("pairs", "s2", "fancy", status="failed", reason="out of memory")

    text = said(damage)
    assert "What did not work plain, fancy failed: target.png: truncated 1 case each pairs / torn fancy failed:" in text
