"""The registered renderers: which weights and switches a name binds, and what an absence says."""

import json
import shutil

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError, UnknownNameError
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.renderers.bokehdiff.variants import VARIANTS
from bokehbench.renderers.registry import RENDERERS, load_renderer
from bokehbench.renderers.weights import RECORD_FILE

SWITCHED = ["bokehdiff-no-coc", "bokehdiff-no-softmaxq", "bokehdiff-no-occlusion", "bokehdiff-vanilla"]
TIMESTEPS = {"bokehdiff-t249": 249, "bokehdiff-t749": 749}
TRAINED_DIFFERENTLY = ["bokehdiff-fixed-encoder", "bokehdiff-no-adv", "bokehdiff-no-vgg", "bokehdiff-no-edge"]
BEYOND = ["bokehdiff-blend", "bokehdiff-plus", "bokehdiff-plus-no-blend", "bokehdiff-plus-latent"]


def test_every_variant_is_registered_and_takes_a_checkpoint(tmp_path):
    shipped = {name for name, variant in VARIANTS.items() if variant.shipped}
    assert {name for name in RENDERERS.entries if name.startswith("bokehdiff")} == shipped
    assert set(VARIANTS) - shipped == {"bokehdiff-t249", "bokehdiff-t749", *TRAINED_DIFFERENTLY}
    assert set(VARIANTS) == {"bokehdiff", *SWITCHED, *TIMESTEPS, *TRAINED_DIFFERENTLY, *BEYOND}
    for name in VARIANTS:
        renderer = load_renderer(f"{name}@{tmp_path}")
        assert (renderer.name, renderer.variant, renderer.checkpoint) == (f"{name}@{tmp_path}", name, str(tmp_path))


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if not variant.shipped])
def test_a_variant_without_weights_asks_for_a_folder(name):
    with pytest.raises(UnknownNameError, match=f"'{name}': no weights of this variant ship: .* use {name}@FOLDER"):
        load_renderer(name)


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.shipped])
def test_weights_that_are_not_shipped_are_not_replaced(name, no_shipped, make_trained):
    other = "bokehdiff" if name not in ("bokehdiff", "bokehdiff-blend") else "bokehdiff-no-coc"
    make_trained(other).save_pretrained(no_shipped / other)
    with pytest.raises(MissingWeightsError) as caught:
        load_renderer(name).prepare()
    assert str(caught.value).startswith(
        f"{name}: weights of this variant are not trained and shipped yet: use {name}@FOLDER"
    )
    assert "\n" not in str(caught.value)


def test_shipped_weights_bind_their_variant(no_shipped, make_trained, scene):
    make_trained("bokehdiff-no-coc").to(dtype=torch.float16).save_pretrained(no_shipped / "bokehdiff-no-coc")
    renderer = load_renderer("bokehdiff-no-coc")
    renderer.prepare("cpu", "float32")
    assert renderer.weights.startswith("bokehdiff-no-coc ")
    assert "trained as" not in renderer.weights
    assert not renderer.pipeline.active_settings.physics.coc
    assert renderer.render(scene).shape == (3, 32, 48)
    (no_shipped / "bokehdiff-no-coc").rename(no_shipped / "bokehdiff")
    with pytest.raises(MissingWeightsError, match="holds weights trained as bokehdiff-no-coc"):
        load_renderer("bokehdiff").prepare()


def test_shipped_half_precision_fits_in_30_megabytes(tmp_path):
    build_compact().to(dtype=torch.float16).save_pretrained(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) < 30e6
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".bin", ".pt", ".ckpt", ".pkl")]


def test_variants_switch_the_physics_of_a_folders_weights(compact_folder, scene):
    pictures = []
    for name in ["bokehdiff", *SWITCHED, *TIMESTEPS]:
        renderer = load_renderer(f"{name}@{compact_folder}")
        pictures.append(renderer.render(scene))
        settings = renderer.pipeline.active_settings
        expected = {"softmax_over_queries": True, "coc": True, "occlusion": True} | VARIANTS[name].physics
        assert {field: getattr(settings.physics, field) for field in expected} == expected
        assert settings.timestep == TIMESTEPS.get(name, 499)
        assert renderer.weights.startswith("mine ")
        assert renderer.weights.endswith(", trained as bokehdiff") == (name != "bokehdiff")
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert (one - other).abs().max() > 1e-5


