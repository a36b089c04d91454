import copy
import dataclasses
import json
from pathlib import Path

import pytest
import torch

from bokehbench.core.errors import DamagedRecordError
from bokehbench.datasets.synthetic.manifest import TOLERANCES, differences, read_manifest, summarise
from bokehbench.renderers.interface import Scene


def manifest_of(scene: Scene) -> dict:
    return {"version": "1", "scenes": {scene.name: {"parameters": "abc", **summarise(scene)}}}


@pytest.fixture
def scene() -> Scene:
    picture = torch.rand((3, 40, 48), generator=torch.Generator().manual_seed(0))
    return Scene(
        name="a", image=picture, disparity=picture[:1], focus_disparity=0.5, blur_strength=9.0, target=picture.flip(1)
    )


def test_rounding_passes(scene: Scene) -> None:
    nudged = dataclasses.replace(scene, image=(scene.image + 1.0 / 255.0 * (torch.rand(3, 40, 48) - 0.5)).clamp(0, 1))
    assert differences(manifest_of(scene), manifest_of(nudged)) == []


def test_another_picture_does_not(scene: Scene) -> None:
    shifted = dataclasses.replace(scene, target=scene.image)
    assert any("target_mean" in line for line in differences(manifest_of(scene), manifest_of(shifted)))


@pytest.mark.parametrize("key", TOLERANCES)
def test_every_statistic_is_compared(scene: Scene, key: str) -> None:
    expected = manifest_of(scene)
    found = copy.deepcopy(expected)
    value = found["scenes"]["a"][key]
    found["scenes"]["a"][key] = [*value[:-1], value[-1] + 0.5] if isinstance(value, list) else value + 0.5
    assert [line for line in differences(expected, found) if key in line]
    found["scenes"]["a"][key] = [*value[:-1], float("nan")] if isinstance(value, list) else float("nan")
    assert [line for line in differences(expected, found) if key in line]


def test_parameters_version_and_names_are_compared(scene: Scene) -> None:
    expected = manifest_of(scene)
    found = copy.deepcopy(expected)
    found["version"] = "2"
    found["scenes"]["a"]["parameters"] = "abd"
    found["scenes"]["b"] = found["scenes"]["a"]
    assert len(differences(expected, found)) == 3


def test_a_manifest_is_read_as_it_was_written(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest_of(scene)))
    assert read_manifest(path) == manifest_of(scene)


@pytest.mark.parametrize(("key", "value"), [("size", "large"), ("image_mean", [None]), ("blur_strength", "1")])
def test_a_damaged_manifest_is_one_line(scene: Scene, tmp_path: Path, key: str, value: object) -> None:
    damaged = manifest_of(scene)
    damaged["scenes"]["a"][key] = value
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(damaged))
    with pytest.raises(DamagedRecordError, match=rf"manifest\.json: scenes\.a\.{key}"):
        read_manifest(path)


def test_statistics_that_are_missing_are_a_difference(scene: Scene) -> None:
    expected = manifest_of(scene)
    expected["scenes"]["a"]["image_mean"] = [0.5]
    assert differences(expected, manifest_of(scene)) == ["a: image_mean: expected 1 values, found 48"]
