"""A whole training in seconds: the loss falls, a killed run ends where an unbroken one does, mistakes are one line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import timm
import torch
import yaml
from safetensors.torch import load_file

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.__main__ import main
from bokehbench.training.engine import adversary, loop
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import TrainingDivergedError, train


def write_config(folder, settings, tiny, **changes):
    values = {
        "stage": "latent",
        "output": str(folder / "run"),
        "data": {"scenes": settings, "crop_px": 32},
        "size": tiny,
        "steps": 6,
        "batch": 2,
        "optimiser": {"learning_rate": 1.0e-3, "warmup": 1},
        "hardness": [30.0, 1.0e7],
        "rays": 1,
        "ema": 0.5,
        "checkpoint_every": 2,
        "validate_every": 3,
        "validation": settings | {"seed": 9},
        "validation_count": 2,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values | changes), encoding="utf-8")
    return path


def weights(folder):
    return {
        f"{part}.{name}": value
        for part in ("unet", "vae")
        for name, value in load_file(folder / part / "diffusion_pytorch_model.safetensors").items()
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_autoencoder_starts_well_and_learns(tmp_path, settings, tiny):
    path = write_config(tmp_path, settings, tiny, stage="autoencoder", steps=40, batch=4, validate_every=20)
    model = train(read_config(path))
    curve = [json.loads(line)["psnr"] for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert curve[-1] > 25.0  # four components of noise blown up to photographs: near 20 from a default start
    assert curve[-1] > curve[0]
    assert (model / "training.json").is_file()


def test_the_loss_falls(tmp_path, settings, tiny):
    scenes = settings | {"radius_px": [6.0, 6.0]}
    (tmp_path / "vae").mkdir()
    vae = train(read_config(write_config(tmp_path / "vae", settings, tiny, stage="autoencoder", steps=1)))
    optimiser = {"learning_rate": 3.0e-3, "warmup": 5}
    path = write_config(
        tmp_path, scenes, tiny, autoencoder=str(vae), steps=60, batch=4, validate_every=20, ema=0.0, optimiser=optimiser
    )
    train(read_config(path))
    curve = [json.loads(line) for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [0, 20, 40, 60]
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 0.5  # step 0 is the autoencoder's reconstruction of the input


@pytest.mark.parametrize("stage", ["autoencoder", "latent", "picture"])
def test_a_resumed_run_ends_in_the_same_weights(tmp_path, settings, tiny, stage):
    losses = {"lpips": 0.0, "adversarial": 0.0}
    runs = {}
    for name, minutes in (("whole", 0.0), ("pieces", 1e-6)):
        folder = tmp_path / name
        folder.mkdir()
        path = write_config(folder, settings, tiny, stage=stage, losses=losses, minutes=minutes, steps=3)
        for _ in range(4):
            result = train(read_config(path))
            if result is not None:
                break
        runs[name] = weights(result)
    assert_same(runs["whole"], runs["pieces"])


@pytest.mark.parametrize("stage", ["latent", "picture"])
def test_a_resumed_run_of_the_compact_recipe_ends_in_the_same_weights(tmp_path, settings, tiny, stage):
    recipe = {
        "output_form": "blurred-colours",
        "optimiser": {"method": "muon", "learning_rate": 1.0e-3, "warmup": 1},
        "losses": {"lpips": 0.0, "adversarial": 0.0},
    }
    runs = {}
    for name, minutes in (("whole", 0.0), ("pieces", 1e-6)):
        (tmp_path / name).mkdir()
        config = read_config(
            write_config(tmp_path / name, settings, tiny, stage=stage, minutes=minutes, steps=3, **recipe)
        )
        while (result := train(config)) is None:
            pass
        runs[name] = weights(result)
    assert_same(runs["whole"], runs["pieces"])


def test_muon_is_what_the_configuration_says(tmp_path, settings, tiny):
    optimiser = {"method": "muon", "learning_rate": 1.0e-3, "warmup": 1}
    training = loop._Training(read_config(write_config(tmp_path, settings, tiny, optimiser=optimiser)))
    matrices = {id(p) for g in training.optimiser.param_groups if g["muon"] for p in g["params"]}
    unet = training.stage.unet
    assert matrices == {
        id(p) for name, p in unet.named_parameters() if p.ndim >= 2 and not name.startswith("conv_out.")
    }


def test_a_killed_run_ends_in_the_same_weights(tmp_path, settings, tiny):
    # Both runs are processes of their own with one thread: what else a process did, and its threads, may decide in
    # which order a library adds up, and so the last bits.
    one_thread = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

    def start(name, **pipes):
        (tmp_path / name).mkdir(exist_ok=True)
        path = write_config(tmp_path / name, settings, tiny, steps=40)
        command = [sys.executable, "-m", "bokehbench.training", str(path)]
        return subprocess.Popen(command, env=one_thread, stdout=subprocess.DEVNULL, **pipes)

    def finish(name):
        process = start(name, stderr=subprocess.PIPE, text=True)
        _, message = process.communicate(timeout=300.0)
        assert process.returncode == 0, message

    finish("whole")
    process = start("killed", stderr=subprocess.DEVNULL)
    checkpoints = tmp_path / "killed/run/checkpoints"
    deadline = time.monotonic() + 120.0
    while not list(checkpoints.glob("step-*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(checkpoints.glob("step-*.pt"))
    assert not (tmp_path / "killed/run/model").exists()
    finish("killed")
    assert_same(weights(tmp_path / "whole/run/model"), weights(tmp_path / "killed/run/model"))


def test_the_result_renders(tmp_path, settings, tiny):
    model = train(read_config(write_config(tmp_path, settings, tiny, steps=1)))
    pipeline = BokehDiffPipeline.from_pretrained(model)
    assert pipeline.active_settings.physics.hardness == 1e7  # of inference, not of the last step
    disparity = torch.linspace(0.1, 0.9, 32 * 48).reshape(1, 1, 32, 48)
    assert pipeline(torch.rand(1, 3, 32, 48), disparity, 0.5, 10.0).images.shape == (1, 3, 32, 48)


def test_variants_are_trained_with_their_physics(tmp_path, settings, tiny):
    path = write_config(tmp_path, settings, tiny, variant="bokehdiff-no-coc", steps=1)
    pipeline = BokehDiffPipeline.from_pretrained(train(read_config(path)))
    assert pipeline.active_settings.trained_as == "bokehdiff-no-coc"
    assert not pipeline.active_settings.physics.coc


def test_a_start_takes_on_the_variants_physics_or_is_refused(tmp_path, settings, tiny):
    vanilla = train(read_config(write_config(tmp_path, settings, tiny, variant="bokehdiff-vanilla", steps=1)))
    (tmp_path / "full").mkdir()
    path = write_config(tmp_path / "full", settings, tiny, start=str(vanilla), steps=1)
    trained = BokehDiffPipeline.from_pretrained(train(read_config(path))).active_settings
    assert trained.trained_as == "bokehdiff"
    assert trained.physics.coc
    assert trained.physics.occlusion
    assert trained.physics.softmax_over_queries
    (tmp_path / "plus").mkdir()
    path = write_config(tmp_path / "plus", settings, tiny, start=str(vanilla), variant="bokehdiff-plus")
    with pytest.raises(InvalidOptionError, match=r"has condition_channels \(\), bokehdiff-plus needs"):
        train(read_config(path))


def test_a_plus_model_learns_from_its_base(tmp_path, settings, tiny):
    data = {"scenes": settings, "crop_px": 32, "disparity": "robust"}
    path = write_config(tmp_path, settings, tiny, variant="bokehdiff-plus", steps=1, data=data, validate_every=1)
    pipeline = BokehDiffPipeline.from_pretrained(train(read_config(path)))
    assert pipeline.active_settings.base == "classical-occlusion"


def test_lora_and_encoder_are_saved_as_the_authors_do(tmp_path, settings, tiny):
    start = train(read_config(write_config(tmp_path, settings, tiny, steps=1)))
    network = {"lora_rank": 2, "unet_part": "down", "encoder": True}
    losses = {"lpips": 0.0, "adversarial": 0.0}
    (tmp_path / "lora").mkdir()
    path = write_config(
        tmp_path / "lora", settings, tiny, stage="picture", start=str(start), network=network, losses=losses, steps=2
    )
    result = train(read_config(path))
    lora = load_file(result / "pytorch_lora_weights.safetensors")
    assert all(name.startswith("unet.down_blocks.") for name in lora)
    pipeline = BokehDiffPipeline.from_pretrained(start)
    pipeline.load_lora_weights(str(result))
    encoder = load_file(result / "vae.safetensors")
    assert all(
        name.startswith(("encoder.mid_block", "encoder.conv_norm_out", "encoder.conv_out", "quant_conv"))
        for name in encoder
    )


@pytest.fixture
def tiny_discriminator(monkeypatch):
    """Features of a small ConvNeXt with random weights in place of the pretrained one."""

    def load_features(path=None):
        torch.manual_seed(0)
        return timm.create_model(
            "convnext_atto", pretrained=False, features_only=True, dims=(8, 8, 8, 8), depths=(1, 1, 1, 1)
        )

    monkeypatch.setattr(adversary, "load_features", load_features)


def test_the_adversarial_term_is_heard_and_resumes(tmp_path, settings, tiny, tiny_discriminator):
    losses = {"lpips": 0.0, "adversarial": 0.5, "adversarial_from": 1}
    runs = {}
    for name, minutes in (("whole", 0.0), ("pieces", 1e-6)):
        (tmp_path / name).mkdir()
        path = write_config(tmp_path / name, settings, tiny, stage="picture", losses=losses, steps=3, minutes=minutes)
        for _ in range(4):
            result = train(read_config(path))
            if result is not None:
                break
        runs[name] = weights(result)
    assert_same(runs["whole"], runs["pieces"])
    (tmp_path / "deaf").mkdir()
    losses = losses | {"adversarial": 0.0}
    deaf = train(read_config(write_config(tmp_path / "deaf", settings, tiny, stage="picture", losses=losses, steps=3)))
    assert not torch.equal(weights(deaf)["unet.conv_out.weight"], runs["whole"]["unet.conv_out.weight"])


def test_missing_discriminator_weights_are_one_line(tmp_path, settings, tiny, capsys):
    losses = {"lpips": 0.0, "discriminator_weights": str(tmp_path / "absent.safetensors")}
    assert main([str(write_config(tmp_path, settings, tiny, stage="picture", losses=losses))]) == 2
    error = capsys.readouterr().err
    assert "losses.adversarial: 0" in error.splitlines()[-1]


def test_sdxl_trains_and_its_result_is_a_checkpoint(tmp_path, settings, tiny, sdxl_folder):
    """A tiny SDXL in diffusers' layout: LoRA and encoder come back through the loader of the authors' formats."""
    network = {"lora_rank": 2, "unet_part": "all", "encoder": True}
    losses = {"lpips": 0.0, "adversarial": 0.0}
    path = write_config(
        tmp_path, settings, tiny, stage="picture", start=str(sdxl_folder), network=network, losses=losses, steps=2
    )
    result = train(read_config(path))
    shutil.copytree(sdxl_folder, result / "RealVisXL_V5.0")
    renderer = load_renderer(f"bokehdiff@{result}")
    renderer.prepare()
    trained = dict(load_file(result / "vae.safetensors"))
    name = "encoder.conv_out.weight"
    assert torch.equal(renderer.pipeline.vae.state_dict()[name].float(), trained[name])


def test_divergence_names_step_term_and_samples(tmp_path, settings, tiny):
    path = write_config(tmp_path, settings, tiny, optimiser={"learning_rate": 1.0e30, "clip": 1.0e30}, steps=30)
    with pytest.raises(
        TrainingDivergedError, match=r"step \d+: the term 'latent' is (nan|inf) on samples \d+, \d+ of seed 0"
    ):
        train(read_config(path))


def test_another_configuration_does_not_go_on_from_the_checkpoints(tmp_path, settings, tiny, capsys):
    train(read_config(write_config(tmp_path, settings, tiny, steps=2)))
    assert main([str(write_config(tmp_path, settings, tiny, steps=2, seed=5))]) == 2
    assert "another configuration" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(tmp_path, settings, tiny, capsys):
    path = write_config(tmp_path, settings, tiny, steps=2)
    train(read_config(path))
    (tmp_path / "run/checkpoints/step-00000002.pt").write_bytes(b"torn")
    assert main([str(path)]) == 2
    assert "step-00000002.pt: damaged checkpoint" in capsys.readouterr().err


def test_logs_for_tensorboard_are_written(tmp_path, settings, tiny):
    train(read_config(write_config(tmp_path, settings, tiny, steps=3)))
    assert list((tmp_path / "run/logs").rglob("events.out.tfevents.*"))