@pytest.mark.parametrize("name", TRAINED_DIFFERENTLY)
def test_variants_of_training_refuse_other_weights(name, compact_folder, make_trained, tmp_path):
    with pytest.raises(InvalidOptionError, match=f"trained as bokehdiff, and {name} differs in its training only"):
        load_renderer(f"{name}@{compact_folder}").prepare()
    make_trained(name).save_pretrained(tmp_path / "own")
    assert load_checkpoint(name, str(tmp_path / "own"), torch.float32).pipeline.active_settings.trained_as == name


def test_full_model_renders_a_folder_as_it_was_trained(make_trained, tmp_path):
    make_trained("bokehdiff-t249").save_pretrained(tmp_path / "early")
    loaded = load_checkpoint("bokehdiff", str(tmp_path / "early"), torch.float32)
    assert loaded.pipeline.active_settings.timestep == 249
    assert loaded.label.endswith(", trained as bokehdiff-t249")


def test_label_is_known_before_anything_is_loaded(compact_folder, authors_folder, no_shipped):
    """A plan of cases holds it, and retrained weights must be other cases."""
    for name in (f"bokehdiff@{compact_folder}", f"bokehdiff-no-coc@{authors_folder}"):
        renderer = load_renderer(name)
        planned = renderer.weights
        renderer.prepare()
        assert planned == renderer.weights
        assert planned is not None
    assert load_renderer("bokehdiff").weights is None


def test_label_names_the_files_contents(compact_folder, make_trained, tmp_path):
    def label(folder):
        return load_checkpoint("bokehdiff", str(folder), torch.float32).label

    first = label(compact_folder)
    name, digits = first.split(" ")
    assert name == "mine"
    assert int(digits, 16) >= 0
    assert len(digits) == 8
    shutil.copytree(compact_folder, tmp_path / "mine")
    assert label(tmp_path / "mine") == first
    make_trained(seed=1).save_pretrained(tmp_path / "other" / "mine")
    assert label(tmp_path / "other" / "mine") != first
    index = tmp_path / "mine" / "model_index.json"
    index.write_text(index.read_text().replace("499", "498"))
    assert label(tmp_path / "mine") != first


def test_rendering_keeps_the_interfaces_promises(compact_folder, make_scene):
    renderer = load_renderer(f"bokehdiff@{compact_folder}")
    scene = make_scene(33, 17)
    output = renderer.render(scene, seed=3)
    assert output.shape == (3, 33, 17)
    assert torch.equal(renderer.render(scene, seed=3), output)
    assert not renderer.capabilities.hdr
    assert renderer.capabilities.deterministic


def test_blur_strength_0_gives_the_reconstruction(compact, tmp_path, make_scene):
    compact.save_pretrained(tmp_path)
    scene = make_scene(48, 64, blur_strength=0.0)
    with torch.no_grad():
        expected = compact.decode(compact.encode(scene.image[None]))[0].clamp(0, 1)
    assert torch.allclose(load_renderer(f"bokehdiff@{tmp_path}").render(scene), expected, atol=1e-5)


def test_options_of_the_renderer(compact_folder, scene):
    target = RENDERERS.find("bokehdiff").load()
    plain = target(checkpoint=str(compact_folder), channels_last=False)
    tiled = target(checkpoint=str(compact_folder), tiling="always", tile_latents=128)
    assert torch.allclose(plain.render(scene), tiled.render(scene), atol=1e-4)
    assert tiled.backend is None, "one tile is one pass"
    pieces = target(checkpoint=str(compact_folder), tiling="always", tile_latents=8)
    pieces.render(scene)
    assert (plain.backend, pieces.backend) == (None, "tiled 8")
    assert plain.pipeline.unet.conv_in.weight.is_contiguous()
    assert tiled.pipeline.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)


