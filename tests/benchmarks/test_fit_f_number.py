import shutil

import pytest
import torch
import torch.nn.functional as F

from bokehbench.benchmarks import fit_f_number
from bokehbench.benchmarks.fit_f_number import main
from bokehbench.renderers.interface import Capabilities, Renderer
from bokehbench.renderers.registry import find_renderer

WIDEST, NARROWEST = 2.8, 16


class Box(Renderer):
    """Averages over squares whose side falls with the f-number."""

    name = "box"
    capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}))

    def skip(self, scene):
        within = NARROWEST >= scene.f_number >= WIDEST
        return super().skip(scene) or (None if within else f"it takes f/{WIDEST} to f/{NARROWEST}")

    def _render(self, scene, seed):
        radius = round(16 / scene.f_number)
        padded = F.pad(scene.image[None], [radius] * 4, mode="replicate")
        return F.avg_pool2d(padded, 2 * radius + 1, stride=1)[0].clamp(0.0, 1.0)


@pytest.fixture(autouse=True)
def box(monkeypatch):
    monkeypatch.setattr(fit_f_number, "load_renderer", lambda name: Box(name))
    monkeypatch.setattr(fit_f_number, "find_renderer", lambda name: None)


def test_pairs_outside_the_split_are_fitted_on(tmp_path, miniatures, capsys):
    for number in (10, 20):
        miniatures.write_ebb_pair(tmp_path / "ebb", number, miniatures.make_blurred(64, 80, strength=3.0, seed=number))
    shutil.rmtree(tmp_path / "ebb" / "disparity")  # of which a renderer without depth needs none
    assert main(["box@here", "ebb", "--data-root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "over 2 pairs outside the scored split" in said
    assert f"targets' exposure: use box-f{said.splitlines()[-1].split()[0].removeprefix('f/')}@here" in said


def test_the_f_number_that_was_rendered_is_found(make_scene, monkeypatch, capsys):
    smooth = F.avg_pool2d(torch.rand(1, 3, 70, 80, generator=torch.Generator().manual_seed(0)), 7, stride=1)[0]
    scene = make_scene(64, 74, image=smooth, f_number=5.6)
    scene = make_scene(64, 74, image=smooth, target=Box().render(scene))
    monkeypatch.setattr(fit_f_number, "choose_scenes", lambda dataset, most, depth: ([scene], "scored scenes"))
    assert main(["box@here", "synbokeh-mini"]) == 0
    said = capsys.readouterr().out
    assert "f/5.6 fits best, over 1 scored scenes: use box-f5.6@here" in said
    assert [line.partition(":")[0] for line in said.splitlines()[:2]] == ["f/2.8", "f/4"], "f/2 is refused"
    monkeypatch.setattr(fit_f_number, "find_renderer", find_renderer)
    monkeypatch.setattr(fit_f_number, "F_NUMBERS", (2.0, 4.0, 5.6))
    assert main(["box@here", "synbokeh-mini"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "f/5.6 fits best, at the end of what was tried, over 1 scored scenes", "a plug-in has no such name"
    monkeypatch.setattr(fit_f_number, "F_NUMBERS", (1.4, 2.0))
    assert main(["box@here", "synbokeh-mini"]) == 2
    assert "takes none of f/1.4 to f/2: it takes f/2.8 to f/16" in capsys.readouterr().err


def test_mistakes_are_one_line(capsys, monkeypatch):
    assert main(["box@here", "motorcycle"]) == 2
    assert "no scene with ground truth to fit on" in capsys.readouterr().err
    monkeypatch.setattr(Box, "capabilities", Capabilities(inputs=frozenset({"picture"})))
    assert main(["box", "motorcycle"]) == 2
    assert "box takes no f-number" in capsys.readouterr().err
