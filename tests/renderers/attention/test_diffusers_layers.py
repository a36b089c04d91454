"""Where PISA sits in SDXL's U-Net, and that each forward pass computes its geometry once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from bokehbench.core.diffusers import AttnProcessor2_0, AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.attention.diffusers_layers import PisaLayers, PisaProcessor
from bokehbench.renderers.bokehdiff import pipeline as pipeline_module
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.renderers.bokehdiff.settings import PipelineSettings
from bokehbench.renderers.diffusion.prompt import PromptEmbeddings

VANILLA = {"coc": False, "softmax_over_queries": False, "occlusion": False}


@pytest.fixture(scope="module")
def sdxl(sdxl_folder):
    """An SDXL pipeline with constant embeddings."""
    return BokehDiffPipeline(
        AutoencoderKL.from_pretrained(sdxl_folder, subfolder="vae", use_safetensors=True),
        UNet2DConditionModel.from_pretrained(sdxl_folder, subfolder="unet", use_safetensors=True),
        DDPMScheduler.from_pretrained(sdxl_folder, subfolder="scheduler"),
        PromptEmbeddings(length=77, width=64, pooled_width=32),
    )


@pytest.fixture
def make_sdxl(sdxl):
    """Configure the pipeline: keyword arguments are settings."""

    def make(**settings):
        sdxl.configure(PipelineSettings.from_json(settings))
        return sdxl

    return make


def pisa_layers(pipeline):
    return [
        n.removesuffix(".processor") for n, p in pipeline.unet.attn_processors.items() if isinstance(p, PisaProcessor)
    ]


def render(pipeline, height=64, width=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=generator)
    disparity = torch.rand(1, 1, height, width, generator=generator)
    return pipeline(image, disparity, 0.4, 40.0).images


def test_default_is_every_self_attention_of_the_papers_block(make_sdxl):
    block = "down_blocks.1.attentions.0.transformer_blocks"
    pipeline = make_sdxl()
    assert pisa_layers(pipeline) == [f"{block}.0.attn1", f"{block}.1.attn1"]
    others = [p for p in pipeline.unet.attn_processors.values() if not isinstance(p, PisaProcessor)]
    assert others
    assert all(isinstance(p, AttnProcessor2_0) for p in others)


def test_other_layers_by_path_and_back_again(make_sdxl):
    pipeline = make_sdxl(pisa_layers=["mid_block", "up_blocks.0.attentions.1"])
    names = pisa_layers(pipeline)
    assert {name.split(".transformer_blocks")[0] for name in names} == {
        "mid_block.attentions.0",
        "up_blocks.0.attentions.1",
    }
    assert all(name.endswith("attn1") for name in names)
    pipeline.configure(PipelineSettings())
    assert len(pisa_layers(pipeline)) == 2


def test_vanilla_physics_leaves_diffusers_attention(make_sdxl):
    assert pisa_layers(make_sdxl(physics=VANILLA)) == []


def test_vanilla_physics_equals_the_plain_unet(make_sdxl):
    """PISA's processor with every part of its physics off computes what diffusers' own does."""
    pipeline = make_sdxl(physics=VANILLA)
    plain = render(pipeline)
    layers = PisaLayers(pipeline.unet, pipeline.active_settings.pisa_layers)
    pipeline._pisa = layers
    assert layers.downscales == (2,)
    assert torch.allclose(render(pipeline), plain, atol=1e-5)


def test_every_part_of_the_physics_reaches_the_attention(make_sdxl):
    outputs = [render(make_sdxl())] + [render(make_sdxl(physics={part: False})) for part in VANILLA]
    for i, one in enumerate(outputs):
        for other in outputs[:i]:
            assert (one - other).abs().max() > 1e-5


def test_one_plan_per_grid_and_forward(make_sdxl, monkeypatch):
    built, build = [], pipeline_module.build_plan
    monkeypatch.setattr(
        pipeline_module, "build_plan", lambda *inputs, **options: built.append(inputs[0]) or build(*inputs, **options)
    )
    pipeline = make_sdxl(pisa_layers=["down_blocks.1", "mid_block", "up_blocks.0", "up_blocks.1"])
    assert len(pisa_layers(pipeline)) > 8
    render(pipeline, 100, 150)  # 128 x 160 px after padding
    assert sorted((g.height, g.width, g.pitch_px[0]) for g in built) == [(4, 5, 32.0), (8, 10, 16.0)]
    render(pipeline, 100, 150)
    assert len(built) == 4


def call_unet_alone(pipeline):
    added = {"text_embeds": torch.zeros(1, 32), "time_ids": torch.zeros(1, 6)}
    pipeline.unet(torch.zeros(1, 4, 8, 8), 499, torch.zeros(1, 77, 64), added_cond_kwargs=added)


def test_unet_outside_the_pipeline_has_no_geometry(make_sdxl):
    with pytest.raises(InvalidOptionError, match="PISA has no geometry"):
        call_unet_alone(make_sdxl())


def test_plans_are_gone_after_the_pass_even_if_it_fails(make_sdxl, monkeypatch):
    pipeline = make_sdxl()
    render(pipeline)
    with pytest.raises(InvalidOptionError, match="PISA has no geometry"):
        call_unet_alone(pipeline)
    monkeypatch.setattr(pipeline.unet.conv_out, "forward", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        render(pipeline)
    with pytest.raises(InvalidOptionError, match="PISA has no geometry"):
        call_unet_alone(pipeline)


def test_threads_that_share_a_pipeline_keep_their_own_geometry(make_sdxl):
    """Both stand inside the U-Net with different scenes before either attends."""
    pipeline = make_sdxl(pisa_layers=["down_blocks.1", "mid_block"])
    expected = [render(pipeline, seed=seed) for seed in (0, 1)]
    assert not torch.equal(*expected)
    barrier = threading.Barrier(2)

    def meet(*call):
        barrier.wait(timeout=60)

    hook = pipeline.unet.register_forward_pre_hook(meet)
    # One thread within each, as in the tests' own: another number gives other bits.
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for _ in range(3):
            together = list(pool.map(lambda seed: render(pipeline, seed=seed), (0, 1)))
            assert all(map(torch.equal, together, expected))
    hook.remove()


def test_sdxl_gets_the_size_in_px(make_sdxl):
    pipeline, seen = make_sdxl(), []
    hook = pipeline.unet.register_forward_pre_hook(lambda *call: seen.append(call[1:]), with_kwargs=True)
    render(pipeline, 60, 96)
    hook.remove()
    (sample, timestep, tokens), kwargs = seen[0]
    assert sample.shape == (1, 4, 8, 12)
    assert int(timestep) == 499
    assert torch.equal(tokens, pipeline.prompt.tokens)
    assert torch.equal(kwargs["added_cond_kwargs"]["text_embeds"], pipeline.prompt.pooled)
    assert kwargs["added_cond_kwargs"]["time_ids"].tolist() == [[64, 96, 0, 0, 64, 96]]
    assert "cross_attention_kwargs" not in kwargs


def test_sdxl_gets_where_each_tile_lies(make_sdxl):
    pipeline, seen = make_sdxl(), []
    hook = pipeline.unet.register_forward_pre_hook(lambda *call: seen.append(call[2]), with_kwargs=True)
    maps = torch.rand(1, 1, 64, 96)
    pipeline(maps.expand(1, 3, -1, -1), maps, 0.4, 40.0, tiling="always", tile_latents=8)
    hook.remove()
    assert [kwargs["added_cond_kwargs"]["time_ids"].tolist()[0] for kwargs in seen] == [
        [64, 96, 0, 0, 64, 64],
        [64, 96, 0, 32, 64, 64],
    ]


def test_path_without_self_attention(make_sdxl):
    with pytest.raises(
        InvalidOptionError, match=r"no self-attention below 'down_blocks.0': this U-Net has some in down_blocks"
    ):
        make_sdxl(pisa_layers=["down_blocks.0"])
