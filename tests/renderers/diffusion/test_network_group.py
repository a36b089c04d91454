"""Networks saved as one: which parts, in which classes, whatever a file says of classes."""

import json

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline


@pytest.fixture
def saved(make_trained, tmp_path):
    pipeline = make_trained()
    pipeline.save_pretrained(tmp_path)
    return pipeline, tmp_path


def test_the_index_names_parts_and_settings_in_diffusers_format(saved):
    pipeline, folder = saved
    index = json.loads((folder / "model_index.json").read_text())
    assert index["_class_name"] == "BokehDiffPipeline"
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["prompt"] == ["bokehbench.renderers.diffusion.prompt", "PromptEmbeddings"]
    assert index["colour_encoder"] == [None, None]
    assert index["settings"] == pipeline.settings_json()


def test_no_file_chooses_a_class(saved):
    pipeline, folder = saved
    index = json.loads((folder / "model_index.json").read_text())
    index["prompt"] = ["os", "system"]
    (folder / "model_index.json").write_text(json.dumps(index))
    loaded = BokehDiffPipeline.from_pretrained(folder)
    assert type(loaded.prompt) is type(pipeline.prompt)


def test_a_part_that_is_given_is_not_read(saved):
    pipeline, folder = saved
    (folder / "vae" / "config.json").unlink()
    assert BokehDiffPipeline.from_pretrained(folder, vae=pipeline.vae).vae is pipeline.vae
    with pytest.raises(MissingWeightsError, match="config"):
        BokehDiffPipeline.from_pretrained(folder)


def test_all_networks_are_converted_together(saved):
    pipeline, _ = saved
    assert pipeline.to(dtype=torch.bfloat16) is pipeline
    assert {network.dtype for network in pipeline.networks} == {torch.bfloat16}
    assert pipeline.device == torch.device("cpu")
