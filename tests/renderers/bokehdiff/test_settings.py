"""What a checkpoint states about itself: read strictly, kept as JSON."""

import json
import shutil

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.bokehdiff.settings import FORMER_CONDITIONS, FORMER_FIELDS, PipelineSettings
from bokehbench.renderers.bokehdiff.weight_files import SHIPPED


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


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SHIPPED.glob("*/model_index.json")))
def test_shipped_settings_are_read_in_the_present_names(name):
    stated = json.loads((SHIPPED / name / "model_index.json").read_text())["settings"]
    settings = PipelineSettings.from_json(stated)
    plus = name == "bokehdiff-plus"
    assert settings.trained_as == name
    assert settings.output_form == ("residual" if plus else "blurred-colours")
    assert settings.condition_channels == (("defocus", "blur", "defocus_std") if plus else ())
    assert not {*FORMER_FIELDS, *FORMER_CONDITIONS} & {*settings.to_json(), *settings.condition_channels}
    assert PipelineSettings.from_json(settings.to_json()) == settings


def test_the_noise_prediction_by_its_former_name():
    assert PipelineSettings.from_json({"parametrisation": "eps"}).output_form == "noise"


def test_an_output_form_that_is_no_more():
    with pytest.raises(InvalidOptionError, match="expected noise or residual or blurred-colours, got 'gated'"):
        PipelineSettings.from_json({"parametrisation": "gated"})


def test_weights_may_be_trained_as_a_variant_of_another_version():
    assert PipelineSettings.from_json({"trained_as": "bokehdiff-hexagonal"}).trained_as == "bokehdiff-hexagonal"


def test_a_field_under_both_of_its_names_is_refused():
    with pytest.raises(InvalidOptionError, match=r"settings\.parametrisation: expected it or settings\.output_form"):
        PipelineSettings.from_json({"parametrisation": "eps", "output_form": "residual"})
