"""``bokehbench blur`` as it is typed: pictures, sheet and focus pull, and every mistake in one line."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehbench.datasets.files.pictures import read_picture
from bokehbench.photograph.command import build_parser, check_options

from ..map_files import write_gdepth

ROOT = Path(__file__).resolve().parents[2]


def test_a_photograph_with_a_map_is_blurred(bokehbench, photo):
    done = bokehbench("blur", "photo.png", "--disparity", "map.png", "--focus", "0,0.5", "--radius", 6, "-o", "out.png")
    assert done.returncode == 0, done.stderr
    assert "out.png: classical, 56x40 px, 8 bits" in done.stdout
    assert "focus on the point 0,0.5 (disparity 0.9" in done.stdout
    time_line = r"^\d+\.\d s to read, render and write, after \d+\.\d s to load libraries and renderer$"
    assert re.search(time_line, done.stdout, re.MULTILINE)
    assert "blurred by up to 5.9 px, by map.png" in done.stdout or "by up to 6.0 px, by map.png" in done.stdout
    before, after = read_picture(photo), read_picture(photo.with_name("out.png"))
    assert np.abs(np.diff(after, axis=0))[:, 40:].mean() < 0.3 * np.abs(np.diff(before, axis=0))[:, 40:].mean()
    assert np.abs(after - before)[:, :3].mean() < 0.05


def test_a_portrait_is_blurred_by_the_map_that_it_carries(bokehbench, tmp_path):
    write_gdepth(tmp_path / "portrait.jpg")
    options = ("--f-number", 1.4, "--focal-length", 50, "--focal-length-35mm", 50)
    done = bokehbench("blur", "portrait.jpg", *options)
    assert done.returncode == 0, done.stderr
    assert "by the map in portrait.jpg" in done.stdout
    assert " m), blurred by up to " in done.stdout
    assert (tmp_path / "portrait-bokeh.png").is_file()


def test_what_may_take_long_is_said_before_it_begins(bokehbench, photo, monkeypatch):
    monkeypatch.setattr("bokehbench.photograph.session.needs_compiling", lambda renderer: True)
    done = bokehbench("blur", "photo.png", "--disparity", "map.png", "--radius", 6, "-o", "out.png")
    assert done.stdout.startswith(
        "rendering 56x40 px with classical; kernels that are not compiled yet make the first "
    )
    monkeypatch.setattr("bokehbench.photograph.session.needs_compiling", lambda renderer: False)
    done = bokehbench("blur", "photo.png", "--disparity", "map.png", "--radius", 6, "-o", "out.png")
    assert "rendering" not in done.stdout


def test_the_example_needs_nothing(bokehbench, tmp_path):
    assert bokehbench("blur", "--example", "--renderer", "identity").returncode == 0
    assert Image.open(tmp_path / "example-bokeh.png").size == (741, 500)


def test_a_focus_pull_moves(bokehbench, photo, monkeypatch):
    monkeypatch.setattr("bokehbench.photograph.focus_pull.FRAMES", 3)
    done = bokehbench("blur", "photo.png", "--disparity", "map.png", "--radius", 5, "--pull", "-o", "pull.gif")
    assert done.returncode == 0, done.stderr
    with Image.open(photo.with_name("pull.gif")) as pull:
        assert pull.size == (56, 40)
        assert pull.n_frames > 2


def test_a_sheet_shows_what_can_be_rendered_and_names_the_rest(bokehbench, photo, monkeypatch):
    names = ["classical", "centre-focus", "mpib"]
    monkeypatch.setattr("bokehbench.photograph.session.names_for_sheet", lambda: names)
    done = bokehbench("blur", "photo.png", "--disparity", "map.png", "--all", "-o", "sheet.png")
    assert done.returncode == 0, done.stderr
    assert "left out: mpib: 'mpib': no weights of it ship" in done.stdout
    assert "left out: bokehdiff-no-coc: minutes a picture" in done.stdout
    assert "sheet.png: 2 renderers" in done.stdout
    assert Image.open(photo.with_name("sheet.png")).width > 2 * 56


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("blur",), "expected either PHOTO or --example"),
        (("blur", "photo.png"), "photo.png: carries no depth map: give one with --disparity FILE"),
        (("blur", "no.jpg"), "no.jpg: expected a picture, found none"),
        (("blur", "photo.png", "--disparity", "map.png", "-o", "out.psd"), "--output out.psd: expected a name"),
        (("blur", "--example", "--focus", "1"), "argument --focus: expected X,Y, got '1'"),
        (("blur", "--example", "--disparity", "map.png"), "--example has its map"),
        (("blur", "photo.png", "--model", "x"), "--model has a meaning only with --estimate"),
        (("blur", "--example", "--focal-length", "50"), "--focal-length has a meaning only with --f-number"),
        (
            ("blur", "--example", "--f-number", "2", "--focal-length-35mm", "-5"),
            "--focal-length-35mm: expected mm above 0",
        ),
        (("blur", "--example", "--depth-ray-fov", "60"), "--depth-ray-fov has a meaning only with --depth"),
        (("blur", "photo.png", "-o", "./photo.png"), "--output photo.png: would overwrite what is read"),
        (("blur", "a.jpg", "--disparity", "a-bokeh.png"), "--output a-bokeh.png: would overwrite what is read"),
        (("blur", "--example", "--rotation", "5"), "--rotation has a meaning only with --aperture"),
        (("blur", "--example", "--gamma", "0"), "--gamma: expected 1 to 5, got 0"),
        (("blur", "--example", "--depth-ray-fov", "180"), "--depth-ray-fov: expected degrees between 0 and 180"),
        (("blur", "--example", "--radius", "1e9"), "blur radius: expected at most"),
        (("blur", "--example", "--focus", "nan,0.5"), "--focus nan,0.5: expected a point"),
        (("blur", "--example", "--focus-disparity", "nan"), "focus_disparity: expected a number"),
        (("blur", "--example", "--device", "gpu"), "unknown device 'gpu'"),
        (("blur", "--example", "--renderer", "clasical"), "unknown renderer 'clasical'. Did you mean classical"),
        (("blur", "--example", "--renderer", ""), "unknown renderer ''"),
        (
            ("blur", "photo.png", "--depth", "map.png", "--depth-unit", "0"),
            "--depth-unit: expected 1e-09 to 1e+09",
        ),
        (("blur", "photo.png", "--depth", "map.png", "--depth-unit", "nan"), "--depth-unit: expected 1e-09 to 1e+09"),
        (("blur", "photo.png", "--depth", "map.png", "--depth-unit", "1e300"), "--depth-unit: expected 1e-09 to 1e+09"),
        (("blur", "--example", "--f-number", "0", "--focal-length", "50"), "--f-number: expected a number above 0"),
        (("blur", "--example", "--radius", "-1e5"), "--radius: expected 0 px or more, got -100000"),
        (("blur", "--example", "--apertur", "6"), "unrecognized arguments: --apertur. Did you mean --aperture?"),
    ],
)
def test_a_mistake_is_one_line(bokehbench, photo, arguments, message):
    done = bokehbench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_map_of_another_size_is_scaled_and_one_of_another_shape_refused(bokehbench, photo):
    Image.open(photo.with_name("map.png")).resize((28, 20)).save(photo.with_name("half.png"))
    Image.open(photo.with_name("map.png")).resize((20, 28)).save(photo.with_name("turned.png"))
    done = bokehbench("blur", "photo.png", "--disparity", "half.png", "-o", "new/out.png")
    assert "new: a new folder" in done.stdout
    assert "by half.png, from 28x20 px" in done.stdout, done.stderr
    done = bokehbench("blur", "photo.png", "--disparity", "turned.png")
    assert "turned.png: 20x28 px: expected the shape of the upright picture, 56x40 px" in done.stderr


@pytest.mark.parametrize("role", ["disparity", "depth"])
def test_a_map_that_is_constant_at_the_size_of_the_picture_is_refused(bokehbench, photo, role):
    speck = np.full((400, 560), 2.0, np.float32)
    speck[7, 5] = 3.0
    np.save(photo.with_name("speck.npy"), speck)
    done = bokehbench("blur", "photo.png", f"--{role}", "speck.npy")
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "speck.npy: 560x400 px: constant at the picture's 56x40 px" in said


def test_a_map_that_is_constant_at_the_size_of_a_focus_pull_is_refused(bokehbench, photo, monkeypatch):
    monkeypatch.setattr("bokehbench.photograph.session.PULL_PX", {".gif": 28})
    speck = np.full((40, 56), 2.0, np.float32)
    speck[7, 5] = 3.0
    np.save(photo.with_name("speck.npy"), speck)
    done = bokehbench("blur", "photo.png", "--disparity", "speck.npy", "--pull", "-o", "pull.gif")
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "--pull: the map is constant at 28x20 px" in said


def test_a_picture_that_no_such_file_holds_is_refused_before_it_is_rendered(bokehbench, tmp_path, monkeypatch):
    ramp = np.linspace(0, 255, 16384).astype(np.uint8)
    Image.fromarray(np.stack([ramp] * 2)).save(tmp_path / "wide.png")
    monkeypatch.setattr("bokehbench.renderers.interface.Renderer.render", None)
    done = bokehbench("blur", "wide.png", "--disparity", "wide.png", "-o", "out.webp")
    assert done.returncode == 2
    assert "--output out.webp: the picture has 16384x2 px, such a file 16383 a side at most" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["blur", "--help"], 0), (["blur"], 2), (["blur", "a.jpg", "--focus", "1"], 2), (["blur", "--gamma", "9"], 2)],
)
def test_help_and_mistakes_in_words_need_no_torch(arguments, code):
    """Whose import takes seconds, and would come before threads are told to sleep (``let_threads_sleep``)."""
    program = "import atexit, sys; atexit.register(lambda: print(sorted({'torch', 'cv2'} & {*sys.modules})))\n"
    program += "from bokehbench.photograph.command import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_of_the_documentation_is_understood():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/blur.md", "docs/training.md")]
    lines = [line for text in texts for line in re.findall(r"^(?:    )?bokehbench (blur .*?)(?:  #.*)?$", text, re.M)]
    assert len(lines) > 5
    for line in lines:
        check_options(build_parser().parse_args(shlex.split(line)))


def test_the_version_is_said(bokehbench):
    assert bokehbench("--version").stdout.startswith("bokehbench ")
