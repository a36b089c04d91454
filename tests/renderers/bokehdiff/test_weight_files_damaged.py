"""Folders of weights that are wrong in one place: one line that names it, before anything large is built."""

import json
import os
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bokehbench.core.errors import BokehBenchError, InvalidOptionError, MissingWeightsError
from bokehbench.renderers.registry import load_renderer

NETWORK = "diffusion_pytorch_model.safetensors"
FILES = ("model_index.json", "unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")


@pytest.fixture
def folder(compact_folder, tmp_path):
    return shutil.copytree(compact_folder, tmp_path / "mine")


@pytest.fixture
def refusal(folder):
    """A function that returns why the folder cannot be used; the label is asked for first, as in a run."""

    def prepare():
        renderer = load_renderer(f"bokehdiff@{folder}")
        assert renderer.weights is None or renderer.weights.startswith("mine ")
        with pytest.raises(BokehBenchError) as caught:
            renderer.prepare()
        message = str(caught.value)
        assert "\n" not in message
        return message

    return prepare


def change(path, **entries):
    values = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not ...}))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"[1]", b'{"_class_name": ', b"\xff\xfe\x00", b"[" * 100_000])
def test_a_configuration_that_is_no_object(folder, refusal, name, content):
    (folder / name).write_bytes(content)
    assert re.search(rf"{name}: expected JSON", refusal())


@pytest.mark.parametrize("name", [*FILES[1:], f"unet/{NETWORK}", f"vae/{NETWORK}"])
@pytest.mark.parametrize("instead", ["nothing", "folder", "pipe", "loop"])
def test_something_else_where_a_file_belongs(folder, refusal, name, instead):
    path = folder / name
    path.unlink()
    if instead == "folder":
        path.mkdir()
    elif instead == "pipe":
        os.mkfifo(path)
    elif instead == "loop":
        path.symlink_to(path)
    assert f"{name}: " in refusal()


NONSENSE = [
    ("unet", "in_channels", 0),
    ("unet", "out_channels", "many"),
    ("unet", "block_out_channels", [32_000, 32_000]),
    ("unet", "block_out_channels", [64] * 100_000),
    ("unet", "block_out_channels", [-1, 8]),
    ("unet", "layers_per_block", 10**9),
    ("unet", "transformer_layers_per_block", [10**9]),
    ("unet", "attention_head_dim", ...),
    ("unet", "attention_head_dim", 1.5),
    ("unet", "norm_num_groups", 10**30),
    ("unet", "norm_eps", "x"),
    ("unet", "down_block_types", ["Nonsense"]),
    ("unet", "act_fn", "nonsense"),
    ("vae", "scaling_factor", ...),
    ("vae", "scaling_factor", 0.0),
    ("vae", "scaling_factor", float("nan")),
    ("vae", "force_upcast", "no"),
    ("vae", "shift_factor", 0.5),
    ("prompt", "length", 65_536),
    ("prompt", "width", True),
]


@pytest.mark.parametrize(("part", "entry", "value"), NONSENSE)
def test_an_entry_of_a_networks_configuration(folder, refusal, part, entry, value):
    change(folder / part / "config.json", **{entry: value})
    message = refusal()
    assert f"{folder / part}" in message
    assert entry in message or "config.json asks for" in message or "damaged (" in message


@pytest.mark.parametrize(
    ("entry", "value"), [("num_train_timesteps", 10**12), ("beta_start", -1.0), ("beta_end", ...), ("beta_schedule", 3)]
)
def test_an_entry_of_the_schedulers_configuration(folder, refusal, entry, value):
    change(folder / "scheduler" / "scheduler_config.json", **{entry: value})
    assert f"scheduler_config.json: {entry}: " in refusal()


def test_settings_that_are_not_there_or_impossible(folder, refusal):
    settings = json.loads((folder / "model_index.json").read_text())["settings"]
    for wrong in ({"pixel_unshuffle": 10**6}, {"in_focus_blend_px": float("inf")}, {"timestep": "x"}, {"nonsense": 1}):
        change(folder / "model_index.json", settings=settings | wrong)
        message = refusal()
        assert "model_index.json: " in message
        assert next(iter(wrong)) in message
    change(folder / "model_index.json", settings=...)
    assert "model_index.json: settings: expected an object, got None" in refusal()


def test_an_index_that_names_no_part(folder, refusal):
    change(folder / "model_index.json", unet=3)
    assert "model_index.json: unet: expected [library, class], got 3" in refusal()


@pytest.mark.parametrize("part", ["unet", "vae", "prompt"])
@pytest.mark.parametrize("kind", ["absent", "extra", "shape", "integers", "nan", "none", "cut", "short"])
def test_tensors(folder, refusal, part, kind):
    path = folder / part / NETWORK
    state = load_file(path)
    name = min(state)
    if kind in ("cut", "short"):
        path.write_bytes(path.read_bytes()[: 20 if kind == "short" else -10])
        assert f"{part}/{NETWORK}: not complete, or damaged" in refusal()
        return
    if kind == "nan":
        state[name].view(-1)[0] = float("nan")
    changed = {
        "absent": {key: tensor for key, tensor in state.items() if key != name},
        "extra": state | {"extra": torch.zeros(2)},
        "shape": state | {name: torch.zeros(7)},
        "integers": state | {name: state[name].to(torch.int32)},
        "nan": state,
        "none": {},
    }
    save_file(changed[kind], path)
    message = refusal()
    assert f"{folder / part}" in message
    assert ("'extra'" if kind == "extra" else f"'{name}'") in message


@pytest.mark.parametrize("name", [f"../vae/{NETWORK}", "/etc/passwd", 3])
def test_an_index_of_parts_stays_in_its_folder(folder, refusal, name):
    (folder / "unet" / f"{NETWORK}.index.json").write_text(json.dumps({"weight_map": {"conv_in.bias": name}}))
    assert f"unet/{NETWORK}.index.json: expected names of safetensors beside it, got" in refusal()


def test_a_record_of_training_costs_no_picture(folder):
    (folder / "training.json").write_text("[")
    renderer = load_renderer(f"bokehdiff@{folder}")
    assert renderer.training is None
    renderer.prepare()


def test_a_mistyped_folder_is_refused_by_name_and_a_broken_one_when_it_is_used(tmp_path):
    for typo in (tmp_path / "typo", "~nobody-of-this-name/mine", "a\0b", "x" * 5000):
        with pytest.raises(InvalidOptionError, match="no such folder"):
            load_renderer(f"bokehdiff@{typo}")
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").mkdir()
    for broken in ("file", "loop", "empty"):
        with pytest.raises(MissingWeightsError, match=f"{broken}: expected"):
            load_renderer(f"bokehdiff@{tmp_path / broken}").prepare()
