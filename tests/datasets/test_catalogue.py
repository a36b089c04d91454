"""The contract of every registered data set."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bokehbench.core.errors import MissingDataError, UnknownNameError
from bokehbench.datasets.catalogue import DATASETS, load_dataset
from bokehbench.datasets.interface import SceneDataset

LIMITS = {"synbokeh300": 1, "synbokeh-subject": 1}
"""Of data sets whose scenes take seconds each to generate, so many are looked at; their own tests see more."""


@pytest.fixture(scope="module", params=list(DATASETS.entries))
def dataset(request: pytest.FixtureRequest, miniature_root: Path) -> SceneDataset:
    made = load_dataset(request.param, miniature_root)
    try:
        made.prepare()
    except MissingDataError as error:
        pytest.skip(f"{request.param}: {error}")
    return made


def test_it_says_what_it_is(dataset: SceneDataset) -> None:
    assert dataset.name in DATASETS.entries
    assert dataset.protocol
    assert dataset.terms
    assert dataset.version
    assert DATASETS.entries[dataset.name].summary


def test_names_are_unique_and_in_a_fixed_order(dataset: SceneDataset) -> None:
    names = list(dataset.scene_names())
    assert names
    assert len(set(names)) == len(names)
    assert names == list(load_dataset(dataset.name, dataset.data_root).scene_names())
    assert all(dataset.cluster(name) for name in names)


def test_scenes_are_sound_and_scored_ones_have_targets(dataset: SceneDataset) -> None:
    for name in list(dataset.scene_names())[: LIMITS.get(dataset.name)]:
        scene = dataset.load(name)  # Scene itself checks shapes, types and finite values
        assert scene.name == name
        assert scene.image.max() <= 1.0
        assert (scene.target is not None) == dataset.scored
        assert scene.blur_strength > 0.0
        assert scene.disparity.min() <= scene.focus_disparity <= scene.disparity.max()
        assert float(scene.defocus.abs().max()) > 1.0


def test_loading_is_repeatable_and_shares_no_memory(dataset: SceneDataset) -> None:
    name = list(dataset.scene_names())[: LIMITS.get(dataset.name)][-1]
    first = dataset.load(name)
    image, disparity = first.image.clone(), first.disparity.clone()
    first.image.zero_()
    first.disparity.zero_()
    second = dataset.load(name)
    assert torch.equal(second.image, image)
    assert torch.equal(second.disparity, disparity)


def test_an_unknown_scene_is_named(dataset: SceneDataset) -> None:
    with pytest.raises(UnknownNameError, match="no-such-scene"):
        dataset.load("no-such-scene")


def test_an_unknown_data_set_suggests_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean motorcycle"):
        load_dataset("motorcicle")


def test_listing_imports_neither_torch_nor_data_sets() -> None:
    code = (
        "import sys; from bokehbench.datasets.catalogue import DATASETS; list(DATASETS.entries);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'datasets', 'numba', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
