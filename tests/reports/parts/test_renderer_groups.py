"""Every renderer that is registered has a group, and so has one that nobody knows."""

import pytest

from bokehbench.renderers.registry import RENDERERS
from bokehbench.reports.parts.renderer_groups import MEANINGS, UNKNOWN, group_of

LENS = {"needs_weights": True, "capabilities": {"inputs": ["picture", "disparity", "focus"]}}
PICTURE = {"needs_weights": True, "capabilities": {"inputs": ["picture"]}}


@pytest.mark.parametrize(
    ("name", "about", "group"),
    [
        ("identity", PICTURE | {"needs_weights": False}, "floor"),
        ("classical", LENS | {"needs_weights": False}, "own"),
        ("bokehme@/data/clone", LENS, "own"),
        ("bokehdiff-t249@weights", LENS, "own"),
        ("gegl-lens-blur", LENS, "program"),
        ("genfocus@/data/clone", LENS, "other people's"),
        ("a-variant-of-theirs@/data/clone", LENS, "other people's"),
        ("stacked-dmshn@/data/clone", PICTURE, "picture only"),
        ("<b>theirs</b>", LENS, "not known here"),
    ],
)
def test_groups(name, about, group):
    assert group_of(name, about) == group


def test_every_registered_renderer_has_one():
    assert {group_of(name, LENS) for name in RENDERERS.entries} <= set(MEANINGS) - {UNKNOWN}
