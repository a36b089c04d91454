"""Which channels of an OpenEXR file are read: Blender's, other renderers' and compositors' names."""

import numpy as np
import OpenEXR
import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_depth, read_disparity
from bokehbench.datasets.files.pictures import read_picture

HEIGHT, WIDTH = 6, 9
MEANT = np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH) + 1.0
"""The values of the channel that is meant."""

BEAUTY = ("R", "G", "B", "A")


def noise(name: str, dtype=np.float16) -> np.ndarray:
    return np.random.default_rng(len(name)).random((HEIGHT, WIDTH)).astype(dtype)


def header() -> dict:
    return {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def write(path, meant, others, multi_part=False) -> None:
    """Write the channel ``meant`` (float) among others (half); in parts of their own layers, or in one."""
    channels = {name: noise(name) for name in others} | {
        name: np.ones_like(MEANT) for name in others if name[-1] == "A"
    }
    channels |= dict.fromkeys(meant, MEANT)
    if not multi_part:
        OpenEXR.File(header(), channels).write(str(path))
        return
    layers = dict.fromkeys(name.rpartition(".")[0] for name in channels)
    parts = [
        OpenEXR.Part(
            header(), {name: v for name, v in channels.items() if name.rpartition(".")[0] == layer}, layer or "x"
        )
        for layer in layers
    ]
    OpenEXR.File(parts).write(str(path))


@pytest.mark.parametrize("multi_part", [False, True], ids=["one part", "parts"])
@pytest.mark.parametrize(
    ("meant", "others"),
    [
        ("Z", BEAUTY),
        ("ViewLayer.Depth.Z", tuple(f"ViewLayer.Combined.{c}" for c in BEAUTY)),
        ("ViewLayer.Depth.Z", ("ViewLayer.Mist.Z", "ViewLayer.Normal.X", "ViewLayer.Normal.Y", "ViewLayer.Normal.Z")),
        ("Depth.V", tuple(f"Image.{c}" for c in BEAUTY)),
        ("depth.Z", BEAUTY),
        ("disparity", BEAUTY),
        ("Disparity.V", ("Z", *BEAUTY)),
        ("Scene.Depth.Z", ("Scene.Denoising Depth.Z", "Scene.AO.R", "Scene.AO.G", "Scene.AO.B")),
    ],
)
def test_a_channel_by_name_wins(tmp_path, meant, others, multi_part) -> None:
    write(tmp_path / "a.exr", [meant], others, multi_part)
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), MEANT)


def test_a_grey_picture_beside_a_depth_is_not_the_map(tmp_path) -> None:
    grey = noise("grey", np.float32)
    OpenEXR.File(header(), {"R": grey, "G": grey, "B": grey, "Z": MEANT}).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), MEANT)
    np.testing.assert_allclose(read_depth(tmp_path / "a.exr"), 1.0 / MEANT)


def test_equal_colours_alone_are_a_map(tmp_path) -> None:
    write(tmp_path / "a.exr", ["R", "G", "B"], [])
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), MEANT)


@pytest.mark.parametrize("name", ["Y", "V", "R", "whatever", "ViewLayer.Mist.Z"])
def test_an_only_channel_is_the_map_whatever_its_name(tmp_path, name) -> None:
    write(tmp_path / "a.exr", [name], [])
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), MEANT)


@pytest.mark.parametrize(
    ("meant", "others", "listed"),
    [
        (["Left.Depth.Z", "Right.Depth.Z"], [], "Left.Depth.Z, Right.Depth.Z"),
        (["Mist.Z", "AO.R"], [], "AO.R, Mist.Z"),
        (["N.X", "N.Y", "N.Z"], [], "N.X, N.Y, N.Z"),
        (["R", "G", "B"], ["U"], "B, G, R, U"),
        (["R", "G"], [], "G, R"),
    ],
)
def test_where_it_is_not_clear_the_channels_are_listed(tmp_path, meant, others, listed) -> None:
    write(tmp_path / "a.exr", meant, others)
    with pytest.raises(DamagedDataError, match=rf"a\.exr: expected one channel of disparity, .*, got {listed}: save"):
        read_disparity(tmp_path / "a.exr")


def test_differing_colours_are_no_map(tmp_path) -> None:
    write(tmp_path / "a.exr", ["R"], ["G", "B"])
    with pytest.raises(DamagedDataError, match="expected one channel of disparity, got 6x9x3"):
        read_disparity(tmp_path / "a.exr")


def test_disparity_is_not_read_as_depth(tmp_path) -> None:
    write(tmp_path / "a.exr", ["disparity"], [])
    with pytest.raises(DamagedDataError, match=r"expected one channel of depth, .* got disparity"):
        read_depth(tmp_path / "a.exr")


@pytest.mark.parametrize("multi_part", [False, True], ids=["one part", "parts"])
@pytest.mark.parametrize("layer", ["", "ViewLayer.Combined.", "rgba.", "Beauty."])
def test_the_picture_is_found_among_passes(tmp_path, layer, multi_part) -> None:
    passes = ["ViewLayer.DiffCol.R", "ViewLayer.DiffCol.G", "ViewLayer.DiffCol.B", "ViewLayer.Depth.Z"]
    write(tmp_path / "a.exr", [f"{layer}{c}" for c in "RGB"], [*passes, f"{layer}A"], multi_part)
    np.testing.assert_allclose(read_picture(tmp_path / "a.exr", gamma=1.0), np.repeat(MEANT[..., None], 3, axis=2))


def test_one_of_two_pictures_is_not_guessed(tmp_path) -> None:
    names = [f"{side}.{c}" for side in ("left", "right") for c in "RGB"]
    write(tmp_path / "a.exr", names, [], multi_part=True)
    with pytest.raises(DamagedDataError, match=r"expected R, G, B .* got left\.B, left\.G, left\.R, right\.B"):
        read_picture(tmp_path / "a.exr")


def test_colours_of_several_precisions_are_one_picture(tmp_path) -> None:
    red, green, blue = MEANT.astype(np.float16), MEANT, (MEANT * 0.5).astype(np.float16)
    OpenEXR.File(header(), {"R": red, "G": green, "B": blue}).write(str(tmp_path / "a.exr"))
    np.testing.assert_allclose(read_picture(tmp_path / "a.exr", gamma=1.0), np.stack([MEANT, MEANT, MEANT * 0.5], 2))


def test_alpha_of_a_part_belongs_to_its_colours(tmp_path) -> None:
    """Blender's multi-part files: another pass has R, G, B too, and no alpha."""
    colours = dict.fromkeys("RGB", MEANT / 100.0)
    parts = [
        OpenEXR.Part(header(), dict(colours), "ViewLayer.DiffCol"),
        OpenEXR.Part(header(), {**colours, "A": np.zeros_like(MEANT)}, "ViewLayer.Combined"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    with pytest.raises(DamagedDataError, match="transparent"):
        read_picture(tmp_path / "a.exr")
    OpenEXR.File(header(), {**colours, "alpha": np.zeros_like(MEANT)}).write(str(tmp_path / "b.exr"))
    with pytest.raises(DamagedDataError, match="transparent"):
        read_picture(tmp_path / "b.exr")


@pytest.mark.parametrize("name", ["Z", "Depth.V", "disparity"])
def test_a_map_is_no_grey_picture(tmp_path, name) -> None:
    OpenEXR.File(header(), {name: MEANT}).write(str(tmp_path / "image.exr"))
    with pytest.raises(DamagedDataError, match=f"expected R, G, B .and A. or one channel, got {name}"):
        read_picture(tmp_path / "image.exr")
