from pathlib import Path

import pytest
import yaml

from bokehbench.core.errors import InvalidOptionError, UnknownNameError
from bokehbench.training.__main__ import main
from bokehbench.training.bokehdiff import config as model_config
from bokehbench.training.engine.config import RunConfig, read_config
from bokehbench.training.registry import TASKS

CONFIGS = Path(model_config.__file__).with_name("configs")


def write(folder, values):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture
def values(settings):
    return {"task": "bokehdiff/latent", "output": "out", "model": {"data": {"scenes": settings, "crop_px": 32}}}


def test_the_entry_model_is_the_tasks(tmp_path, values, settings):
    by_habit = {"data": {"scenes": {entry: settings[entry] for entry in ("photographs", "cutouts", "size_px")}}}
    models = {"defocus-to-focus/defocus": by_habit, "defocus-to-focus/fusion": by_habit | {"start": str(tmp_path)}}
    for name in TASKS.entries:
        config = read_config(write(tmp_path, values | {"task": name, "model": models.get(name, values["model"])}))
        assert isinstance(config.model, TASKS.find(name).load())
    with pytest.raises(UnknownNameError, match=r"unknown task 'bokehdiff/late'. Did you mean bokehdiff/latent"):
        read_config(write(tmp_path, values | {"task": "bokehdiff/late"}))


def test_defaults_are_the_papers(tmp_path, values):
    config = read_config(write(tmp_path, values | {"task": "bokehdiff/picture"}))
    losses = config.model.losses
    assert (losses.mse, losses.lpips, losses.edge, losses.adversarial) == (1.0, 5.0, 1.0, 0.5)
    assert config.optimiser.learning_rate == 1e-4
    assert config.model.data.scenes.planes == (1, 3)


def test_numbers_as_yaml_misreads_them(tmp_path, values):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values) + "optimiser: {learning_rate: 1e-4}\n", encoding="utf-8")
    assert read_config(path).optimiser.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": 3}, "task: expected a text, got 3"),
        ({"speed": 1}, "unknown entry speed"),
        ({"optimiser": {"rate": 1}}, "unknown entry optimiser.rate"),
        ({"optimiser": 3}, "optimiser: expected entries"),
        ({"model": 3}, "model: expected entries"),
        ({"steps": "many"}, "steps: expected a valid integer, got 'many'"),
        ({"steps": True}, "steps: expected a valid integer, got True"),
        ({"steps": 0}, "steps: expected 1 to 1000000000, got 0"),
        ({"seed": -1}, "seed: expected 0 to 9.22337203685e"),
        ({"validation_count": 0}, "validation_count: expected 1 to 10000, got 0"),
        ({"optimiser": {"method": "sgd"}}, "optimiser.method: expected adamw or muon, got 'sgd'"),
        ({"optimiser": {"betas": [0.9, 1.5]}}, r"optimiser.betas: expected 0 to 1, got \(0.9, 1.5\)"),
        ({"optimiser": {"weight_decay": -1.0}}, "optimiser.weight_decay: expected 0 to 1000, got -1.0"),
        ({"steps": 10**400}, "a whole number of 401 digits: expected at most 64 bits"),
        ({"steps": 10**10}, "steps: expected 1 to 1000000000, got 10000000000"),
        ({"batch": 10**9}, "batch: expected 1 to 65536"),
        ({"seed": 2**63}, "expected whole numbers of at most 64 bits"),
        ({"minutes": float("nan")}, "minutes: expected a valid number, got '.nan'"),
        ({"optimiser": {"learning_rate": 0}}, "optimiser.learning_rate: expected 1e-12 to 1000000"),
        (
            {"optimiser": {"learning_rate": float("inf")}},
            "optimiser.learning_rate: expected a valid number, got '.inf'",
        ),
        ({"optimiser": {"clip": 10**10}}, "optimiser.clip: expected 1e-09 to 1000000000, got 10000000000"),
        ({"optimiser": {"betas": [1.0, 0.9]}}, r"optimiser.betas: expected two numbers in \[0, 1\)"),
        ({"output": ""}, "output: expected a path, got ''"),
        ({"output": "x" * 5000}, "output: expected a path, got 'xxx"),
        ({"ema": "fast"}, "ema: expected a valid number, got 'fast'"),
        (
            {"stage": "latent"},
            "entry stage: write 'task:' in its place, one of .*bokehdiff/latent.*, and the rest under",
        ),
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
    model = read_config(CONFIGS / f"sdxl-{profile}.yaml").model
    assert model.profile == profile
    assert model.network.lora_rank == 8


def test_an_old_configuration_ends_in_one_line(tmp_path, values, capsys):
    old = {"stage": "picture", "output": "out", "data": values["model"]["data"], "hardness": [3.0, 2.4e5]}
    assert main([str(write(tmp_path, old))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "write 'task:'" in line
    assert "bokehdiff/picture" in line
    assert "under 'model:'" in line


def test_what_decides_nothing_is_no_part_of_the_identity(values):
    usual = {"task": "bokehdiff/latent", "output": "out", "model": None}
    free = {"output": "in", "workers": 3, "minutes": 1.0, "checkpoint_every": 7, "validate_every": 7}
    assert RunConfig(**usual).identity() == RunConfig(**(usual | free | {"validation_count": 3})).identity()
    assert RunConfig(**usual).identity() != RunConfig(**usual, seed=1).identity()
