from pathlib import Path

import pytest
import yaml

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.__main__ import main
from bokehbench.training.engine import config as config_module
from bokehbench.training.engine.config import read_config

CONFIGS = Path(config_module.__file__).parents[1] / "bokehdiff" / "configs"


def write(folder, values):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture
def values(settings):
    return {"task": "bokehdiff/latent", "output": "out", "model": {"data": {"scenes": settings, "crop_px": 32}}}


def test_defaults_are_the_papers(tmp_path, values):
    config = read_config(write(tmp_path, values))
    assert (config.losses.mse, config.losses.lpips, config.losses.edge, config.losses.adversarial) == (
        1.0,
        5.0,
        1.0,
        0.5,
    )
    assert config.optimiser.learning_rate == 1e-4
    assert config.data.scenes.planes == (1, 3)


def test_numbers_as_yaml_misreads_them(tmp_path, values):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values) + "optimiser: {learning_rate: 1e-4}\n", encoding="utf-8")
    assert read_config(path).optimiser.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage": "both"}, "stage: expected autoencoder or latent or picture, got 'both'"),
        ({"speed": 1}, "unknown entry speed"),
        ({"optimiser": {"rate": 1}}, "unknown entry optimiser.rate"),
        ({"optimiser": 3}, "optimiser: expected entries"),
        ({"steps": "many"}, "steps: expected a valid integer, got 'many'"),
        ({"steps": True}, "steps: expected a valid integer, got True"),
        ({"steps": 0}, "steps: expected 1 or more"),
        ({"hardness": [3.0]}, "hardness: expected 2 values, got 1"),
        ({"hardness": 3.0}, "hardness: expected a list"),
        ({"variant": "bokehdif"}, "variant: expected"),
        ({"data": {}}, "missing entry data.scenes"),
        ({"seed": -1}, "seed: expected 0 or more"),
        ({"validation_count": 0}, "validation_count: expected 1 or more"),
        ({"optimiser": {"method": "sgd"}}, "optimiser.method: expected adamw or muon, got 'sgd'"),
        ({"parametrisation": "v"}, "parametrisation: expected eps or identity-start or gated or pisa-start, got 'v'"),
        (
            {"parametrisation": "gated", "variant": "bokehdiff-plus"},
            "parametrisation: expected 'identity-start' of bokehdiff-plus, got 'gated'",
        ),
        ({"parametrisation": "gated", "start": "model"}, "parametrisation: expected none: that of 'start' stays"),
        ({"optimiser": {"betas": [0.9, 1.5]}}, "optimiser.betas: expected two numbers in"),
        ({"optimiser": {"weight_decay": -1.0}}, "optimiser.weight_decay: expected 0 or more"),
        ({"size": {"unet_widths": [3, 5]}}, "size.unet_widths: expected multiples of 16"),
        (
            {"stage": "picture", "losses": {"mse": 0.0, "lpips": 0.0, "edge": 0.0, "adversarial": 0.0}},
            "losses: expected one weight above 0",
        ),
        ({"network": {"fixed_encoder": True}}, "network.fixed_encoder: expected false but in the stage autoencoder"),
        ({"ema": "fast"}, "ema: expected a valid number, got 'fast'"),
    ],
)
def test_mistakes_are_named(tmp_path, values, change, message):
    with pytest.raises(InvalidOptionError, match=message):
        read_config(write(tmp_path, values | change))


def test_unreadable_files_are_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "absent.yaml")]) == 2
    (tmp_path / "torn.yaml").write_text("stage: [", encoding="utf-8")
    assert main([str(tmp_path / "torn.yaml")]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 2
    assert "expected a YAML file" in error


@pytest.mark.parametrize("profile", ["paper", "code"])
def test_the_configurations_that_ship_are_sound(profile):
    config = read_config(CONFIGS / f"sdxl-{profile}.yaml")
    assert config.profile == profile
    assert config.network.lora_rank == 8
