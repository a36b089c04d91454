import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.pairs.pairs import evenly_chosen, read_focus

from ...map_files import write_pfm


def test_a_few_are_spread_over_all() -> None:
    items = list(range(100))
    assert evenly_chosen(items, 4) == [12, 37, 62, 87]
    assert evenly_chosen(items, 200) == items
    assert evenly_chosen(items, 100) == items
    assert evenly_chosen([], 3) == []


def test_given_focus_is_read_by_scene(tmp_path) -> None:
    assert read_focus(tmp_path) == {}
    (tmp_path / "focus.json").write_text('{"4412": 0.5, "4413": 1}')
    assert read_focus(tmp_path) == {"4412": 0.5, "4413": 1.0}


@pytest.mark.parametrize("suffix", [".pfm", ".npz", ".tif"])
def test_maps_of_every_kind_are_found(tmp_path, miniatures, suffix) -> None:
    made = miniatures.make_blurred(strength=6.0)
    miniatures.write_ebb_pair(tmp_path / "ebb", 4400, made)
    folder = tmp_path / "ebb" / "disparity"
    expected = load_dataset("ebb", tmp_path).load("4400").disparity
    (folder / "4400.npy").unlink()
    write = {".pfm": write_pfm, ".npz": np.savez, ".tif": tifffile.imwrite}[suffix]
    write(folder / f"4400{suffix}", made.disparity)
    assert torch.equal(load_dataset("ebb", tmp_path).load("4400").disparity, expected)


def test_of_two_maps_none_is_guessed(tmp_path, miniatures) -> None:
    miniatures.write_ebb_pair(tmp_path / "ebb", 4400, miniatures.make_blurred(strength=6.0))
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(tmp_path / "ebb" / "disparity" / "4400.png")
    with pytest.raises(DamagedDataError, match=r"disparity: expected one map for 4400, got 4400\.npy and 4400\.png"):
        load_dataset("ebb", tmp_path).load("4400")
