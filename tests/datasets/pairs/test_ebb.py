import shutil

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.pairs.strength_file import Strength, write_strength

ALIGNED = ("ebb-exposure-aligned", "ebb-brightness-aligned")


@pytest.fixture
def root(tmp_path, miniatures):
    """Pairs 4400 and 4401 of the split, 12 and 13 outside it; targets 20 % darker."""
    for number in (12, 13, 4400, 4401):
        made = miniatures.make_blurred(strength=6.0, seed=number, gain=0.8)
        miniatures.write_ebb_pair(tmp_path / "ebb", number, made)
    return tmp_path


def test_a_pair_is_read_to_known_numbers(root, miniatures) -> None:
    made = miniatures.make_blurred(strength=6.0, seed=4401, gain=0.8)
    scene = load_dataset("ebb", root).load("4401")
    assert scene.name == "4401"
    assert np.abs(scene.image.permute(1, 2, 0).numpy() - made.image).mean() < 0.01
    assert np.abs(scene.target.permute(1, 2, 0).numpy() - made.target).mean() < 0.01
    np.testing.assert_array_equal(scene.disparity[0].numpy(), (made.disparity - 1.0) / 2.0)
    assert scene.focus_disparity == 1.0
    assert scene.blur_strength == 30.0
    assert scene.f_number == 1.8
    assert scene.gamma == 2.2


def test_the_split_is_whole_whatever_is_there(root) -> None:
    dataset = load_dataset("ebb", root)
    assert dataset.scene_names() == [str(number) for number in range(4400, 4694)]
    with pytest.raises(MissingDataError, match=r"4402\.jpg: expected a picture, found none"):
        dataset.load("4402")
    assert dataset.cluster("4402") == "4402"


def test_exposure_protocols(root) -> None:
    scenes = {name: load_dataset(name, root).load("4400") for name in ("ebb", *ALIGNED)}
    target = scenes["ebb"].target
    assert scenes["ebb"].image.mean() > 1.2 * target.mean()
    per_channel = scenes["ebb-exposure-aligned"].image.mean(dim=(1, 2)) - target.mean(dim=(1, 2))
    assert per_channel.abs().max() < 1e-4
    assert abs(float(scenes["ebb-brightness-aligned"].image.mean() - target.mean())) < 1e-4
    protocols = {name: load_dataset(name, root) for name in scenes}
    for dataset in protocols.values():
        dataset.prepare()
    assert len({dataset.protocol for dataset in protocols.values()}) == 3


def test_the_strength_is_that_of_the_file_and_the_protocol_says_so(root) -> None:
    dataset = load_dataset("ebb", root)
    dataset.prepare()
    assert "30 px per unit of scaled disparity (a default, neither fitted nor measured)" in dataset.protocol
    write_strength(root / "ebb", Strength(12.5, ("12", "13"), 30.0))
    fitted = load_dataset("ebb", root)
    assert fitted.load("4400").blur_strength == 12.5
    assert "12.5 px per unit of scaled disparity (fitted with `classical` on 2 pairs" in fitted.protocol
    assert fitted.contents(["4400"]) != dataset.contents(["4400"])


def test_a_points_disc_has_the_radius_of_the_formula(tmp_path, miniatures) -> None:
    miniatures.write_ebb_pair(tmp_path / "ebb", 4400, miniatures.make_point_light())
    write_strength(tmp_path / "ebb", Strength(11.0))
    scene = load_dataset("ebb", tmp_path).load("4400")
    assert scene.focus_disparity == 1.0  # the left half; the light is at 0 after scaling
    assert miniatures.measure_disc(scene) == pytest.approx(11.0, abs=0.4)


