import pytest
import torch
import torch.nn.functional as F

from bokehbench.benchmarks import fit_f_number
from bokehbench.benchmarks.fit_f_number import main
from bokehbench.renderers.interface import Capabilities, Renderer


class Box(Renderer):
    """Averages over squares whose side falls with the f-number."""

    name = "box"
    capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}))

    def _render(self, scene, seed):
        radius = round(16 / scene.f_number)
        padded = F.pad(scene.image[None], [radius] * 4, mode="replicate")
        return F.avg_pool2d(padded, 2 * radius + 1, stride=1)[0].clamp(0.0, 1.0)


@pytest.fixture(autouse=True)
def box(monkeypatch):
    monkeypatch.setattr(fit_f_number, "load_renderer", lambda name: Box(name))


def test_pairs_outside_the_split_are_fitted_on(tmp_path, miniatures, capsys):
    for number in (10, 20):
        miniatures.write_ebb_pair(tmp_path / "ebb", number, miniatures.make_blurred(64, 80, strength=3.0, seed=number))
    miniatures.write_ebb_pair(tmp_path / "ebb", 4400, miniatures.make_blurred(64, 80, strength=3.0))
    assert main(["box@here", "ebb", "--data-root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "over 2 pairs outside the scored split" in said
    assert f"use box-f{said.splitlines()[-1].split()[0].removeprefix('f/')}@here" in said


def test_the_f_number_that_was_rendered_is_found(make_scene, monkeypatch, capsys):
    smooth = F.avg_pool2d(torch.rand(1, 3, 70, 80, generator=torch.Generator().manual_seed(0)), 7, stride=1)[0]
    scene = make_scene(64, 74, image=smooth, f_number=5.6)
    scene = make_scene(64, 74, image=smooth, target=Box().render(scene))
    monkeypatch.setattr(fit_f_number, "choose_scenes", lambda dataset, most: ([scene], "scored scenes"))
    assert main(["box@here", "synbokeh-mini"]) == 0
    assert "f/5.6 fits best, over 1 scored scenes: use box-f5.6@here" in capsys.readouterr().out


def test_mistakes_are_one_line(capsys, monkeypatch):
    assert main(["box@here", "motorcycle"]) == 2
    assert "no scene with ground truth to fit on" in capsys.readouterr().err
    monkeypatch.setattr(Box, "capabilities", Capabilities(inputs=frozenset({"picture"})))
    assert main(["box", "motorcycle"]) == 2
    assert "box takes no f-number" in capsys.readouterr().err
