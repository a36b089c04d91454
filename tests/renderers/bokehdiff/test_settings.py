"""What a checkpoint states about itself: read strictly, kept as JSON."""

import json
import shutil

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.bokehdiff.settings import PipelineSettings


def test_settings_of_a_newer_version(compact_folder, tmp_path):
    shutil.copytree(compact_folder, tmp_path / "mine")
    index = json.loads((tmp_path / "mine" / "model_index.json").read_text())
    index["settings"]["lens"] = "hexagonal"
    (tmp_path / "mine" / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(InvalidOptionError, match=r"unknown entry settings\.lens"):
        load_checkpoint("bokehdiff", str(tmp_path / "mine"), torch.float32)


def test_settings_survive_json():
    settings = PipelineSettings(
        timestep=3,
        output_form="residual",
        pixel_unshuffle=2,
        pisa_layers=("mid_block", "up_blocks.0"),
        physics=PisaPhysics.from_profile("code", hardness=30.0, ray_range=(0.2, 0.7)),
        pooling="bilinear",
        pitch="released",
        disparity_margin=0.1,
        trained_as="bokehdiff-no-adv",
        condition_channels=("defocus_std", "disparity"),
        base="classical",
        in_focus_blend_px=0.4,
    )
    assert PipelineSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    "values",
    [
        {"timestep": -1},
        {"output_form": "v"},
        {"pixel_unshuffle": 0},
        {"pooling": "max"},
        {"pitch": "miles"},
        {"disparity_margin": 0.5},
        {"physics": {"sharpness": 3}},
        {"condition_channels": ["depth"]},
        {"condition_channels": ["blur", "blur"]},
        {"base": "bokehdiff", "output_form": "residual"},
        {"base": "classical", "output_form": "noise"},
        {"in_focus_blend_px": -1.0},
    ],
)
def test_impossible_settings(values):
    with pytest.raises(InvalidOptionError):
        PipelineSettings.from_json(values)
