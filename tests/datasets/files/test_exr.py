"""OpenEXR files come back as they were written; a failed or second writer tears none."""

import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import OpenEXR
import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files import exr
from bokehbench.datasets.files.exr import read_exr, write_exr
from bokehbench.datasets.files.maps import read_disparity
from bokehbench.datasets.files.pictures import read_picture


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize("half", [True, False])
def test_a_picture_comes_back(tmp_path, shape, half):
    picture = np.random.default_rng(0).normal(size=shape).astype(np.float16 if half else np.float32)
    write_exr(tmp_path / "new" / "a.exr", picture, half)
    read = read_exr(tmp_path / "new" / "a.exr", "picture" if len(shape) == 3 else "depth")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, picture.reshape(5, 7, -1).astype(np.float32))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.exr"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.exr"
    write_exr(path, np.ones((4, 4, 3)))
    before = path.read_bytes()

    class Full(exr.OpenEXR.File):
        def write(self, name):
            super().write(name)
            raise OSError("disk full")

    monkeypatch.setattr(exr.OpenEXR, "File", Full)
    with pytest.raises(OSError, match="disk full"):
        write_exr(path, np.zeros((4, 4, 3)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_absent_and_damaged_files_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"a\.exr: expected an OpenEXR file, found none"):
        read_exr(tmp_path / "a.exr")
    (tmp_path / "a.exr").write_bytes(b"no picture")
    with pytest.raises(DamagedDataError, match=r"a\.exr: truncated, damaged or no OpenEXR file"):
        read_exr(tmp_path / "a.exr")


def ramp(height=6, width=9):
    return np.arange(height * width, dtype=np.float32).reshape(height, width) + 1.0


def save(path, channels, **header):
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}, channels).write(
        str(path)
    )


def window(left, top, right, bottom):
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


@pytest.mark.parametrize("alpha", [0.0, 0.5, np.nan])
def test_transparency_is_refused_as_in_every_kind_of_file(tmp_path, alpha):
    """Blender's "Film > Transparent" leaves black with alpha 0."""
    rgba = np.ones((6, 9, 4), np.float32)
    save(tmp_path / "a.exr", {"RGBA": rgba})
    assert read_exr(tmp_path / "a.exr").shape == (6, 9, 3)
    rgba[3, 4, 3] = alpha
    save(tmp_path / "a.exr", {"RGBA": rgba})
    for read in (read_exr, read_picture):
        with pytest.raises(DamagedDataError, match=r"a\.exr: expected an opaque picture, this one is transparent"):
            read(tmp_path / "a.exr")


def test_sums_of_filter_weights_are_opaque(tmp_path):
    rgba = np.ones((6, 9, 4), np.float32)
    rgba[..., 3] = 0.9999995
    save(tmp_path / "a.exr", {"RGBA": rgba})
    assert read_picture(tmp_path / "a.exr").shape == (6, 9, 3)


def test_overscan_is_cut_to_the_picture(tmp_path):
    save(tmp_path / "a.exr", {"Z": ramp()}, dataWindow=window(-2, -1, 6, 4), displayWindow=window(0, 0, 4, 3))
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), ramp()[1:5, 2:7])


@pytest.mark.parametrize(
    "display", [window(0, 0, 11, 9), window(0, 0, 8, 5)], ids=["smaller than the picture", "as large, but elsewhere"]
)
def test_a_crop_is_no_whole_picture(tmp_path, display):
    save(tmp_path / "a.exr", {"Z": ramp()}, dataWindow=window(2, 1, 10, 6), displayWindow=display)
    with pytest.raises(DamagedDataError, match=r"its data covers \[2, 1\] to \[10, 6\], the picture is \[0, 0\] to"):
        read_disparity(tmp_path / "a.exr")


def test_windows_that_start_elsewhere_together_are_whole(tmp_path):
    save(tmp_path / "a.exr", {"Z": ramp()}, dataWindow=window(100, 50, 108, 55), displayWindow=window(100, 50, 108, 55))
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), ramp())


def test_tiles_are_read(tmp_path):
    values = ramp(70, 90)
    save(tmp_path / "a.exr", {"Z": values}, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), values)


def test_a_part_that_cannot_be_read_is_not_passed_over(tmp_path, capfd):
    """OpenEXR leaves it out and prints a line; the map in the other part would be taken for all that there is."""
    rng = np.random.default_rng(0)
    noise = {name: rng.random((64, 64)).astype(np.float32) + 1.0 for name in "RGB"}  # compresses, so that zeros show
    headers = [{"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} for _ in range(2)]
    parts = [OpenEXR.Part(headers[0], noise, "rgba"), OpenEXR.Part(headers[1], {"Z": ramp(64, 64)}, "depth")]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    content = bytearray((tmp_path / "a.exr").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 300] = bytes(300)
    (tmp_path / "a.exr").write_bytes(content)
    with pytest.raises(DamagedDataError, match=r"truncated, damaged or no OpenEXR file: .*part"):
        read_disparity(tmp_path / "a.exr")
    assert capfd.readouterr().out == ""


def test_a_claimed_size_is_refused_before_it_is_allocated(tmp_path):
    save(tmp_path / "a.exr", {"Z": ramp()})
    content = (tmp_path / "a.exr").read_bytes()
    sides = struct.pack("<4i", 0, 0, 8, 5)
    assert content.count(sides) == 2
    (tmp_path / "a.exr").write_bytes(content.replace(sides, struct.pack("<4i", 0, 0, 65535, 65535)))
    with pytest.raises(DamagedDataError, match="65536x65536 px, 1 channels: up to 178 megapixels"):
        read_disparity(tmp_path / "a.exr")


def test_the_window_of_another_part_does_not_matter(tmp_path):
    """Compositors crop each layer to what is in it."""
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "displayWindow": window(0, 0, 8, 5),
    }
    mask = np.ones((2, 3), np.float32)
    parts = [
        OpenEXR.Part(dict(header), {"Z": ramp()}, "depth"),
        OpenEXR.Part(header | {"dataWindow": window(4, 3, 6, 4)}, {"matte": mask}, "mask"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.exr"), ramp())


def test_subsampled_channels_are_refused(tmp_path):
    half = OpenEXR.Channel("Y", ramp(6, 8)[::2, ::2].copy(), 2, 2)
    save(tmp_path / "a.exr", {"Y": half}, dataWindow=window(0, 0, 7, 5), displayWindow=window(0, 0, 7, 5))
    with pytest.raises(DamagedDataError, match=r"a\.exr: channel Y holds fewer samples than there are pixels"):
        read_disparity(tmp_path / "a.exr")


def test_deep_samples_are_refused(tmp_path):
    samples = np.empty((6, 9), object)
    for index in np.ndindex(samples.shape):
        samples[index] = np.ones(2, np.float32)
    save(tmp_path / "a.exr", {"Z": samples}, type=OpenEXR.deepscanline, compression=OpenEXR.ZIPS_COMPRESSION)
    with pytest.raises(DamagedDataError, match="holds deep samples: flatten it"):
        read_disparity(tmp_path / "a.exr")


def test_what_other_threads_print_meanwhile_is_not_lost(tmp_path, capsys):
    """Many read at once, and one prints; afterwards standard output is what it was."""
    save(tmp_path / "a.exr", {"Z": ramp(300, 400)})
    before = sys.stdout
    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read_disparity, tmp_path / "a.exr") for _ in range(24)]
        lines = 0
        while not all(job.done() for job in reading):
            print("line")
            lines += 1
    assert sys.stdout is before
    assert capsys.readouterr().out == "line\n" * lines
