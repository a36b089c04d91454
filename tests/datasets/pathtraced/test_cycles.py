"""What Cycles is asked for, by a stand-in for a Python that has bpy; nothing here needs Blender."""

import json
import sys

import numpy as np
import pytest

from bokehbench.core.errors import MissingDataError, OutsideError
from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.pathtraced.__main__ import main
from bokehbench.datasets.pathtraced.cycles import VARIABLE, CyclesTracer, find_bpy
from bokehbench.datasets.pathtraced.dataset import PathTraced
from bokehbench.datasets.pathtraced.objects import HALF_WIDTH, Ball, Card, Lamp, Panel, Rod, TracedScene

GREY = np.full((4, 6, 3), 188, np.uint8)
STAND_IN = """#!{python}
import json, shutil, sys
if sys.argv[2] == "-c":
    print("Color management: using fallback mode\\nversion 5.2.3 LTS")
    sys.exit()
order = json.load(open(sys.argv[3]))
shutil.copy(order["arrays"], {folder!r} + "/arrays.npz")
json.dump(order, open({folder!r} + "/order.json", "w"))
if order["samples"] == 13:
    sys.exit("Error: Out of memory")
shutil.copy({folder!r} + "/ramp.exr", order["picture"])
"""


@pytest.fixture
def folder(tmp_path):
    ramp = np.linspace(0.1, 0.4, 48 * 64 * 3, dtype=np.float32).reshape(48, 64, 3)
    write_exr(tmp_path / "ramp.exr", ramp, half=False)
    (tmp_path / "python").write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def open_scene(folder, *things, samples=8):
    return CyclesTracer(TracedScene("test", 3, (2.5, 8.0), list(things)), 64, 48, samples, folder / "python")


def test_the_lens_and_the_picture(folder):
    tracer = open_scene(folder, Rod((0.1, 0.2, 0.3), (0.0, -1.0, 3.0), (0.0, 1.0, 3.0), 0.1))
    assert tracer.title == "Cycles (bpy 5.2.3)"
    assert tracer.picture(np.float32(20.0), 2.5).shape == (48, 64, 3)
    order = json.loads((folder / "order.json").read_text())
    assert order["lens_radius"] == pytest.approx(20.0 / (32 / HALF_WIDTH))
    assert (order["focus_depth"], order["samples"], order["seed"], order["inverse_depth"]) == (2.5, 8, 3, False)
    assert order["things"] == [{"shines": False, "colour": [0.1, 0.2, 0.3], "is_round": True}]
    tracer.picture(None, 2.5)
    assert json.loads((folder / "order.json").read_text())["lens_radius"] is None
    np.testing.assert_allclose(1.0 / tracer.depth()[0, 0], 0.1, rtol=1e-6)
    assert json.loads((folder / "order.json").read_text())["inverse_depth"] is True


def test_bitmaps_are_linear_and_turned_as_mitsuba_s(folder):
    card = np.array(GREY)
    card[0] = 0
    alpha = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
    radiance = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    things = [
        Card(card, (0.0, 0.0, 3.0), (1.0, 1.0), alpha=alpha),
        Ball(card, (0.0, 0.0, 4.0), 0.2),
        Panel(radiance, (0.0, 0.0, 5.0), (1.0, 1.0)),
        Lamp((5.0, 6.0, 7.0), (0.0, 0.0, 6.0), 0.01),
    ]
    open_scene(folder, *things).picture(None, 3.0)
    arrays = np.load(folder / "arrays.npz")
    assert arrays["0/texture"][-1].max() == 0.0  # the card's first row is its top, a bitmap's its bottom
    assert arrays["1/texture"][0].max() == 0.0
    assert float(arrays["0/texture"][0, 0, 0]) == pytest.approx(0.5029, abs=1e-4)  # of sRGB 188
    np.testing.assert_array_equal(arrays["0/opacity"], alpha)
    np.testing.assert_array_equal(arrays["2/texture"], radiance[::-1])
    assert {name for name in arrays.files if name.startswith("3/")} == {"3/points", "3/faces", "3/uv"}
    shining = [thing["shines"] for thing in json.loads((folder / "order.json").read_text())["things"]]
    assert shining == [False, False, True, True]


def test_a_blender_that_fails_is_one_line(folder):
    with pytest.raises(OutsideError, match=r"Cycles \(bpy 5\.2\.3\): ended with status 1; last line: .*Out of memory"):
        open_scene(folder, samples=13).picture(None, 3.0)


def test_a_scene_names_its_engine_and_is_not_rendered_twice(folder, monkeypatch):
    command = ["--engine", "cycles", "--output", str(folder / "pathtraced"), "--scenes", "1", "--radii", "4"]
    size = ["--width", "64", "--height", "48", "--samples", "8"]
    assert main([*command, *size, "--bpy-python", str(folder / "python")]) == 0
    monkeypatch.delenv(VARIABLE, raising=False)
    assert main([*command, *size]) == 0
    info = json.loads((folder / "pathtraced/100/info.json").read_text())
    assert (info["engine"], info["made_with"]["engine"]) == ("Cycles (bpy 5.2.3)", "cycles")
    blender_strength = info["focal_length"] ** 2 * 1e-3 / (2 * info["f_stops"][0]) * 64 / info["sensor_width"]
    assert blender_strength == pytest.approx(info["blur_parameters"][0])
    dataset = PathTraced(data_root=folder)
    dataset.prepare()
    assert dataset.protocol.startswith("path-traced by Cycles (bpy 5.2.3) through a thin lens; ")


def test_without_bpy_one_line_says_what_to_get(folder, monkeypatch, capsys):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert main(["--engine", "cycles", "--output", str(folder / "pathtraced")]) == 2
    assert f"pip install bpy==5.2.3 numpy, then --bpy-python DIR/bin/python or {VARIABLE}" in capsys.readouterr().err
    monkeypatch.setenv(VARIABLE, "/bin/false")
    with pytest.raises(MissingDataError, match="/bin/false: expected a Python that imports bpy and numpy"):
        find_bpy(None)
