"""Renderers that run outside programs: against stand-ins everywhere, against the real ones where they are installed."""

import sys
from dataclasses import replace

import pytest
import torch

from bokehbench.benchmarks.option_values import renderer_names
from bokehbench.benchmarks.run import session
from bokehbench.benchmarks.run.reuse import ContentTable
from bokehbench.core.errors import InvalidOutputError, OutsideError
from bokehbench.renderers.programs import catalogue
from bokehbench.renderers.programs.ffmpeg import FfmpegVarblur
from bokehbench.renderers.registry import load_renderer

STANDS_IN = {
    "gegl-lens-blur": ("gegl", "write_npy('blurred.npy', read_exr('picture.exr'))"),
    "ffmpeg-varblur": ("ffmpeg", "copy('picture.raw', 'blurred.raw')"),
    "imagemagick-blur": ("convert", "copy('picture.raw', 'blurred.raw')"),
    "blender-defocus": ("blender", "order = json.loads(sys.argv[-1]); copy(order['picture'], order['blurred'])"),
}
"""The executable of each renderer, and what a program does that leaves the picture as it is."""

STAND_IN = """#!{python} -I
import json, sys
from shutil import copyfile as copy
if "-version" in sys.argv or "--version" in sys.argv:
    sys.exit(print("ImageMagick 6.9.11-60 Q16, ffmpeg version 1.0, Blender 3.4.1"))
{imports}
{action}
"""

IMPORTS = """
import numpy as np, OpenEXR
read_exr = lambda path: OpenEXR.File(path).channels()["RGB"].pixels
write_npy = np.save
"""

