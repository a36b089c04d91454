"""Renders as other programs write them: tiny OpenEXR files and their camera.json."""

import json

import numpy as np
import OpenEXR
import pytest

HEIGHT, WIDTH = 12, 16
LENSES = {
    "cycles": {
        "lens_mm": 50.0,
        "f_stop": 2.0,
        "sensor_fit": "AUTO",
        "sensor_width_mm": 36.0,
        "sensor_height_mm": 24.0,
    },
    "mitsuba": {"aperture_radius": 0.25, "fov_x_deg": 90.0, "near_clip": 0.5},
    "luxcore": {"lens_radius": 0.25, "fov_deg": 90.0, "clip_hither": 0.5},
    "povray": {"aperture": 1.0, "angle_deg": 90.0, "blur_samples": 128, "variance": 0},
}


def numbers(renderer, **changed):
    """Return the content of a camera.json."""
    common = {"renderer": renderer, "width": WIDTH, "height": HEIGHT, "focus_distance": 2.0}
    return common | {"depth_through": "pinhole"} | LENSES[renderer] | changed


def write_parts(path, parts):
    """Write a file of parts: {name: {channel: pixels}}."""
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    written = [OpenEXR.Part(dict(header), dict(channels), name) for name, channels in parts.items()]
    OpenEXR.File(written).write(str(path))


def colours(picture, prefix=""):
    """Return a picture (H,W,3) as channels."""
    return {f"{prefix}{name}": np.ascontiguousarray(picture[..., index]) for index, name in enumerate("RGB")}


@pytest.fixture
def pictures():
    """A pinhole picture and a lens picture, with a highlight."""
    rng = np.random.default_rng(5)
    pinhole = rng.random((HEIGHT, WIDTH, 3)).astype(np.float32)
    pinhole[6, 8] = 7.0
    return pinhole, (0.5 * pinhole + 0.25).astype(np.float32)


@pytest.fixture
def write_render(tmp_path, pictures):
    """A function that writes a render's folder: its camera's numbers, and the depth as the renderer stores it."""

    def write(renderer, stored, depth_name, **changed):
        folder = tmp_path / "render"
        folder.mkdir()
        write_parts(folder / "pinhole.exr", {"": colours(pictures[0])})
        write_parts(folder / "lens.exr", {"": colours(pictures[1])})
        write_parts(folder / "depth.exr", {"": {depth_name: stored}})
        (folder / "camera.json").write_text(json.dumps(numbers(renderer, **changed)))
        return folder

    return write
