import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, InvalidOutputError, InvalidSceneError
from bokehbench.renderers.interface import Capabilities, Renderer


class Answering(Renderer):
    """Returns what a test sets."""

    name = "answering"
    capabilities = Capabilities(devices=("cpu",))

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.seen = None

    def _render(self, scene, seed):
        self.seen = scene
        return self.answer(scene)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": torch.zeros(1, 24, 32)}, r"image: expected \(3, H, W\), got \(1, 24, 32\)"),
        ({"image": torch.zeros(3, 0, 32)}, r"image: expected"),
        ({"image": torch.full((3, 24, 32), torch.nan)}, "image: holds NaN"),
        ({"image": torch.full((3, 24, 32), -0.1)}, "image: expected values >= 0"),
        ({"image": torch.zeros(3, 24, 32, dtype=torch.float64)}, "image: expected float32"),
        ({"disparity": torch.zeros(1, 12, 16)}, r"disparity: expected \(1, 24, 32\), got \(1, 12, 16\)"),
        ({"disparity": torch.full((1, 24, 32), torch.inf)}, "disparity: holds NaN or infinite"),
        ({"target": torch.zeros(3, 24, 31)}, r"target: expected \(3, 24, 32\)"),
        ({"focus_disparity": float("nan")}, "focus_disparity"),
        ({"blur_strength": -1.0}, "blur_strength"),
        ({"gamma": 0.0}, "gamma"),
    ],
)
def test_scene_refuses_what_is_not_a_scene(make_scene, fields, message):
    with pytest.raises(InvalidSceneError, match=message):
        make_scene(**fields)


def test_defocus_is_signed_and_in_px(make_scene):
    scene = make_scene()
    assert torch.allclose(scene.defocus[0, 0, 0], torch.tensor(6.0 * (0.2 - 0.8)))
    assert scene.defocus[0, 12, 16] == 0


def test_resizing_rescales_the_blur_strength(make_scene):
    scene = make_scene(24, 32)
    half = scene.resized(12, 16)
    assert half.blur_strength == pytest.approx(scene.blur_strength / 2)
    assert half.image.shape == (3, 12, 16)
    assert half.disparity.shape == (1, 12, 16)
    assert half.target.shape == (3, 12, 16)
    assert float(half.image.mean()) == pytest.approx(float(scene.image.mean()), abs=1e-6)


def test_renderer_never_sees_the_target(make_scene):
    renderer = Answering(lambda scene: scene.image)
    renderer.render(make_scene())
    assert renderer.seen.target is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda scene: scene.image[:, ::2], "expected"),
        (lambda scene: scene.image * torch.nan, "NaN"),
        (lambda scene: scene.image + 0.5, "spans"),
    ],
)
def test_wrong_output_is_an_error(make_scene, answer, message):
    with pytest.raises(InvalidOutputError, match=message):
        Answering(answer).render(make_scene())


def test_highlights_are_clipped_for_renderers_without_hdr(make_scene, caplog):
    renderer = Answering(lambda scene: scene.image)
    renderer.render(make_scene(image=torch.full((3, 24, 32), 2.0)))
    assert float(renderer.seen.image.max()) == 1.0
    assert "highlights" in caplog.text


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [
        ("toaster", "float32", "unknown device"),
        ("cuda", "float32", "does not run on"),
        ("cpu", "float7", "unknown dtype"),
    ],
)
def test_prepare_refuses_what_cannot_be(device, dtype, message):
    with pytest.raises(InvalidOptionError, match=message):
        Answering(lambda scene: scene.image).prepare(device, dtype)


def test_numbered_card_becomes_the_current_device(monkeypatch):
    class OnCard(Answering):
        capabilities = Capabilities(devices=("cuda",))

    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    OnCard(None).prepare("cuda")
    assert not chosen, "the current device, whichever it is"
    OnCard(None).prepare("cuda:1")
    assert chosen == [torch.device("cuda:1")]