def test_disparity_may_be_png(root) -> None:
    disparity = np.load(root / "ebb/disparity/4400.npy")
    expected = load_dataset("ebb", root).load("4400").disparity
    (root / "ebb/disparity/4400.npy").unlink()
    Image.fromarray((disparity * 20000).astype(np.uint16)).save(root / "ebb/disparity/4400.png")
    found = load_dataset("ebb", root).load("4400").disparity
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_replaced_files_are_other_contents_of_their_scene(root) -> None:
    contents, others = set(), set()
    for change in (None, "disparity/4400.npy", "original/4400.jpg"):
        if change:
            shutil.copy(root / "ebb" / change.replace("4400", "4401"), root / "ebb" / change)
        if change == "disparity/4400.npy":
            np.save(root / "ebb" / change, np.load(root / "ebb" / change) ** 2)
        dataset = load_dataset("ebb", root)
        dataset.prepare()
        found = dataset.contents(["4400", "4401"])
        contents.add(tuple(found["4400"].items()))
        others.add(tuple(found["4401"].items()))
    assert (len(contents), len(others)) == (3, 1)


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("original/4400.jpg", "truncate", r"original/4400\.jpg: cannot be read"),
        ("bokeh/4400.jpg", "truncate", r"bokeh/4400\.jpg: cannot be read"),
        ("bokeh/4400.jpg", "delete", r"bokeh/4400\.jpg: expected a picture, found none"),
        ("disparity/4400.npy", "delete", r"disparity/4400\.npy: no such disparity file: make it with"),
        ("disparity/4400.npy", np.full((48, 64), np.nan), "NaN"),
        ("disparity/4400.npy", np.ones((48, 64)), "every value is 1"),
        ("disparity/4400.npy", np.eye(24, 32), r"disparity/4400\.npy: 32x24 px, expected 64x48 as in 4400\.jpg"),
        ("bokeh/4400.jpg", np.zeros((24, 32, 3)), r"bokeh/4400\.jpg: 32x24 px, expected 64x48"),
        ("bokeh/4400.jpg", np.full((48, 64, 3), 0.5), r"nothing in it is as sharp"),
    ],
)
def test_a_damaged_pair_is_named_and_costs_no_other(root, miniatures, file, damage, message) -> None:
    path = root / "ebb" / file
    if isinstance(damage, str):
        left = path.read_bytes()[:-400]
        path.unlink()
        if damage == "truncate":
            path.write_bytes(left)
    elif path.suffix == ".npy":
        np.save(path, damage)
    else:
        miniatures.save_picture(path, damage)
    dataset = load_dataset("ebb", root)
    with pytest.raises(MissingDataError, match=message):
        dataset.load("4400")
    assert dataset.load("4401").name == "4401"


def test_absent_data_is_one_line(root) -> None:
    with pytest.raises(MissingDataError, match=r"ebb: no data folder is given: .*AIM 2020"):
        load_dataset("ebb").prepare()
    shutil.rmtree(root / "ebb/disparity")
    with pytest.raises(
        MissingDataError, match=r"python -m bokehbench\.datasets\.pairs\.estimate_disparity ebb --data-root"
    ):
        load_dataset("ebb", root).prepare()
    shutil.rmtree(root / "ebb/original")
    with pytest.raises(MissingDataError, match=r"no picture of the split, such as .*4400\.jpg"):
        load_dataset("ebb", root).prepare()


def test_the_focus_may_be_given_where_it_cannot_be_estimated(root, miniatures) -> None:
    miniatures.save_picture(root / "ebb/bokeh/4400.jpg", np.full((48, 64, 3), 0.5))
    with pytest.raises(DamagedDataError, match=r'put  {"4400": DISPARITY IN \[0, 1\]}  into .*focus\.json'):
        load_dataset("ebb", root).load("4400")
    before = load_dataset("ebb", root)
    before.prepare()
    (root / "ebb/focus.json").write_text('{"4400": 0.25}')
    dataset = load_dataset("ebb", root)
    assert dataset.load("4400").focus_disparity == 0.25
    assert dataset.load("4401").focus_disparity == 1.0
    assert "focus of 1 scenes given in focus.json" in dataset.protocol
    first, second = before.contents(["4400", "4401"]), dataset.contents(["4400", "4401"])
    assert second["4400"] != first["4400"]
    assert second["4401"] == first["4401"]


@pytest.mark.parametrize("content", ["{", "[1]", '{"4400": "near"}', '{"4400": 3}', '{"4400": NaN}', '{"4400": null}'])
def test_a_damaged_focus_file_is_named(root, content) -> None:
    (root / "ebb/focus.json").write_text(content)
    with pytest.raises(DamagedDataError, match=r"focus\.json: "):
        load_dataset("ebb", root).prepare()


def test_a_damaged_strength_file_ends_the_command(root) -> None:
    (root / "ebb/blur_strength.json").write_text("much")
    with pytest.raises(DamagedDataError, match=r"blur_strength\.json"):
        load_dataset("ebb", root).prepare()


def test_disparity_is_asked_for_where_it_is_absent(root) -> None:
    for number in (13, 4401):
        (root / f"ebb/disparity/{number}.npy").unlink()
    dataset = load_dataset("ebb", root)
    folder = root / "ebb"
    assert dataset.disparity_jobs(0) == [(folder / "original/4401.jpg", folder / "disparity/4401.npy")]
    assert (folder / "original/13.jpg", folder / "disparity/13.npy") in dataset.disparity_jobs(2)