TOLERANCE = 2e-3
"""Of linear light where nothing is lost but a 16-bit file's rounding."""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A factory: only this program is on the PATH, and it does ``action``."""

    def make(executable, action):
        path = tmp_path / executable
        imports = IMPORTS if "npy" in action else ""
        path.write_text(STAND_IN.format(python=sys.executable, imports=imports, action=action))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return make


@pytest.mark.parametrize("name", STANDS_IN)
def test_picture_goes_there_and_comes_back(name, stand_in, make_scene):
    stand_in(*STANDS_IN[name])
    scene = make_scene(17, 24)
    renderer = load_renderer(name)
    picture = renderer.render(scene)
    assert torch.allclose(picture**2.2, scene.image**2.2, atol=TOLERANCE)
    assert renderer.cost.seconds > 0.0
    assert renderer.cost.peak_memory_mb is None  # that of this process says nothing of the program


@pytest.mark.parametrize(
    ("name", "action", "error", "words"),
    [
        (
            "gegl-lens-blur",
            "write_npy('blurred.npy', read_exr('picture.exr')[1:])",
            InvalidOutputError,
            r"\(16, 24, 3\)",
        ),
        ("gegl-lens-blur", "write_npy('blurred.npy', np.nan * read_exr('picture.exr'))", InvalidOutputError, "NaN"),
        ("imagemagick-blur", "open('blurred.raw', 'wb').write(bytes(10))", InvalidOutputError, "2448 bytes .* got 10"),
        ("ffmpeg-varblur", "pass", InvalidOutputError, "2448 bytes for 24x17 px, got 0"),
        ("blender-defocus", "pass", InvalidOutputError, "expected an OpenEXR file"),
        (
            "ffmpeg-varblur",
            "sys.exit('No such filter: varblur')",
            OutsideError,
            "ended with status 1; last line: No such filter: varblur",
        ),
    ],
)
def test_a_program_that_does_something_else_fails_its_case(name, action, error, words, stand_in, make_scene):
    stand_in(STANDS_IN[name][0], action)
    with pytest.raises(error, match=f"^{name} on 'random-0': .*{words}"):
        load_renderer(name).render(make_scene(17, 24))


def test_radii_beyond_what_ffmpeg_takes_are_skipped(stand_in, make_scene):
    stand_in(*STANDS_IN["ffmpeg-varblur"])
    renderer, scene = load_renderer("ffmpeg-varblur"), make_scene(600, 800)
    largest_px = float(scene.defocus.abs().max()) / scene.blur_strength
    within, beyond = (replace(scene, blur_strength=radius_px / largest_px) for radius_px in (1178.0, 1180.0))
    assert renderer.skip(within) is None
    assert renderer.skip(beyond) == "blurs by radii of up to 1179 px, the scene's is 1180"
    renderer.render(within)


def test_a_program_that_hangs_fails_its_case(stand_in, make_scene, monkeypatch):
    stand_in("convert", "import time; time.sleep(60)")
    renderer = load_renderer("imagemagick-blur")
    monkeypatch.setattr(renderer, "limit_s", 1.0)
    with pytest.raises(OutsideError, match="no end within 1 s: stopped"):
        renderer.render(make_scene())


def test_absent_programs_skip_their_scenes_and_say_what_to_install(tmp_path, monkeypatch, make_scene, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in catalogue.PROGRAMS:
        renderer = load_renderer(name)
        assert renderer.version is None
        assert "is not installed: " in renderer.skip(make_scene())
    assert catalogue.installed() == []
    assert "blender-defocus is left out of 'programs': Blender is not installed: apt-get" in caplog.text


@pytest.mark.parametrize(
    ("name", "said", "version"),
    [
        ("convert", "ImageMagick 6.9.11-60 Q16 x86_64 2021-01-25", "ImageMagick 6.9.11-60 Q16"),
        ("magick", "ImageMagick 7.1.2-30 (Beta) Q16-HDRI x86_64", "ImageMagick 7.1.2-30 (Beta) Q16-HDRI"),
        ("magick", "ImageMagick 7.1.1-15 Q8 x86_64", None),
    ],
)
def test_imagemagick_6_and_7_are_known(tmp_path, monkeypatch, name, said, version):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / name).write_text(f"#!/bin/sh\necho 'Version: {said}'\n")
    (tmp_path / name).chmod(0o755)
    assert load_renderer("imagemagick-blur").version == version


def test_other_programs_of_the_same_name_skip_their_scenes_too(tmp_path, monkeypatch, make_scene):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, words in (("convert", "GraphicsMagick 1.3.40"), ("blender", "Blender 4.2.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{words}'\n")
        (tmp_path / name).chmod(0o755)
    said = load_renderer("imagemagick-blur").skip(make_scene())
    assert said.startswith("ImageMagick: expected ImageMagick 6 or 7 with 16 bits or more, but ")
    assert "convert says 'GraphicsMagick 1.3.40': apt-get install imagemagick" in said
    assert "expected Blender 3, but " in load_renderer("blender-defocus").skip(make_scene())


def test_the_group_is_what_is_installed(monkeypatch):
    monkeypatch.setattr("bokehbench.benchmarks.option_values.installed", lambda: ["gegl-lens-blur", "gmic-dof"])
    assert renderer_names("classical,programs,gmic-dof") == ["classical", "gegl-lens-blur", "gmic-dof"]


def test_another_version_is_another_case(monkeypatch):
    keys = []
    for version in ("1.0", "2.0"):
        monkeypatch.setattr(FfmpegVarblur, "version", f"ffmpeg {version}")
        renderer = load_renderer("ffmpeg-varblur")
        keys.append(session._plan_renderer("ffmpeg-varblur", renderer, "cpu", ContentTable(), {}).code)
    assert keys[0] != keys[1]


@pytest.fixture(params=catalogue.PROGRAMS)
def real(request):
    program = catalogue.PROGRAMS[request.param]
    if not program.find():
        pytest.skip(program.absence())
    return load_renderer(request.param)


def test_real_program_makes_a_point_a_blur_of_the_discs_size(real, make_scene):
    """Deviation of a disc along one axis: half its radius. ffmpeg moves it by half a px, G'MIC makes it 14 % larger."""
    image = torch.zeros(3, 48, 64)
    image[:, 24, 32] = 1.0
    far = torch.zeros(1, 48, 64)
    far[:, :2, :2] = 1.0
    scene = make_scene(image=image, disparity=far, focus_disparity=1.0, blur_strength=8.0, target=None)
    column = (real.render(scene)[0].double() ** 2.2).sum(dim=0)
    x = torch.arange(64) - 32.0
    middle = float((column * x).sum() / column.sum())
    deviation = float((column * (x - middle) ** 2).sum() / column.sum()) ** 0.5
    assert abs(middle) <= 0.51
    assert deviation == pytest.approx(4.57 if real.name == "gmic-dof" else 4.0, abs=0.5)


def test_real_program_leaves_zero_blur_alone(real, make_scene):
    scene = make_scene(blur_strength=0.0)
    assert torch.equal(real.render(scene), scene.image)
