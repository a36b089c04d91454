"""Stage 2 in training: it goes on from stage 1, which stays as it is."""

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.defocus_to_focus.parts import Parts
from bokehbench.training.engine.loop import train


@pytest.mark.parametrize("profile", ["code", "paper"])
def test_only_the_fusion_network_learns(tmp_path, configure, profile):
    Parts.compact(seen_px=32).save(tmp_path / "start", profile)
    result = train(configure(tmp_path, "fusion", {"start": str(tmp_path / "start"), "profile": profile}, steps=2))
    before, after = (
        {name: load_file(folder / f"{name}.safetensors") for name in ("hallucination", "radiance", "fusion")}
        for folder in (tmp_path / "start", result)
    )
    for name in ("hallucination", "radiance"):
        assert all(torch.equal(before[name][key], after[name][key]) for key in before[name])
    assert not torch.equal(before["fusion"]["conv1.0.weight"], after["fusion"]["conv1.0.weight"])


def test_it_needs_a_first_stage(tmp_path, configure):
    with pytest.raises(InvalidOptionError, match="start: expected the folder that stage 1 saved"):
        configure(tmp_path, "fusion")
