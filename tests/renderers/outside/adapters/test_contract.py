"""Every adapter calls a stand-in of its repository: modules of the same names, whose networks keep the picture.

What is held: the names that adapters import and the arguments that they give, the unit of the defocus, the size of the
picture for sides that nothing divides, the range, and the refusals.
"""

import sys
import textwrap

import numpy as np
import pytest
import torch

from bokehbench.renderers.outside.adapter_info import FOLDER, outside_entries, read_info
from bokehbench.renderers.outside.worker import Session

from .stand_ins import FILES

pytestmark = pytest.mark.filterwarnings("ignore:Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")

NAMES = sorted(set(outside_entries()) - {"outside"})
HEIGHT, WIDTH = 37, 50


@pytest.fixture
def imports(monkeypatch):
    """Modules that a stand-in brings are forgotten afterwards, and those of the same names are put back."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0")  # an adapter sets it, which is undone
    before, path = dict(sys.modules), list(sys.path)
    tops = {name.partition("/")[0].removesuffix(".py") for name in FILES}
    for name in list(sys.modules):
        if name.partition(".")[0] in tops:
            del sys.modules[name]
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def start(tmp_path, imports):
    """A function that loads an adapter with its stand-in; returns the session and the reply."""

    def begin(name, trusted=True):
        options = outside_entries()[name].options
        for file, text in FILES.items():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(textwrap.dedent(text))
        adapter = FOLDER / f"{options['adapter']}.py"
        variant = read_info(adapter).variants[name]
        for file in variant.weights:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            torch.save({"module.gain": torch.ones(1)} if "SDMSHN" in file else {"gain": torch.ones(1)}, tmp_path / file)
        if trusted:
            (tmp_path / ".bokehbench-trust-pickles").touch()
        sys.path.insert(0, str(tmp_path))
        session = Session(str(adapter), str(tmp_path))
        return session, session.answer({"id": 1, "op": "load", "device": "cpu", "options": dict(variant.options)})

    return begin


@pytest.fixture
def render(start, tmp_path):
    """A function that renders with an adapter; returns its reply, and the picture it gave and got."""

    def make(name, strength=10.0, **params):
        session, reply = start(name)
        assert reply["ok"], reply
        image = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
        disparity = np.full((HEIGHT, WIDTH), 3.0, np.float32)
        disparity[:, : WIDTH // 2] = 1.0
        paths = {name: str(tmp_path / f"{name}.npy") for name in ("image", "disparity", "out")}
        np.save(paths["image"], image)
        np.save(paths["disparity"], disparity)
        given = {"focus_disparity": 1.0, "blur_strength": strength, "gamma": 2.2, **params}
        reply = session.answer({"id": 2, "op": "render", "params": given, "seed": 5, **paths})
        return reply, np.load(paths["out"]) if reply["ok"] else None, image

    return make


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_any_size_comes_back(render, name):
    reply, picture, image = render(name)
    assert reply["ok"], reply
    assert picture.shape == image.shape
    assert picture.dtype == np.float32
    assert 0.0 <= picture.min() <= picture.max() <= 1.0
    if "dmshn" not in name:  # they resize every picture
        np.testing.assert_allclose(picture, image, atol=2.1 / 255.0)


@pytest.mark.parametrize(("name", "unit_px"), [("bokehdiff-release", 10.0), ("genfocus", 100.0)])
def test_the_defocus_is_in_the_networks_unit(render, capfd, name, unit_px):
    assert render(name)[0]["ok"]
    assert f"plane 0..{20.0 / unit_px:.4f}" in capfd.readouterr().out


def test_magicbokehs_condition_is_cut_to_8_bits(render, capfd):
    reply = render("magicbokeh-release")[0]
    assert reply["used"]["K"] == 20.0
    assert f"plane -1.0000..{2 * 20.0 / 32.0 - 1:.4f}" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("bokehlicious", {"f_number": 1.8}, "it takes f/2 to f/20, asked for f/1.8"),
        ("magicbokeh-release", {"strength": 17.0}, "radii of up to 32 px, asked for 34.0 px"),
        ("genfocus", {"strength": 51.0}, "radii of up to 100 px, asked for 102.0 px"),
    ],
)
def test_what_it_was_not_trained_for_is_refused(render, name, params, words):
    reply = render(name, **params)[0]
    assert (reply["ok"], reply["kind"]) == (False, "unsupported")
    assert words in reply["error"]


def test_a_pickle_is_read_only_where_the_folder_says_so(start):
    reply = start("magicbokeh-release", trusted=False)[1]
    assert (reply["ok"], reply["kind"]) == (False, "missing")
    assert "create .bokehbench-trust-pickles" in reply["error"]