def test_group_norm_keeps_the_usual_layout_on_the_cpu_below_float32(compact_folder):
    """Channels last, PyTorch's loses its variance there: this is why."""
    norm, x = torch.nn.GroupNorm(8, 32), torch.randn(1, 32, 48, 64, generator=torch.manual_seed(0)) + 300.0
    norm.requires_grad_(False).bfloat16()
    rounded = x.bfloat16()
    expected = torch.nn.functional.group_norm(rounded.double(), 8)
    assert float((norm(rounded).double() - expected).abs().max()) < 0.05
    assert float((norm(rounded.to(memory_format=torch.channels_last)).double() - expected).abs().max()) > 1.0
    renderer = RENDERERS.find("bokehdiff").load()(checkpoint=str(compact_folder))
    renderer.prepare("cpu", "bfloat16")
    assert renderer.pipeline.unet.conv_in.weight.is_contiguous()


def test_compiling_is_asked_of_every_network(compact_folder, scene, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled.append(type(module).__name__))
    RENDERERS.find("bokehdiff").load()(checkpoint=str(compact_folder), compile=True).render(scene)
    assert compiled == ["UNet2DConditionModel", "Encoder", "Decoder"]


def test_variant_without_weights_of_its_own_is_not_trained():
    with pytest.raises(InvalidOptionError, match="renders the weights of bokehdiff-plus: train bokehdiff-plus"):
        build_compact("bokehdiff-plus-no-blend")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_on_the_cpu(compact_folder, scene, dtype):
    exact, half = (load_renderer(f"bokehdiff@{compact_folder}") for _ in range(2))
    half.prepare("cpu", dtype)
    assert torch.allclose(half.render(scene), exact.render(scene), atol=0.05)


def test_authors_weights_from_a_folder(authors_folder, scene):
    renderer = load_renderer(f"bokehdiff-no-occlusion@{authors_folder}")
    assert renderer.render(scene).shape == (3, 32, 48)
    assert renderer.weights.startswith("authors ")
    assert renderer.weights.endswith(", trained as bokehdiff")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere", InvalidOptionError, "no such folder"),
        (".", MissingWeightsError, "expected a folder saved by BokehDiffPipeline"),
        (
            "other",
            MissingWeightsError,
            r"expected a folder saved by BokehDiffPipeline.*got one saved by MyBokehDiffPipeline",
        ),
        ("torn", InvalidOptionError, "model_index.json: expected JSON: .* get it again"),
    ],
)
def test_folder_without_weights(name, error, message, tmp_path):
    for folder, index in (
        ("other", '{"_class_name": "MyBokehDiffPipeline", "like": "BokehDiffPipeline"}'),
        ("torn", "{"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model_index.json").write_text(index)
    with pytest.raises(error, match=message) as caught:
        load_renderer(f"bokehdiff@{tmp_path / name}").prepare()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "lost", ["unet/diffusion_pytorch_model.safetensors", "vae/config.json", "scheduler/scheduler_config.json"]
)
def test_incomplete_checkpoint(compact_folder, tmp_path, lost):
    shutil.copytree(compact_folder, tmp_path / "mine")
    (tmp_path / "mine" / lost).unlink()
    with pytest.raises(MissingWeightsError, match=f"mine/{lost}: .*: get ") as caught:
        load_checkpoint("bokehdiff", str(tmp_path / "mine"), torch.float32)
    assert "\n" not in str(caught.value)


def test_truncated_weights(compact_folder, tmp_path):
    shutil.copytree(compact_folder, tmp_path / "mine")
    weights = tmp_path / "mine" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(MissingWeightsError, match=r"model.safetensors: not complete, or damaged .*: get it again"):
        load_checkpoint("bokehdiff", str(tmp_path / "mine"), torch.float32)


def test_training_is_summed_up_where_the_weights_say_it(no_shipped, make_trained):
    assert load_renderer("bokehdiff").training is None
    make_trained("bokehdiff").save_pretrained(no_shipped / "bokehdiff")
    assert load_renderer("bokehdiff").training is None
    label = load_renderer("bokehdiff").weights
    (no_shipped / "bokehdiff" / RECORD_FILE).write_text(json.dumps({"summary": "900 steps"}))
    assert load_renderer("bokehdiff").training == "900 steps"
    assert load_renderer("bokehdiff").weights == label  # a record is no weight
