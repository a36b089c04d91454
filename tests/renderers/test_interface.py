import dataclasses

import pytest
import torch

from bokehbench.core.errors import (
    InvalidOptionError,
    InvalidOutputError,
    InvalidSceneError,
    SkippedSceneError,
    WithheldInputError,
)
from bokehbench.core.scene import INPUT_FIELDS, Scene
from bokehbench.renderers.interface import LENS_INPUTS, PICTURE_ONLY, Capabilities, Renderer


class Answering(Renderer):
    """Returns what ``answer`` makes of the scene."""

    name = "answering"
    capabilities = Capabilities(devices=("cpu",))

    def __init__(self, answer, **capabilities):
        super().__init__()
        self.answer = answer
        self.capabilities = dataclasses.replace(self.capabilities, **capabilities)
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
        ({"f_number": 0.0}, "f_number"),
        ({"f_number": float("nan")}, "f_number"),
        ({"scale": 0}, "scale: expected a whole number >= 1, got 0"),
        ({"scale": 2}, r"target: expected \(3, 48, 64\), got \(3, 24, 32\)"),
    ],
)
def test_scene_refuses_what_is_not_a_scene(make_scene, fields, message):
    with pytest.raises(InvalidSceneError, match=message):
        make_scene(**fields)


def test_defocus_is_signed_and_in_px(make_scene):
    scene = make_scene()
    assert torch.allclose(scene.defocus[0, 0, 0], torch.tensor(6.0 * (0.2 - 0.8)))
    assert scene.defocus[0, 12, 16] == 0


def test_defocus_at_the_size_of_the_renders_grows_with_it(make_scene):
    """On a plane that slants by 0.5 px of radius a px, that is what it does at every size."""
    slant = torch.linspace(0.0, 1.0, 32).expand(1, 24, 32).contiguous()
    scene = make_scene(disparity=slant, focus_disparity=0.0, blur_strength=15.5, scale=3, target=None)
    defocus = scene.render_defocus
    assert defocus.shape == (1, 72, 96)
    assert torch.allclose(defocus[0, :, 1:-1].diff()[:, 3:-3], torch.tensor(0.5), atol=1e-5)
    assert torch.allclose(defocus[0, 1::3, 1::3], 3 * scene.defocus[0], atol=1e-5), "centres fall on centres"
    assert torch.equal(make_scene().render_defocus, make_scene().defocus)


def test_copies_of_a_checked_scene_are_not_checked_again(make_scene, monkeypatch):
    scene = make_scene()
    monkeypatch.setattr(Scene, "__post_init__", lambda self: pytest.fail("looked at every pixel again"))
    moved = scene.without_target().to("cpu").given(LENS_INPUTS).to("cpu")
    assert torch.equal(moved.image, scene.image)
    assert torch.equal(moved.defocus, scene.defocus)
    assert scene.target is not None
    assert (moved.target, moved.name, moved.gamma) == (None, scene.name, scene.gamma)
    with pytest.raises(dataclasses.FrozenInstanceError):
        moved.gamma = 1.0


def test_renderer_never_sees_the_target(make_scene):
    renderer = Answering(lambda scene: scene.image)
    renderer.render(make_scene())
    assert renderer.seen.target is None


@pytest.mark.parametrize("word", [word for word in INPUT_FIELDS if word != "picture"])
def test_what_is_not_asked_for_is_withheld(make_scene, word):
    scene = make_scene(f_number=2.8)
    asked = frozenset(INPUT_FIELDS) - {word}

    def read(given):
        assert given.inputs == asked
        for field in (INPUT_FIELDS[other] for other in asked):
            assert torch.equal(torch.as_tensor(getattr(given, field)), torch.as_tensor(getattr(scene, field)))
        assert (given.height, given.width, given.render_shape) == (24, 32, (3, 24, 32))
        return given.image + 0 * getattr(given, INPUT_FIELDS[word])

    with pytest.raises(WithheldInputError, match=f"was read .* add '{word}' to the inputs") as caught:
        Answering(read, inputs=asked).render(scene)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("attempt", [lambda s: s.defocus, lambda s: s.render_defocus, dataclasses.replace, vars])
def test_there_is_no_way_around(make_scene, attempt):
    given = make_scene().given(PICTURE_ONLY).to("cpu")
    try:
        found = attempt(given)
    except WithheldInputError:
        return
    assert not set(found) & {"disparity", "focus_disparity", "blur_strength", "gamma", "f_number"}


def test_renderer_within_a_renderer_gets_no_more_than_the_outer_one(make_scene):
    inner = Answering(lambda scene: scene.image * float(scene.disparity.max()))
    outer = Answering(inner.render)
    assert torch.allclose(outer.render(make_scene()), 0.8 * make_scene().image)
    with pytest.raises(SkippedSceneError, match="needs the disparity and the focus"):
        Answering(inner.render, inputs=PICTURE_ONLY).render(make_scene())


def test_scene_that_lacks_an_input_is_skipped_with_the_reason(make_scene):
    renderer = Answering(lambda scene: scene.image, inputs=LENS_INPUTS | {"f-number"})
    assert renderer.skip(make_scene(f_number=1.8)) is None
    assert renderer.skip(make_scene()) == "needs the f-number, which the scene does not give"
    with pytest.raises(SkippedSceneError, match=r"answering on 'random-0': needs the f-number"):
        renderer.render(make_scene())


def test_output_has_the_renderers_scale(make_scene):
    scene = make_scene(scale=2, target=None)
    double = Answering(lambda s: s.image.repeat_interleave(2, 1).repeat_interleave(2, 2), scale=2)
    assert double.render(scene).shape == (3, 48, 64)
    with pytest.raises(InvalidOutputError, match=r"expected \(3, 48, 64\), got \(3, 24, 32\)"):
        Answering(lambda s: s.image, scale=2).render(scene)
    assert double.skip(make_scene()) == "renders at 2x the input's size, the scene asks for 1x"
    assert Answering(None).skip(scene) == "renders at 1x the input's size, the scene asks for 2x"


@pytest.mark.parametrize("inputs", [{"disparity"}, {"picture", "depth"}])
def test_inputs_have_fixed_words(inputs):
    with pytest.raises(InvalidOptionError, match="inputs: expected 'picture' and others of picture, disparity, focus"):
        Capabilities(inputs=frozenset(inputs))


def test_capabilities_are_written_as_json():
    assert Capabilities(inputs=frozenset({"gamma", "picture"})).to_json() == {
        "inputs": ["picture", "gamma"],
        "scale": 1,
        "devices": ("cpu", "cuda"),
        "deterministic": True,
        "hdr": False,
    }


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda scene: scene.image[:, ::2], "expected"),
        (
            lambda scene: scene.image * torch.nan,
            "2304 values of 2304 are NaN or infinite, the first at column 0, row 0",
        ),
        (lambda scene: scene.image + 0.5, "spans"),
        (lambda scene: torch.full((3, 24, 32), 7e4).half(), "infinite"),
        (lambda scene: None, "expected a tensor of floats in .*, got NoneType"),
        (lambda scene: (scene.image * 255).byte(), "expected a tensor of floats in .*, got torch.uint8"),
        (lambda scene: scene.image > 0.5, r"got torch\.bool"),
        (lambda scene: scene.image.to(torch.complex64), r"got torch\.complex64"),
    ],
)
def test_wrong_output_is_an_error(make_scene, answer, message):
    with pytest.raises(InvalidOutputError, match=message):
        Answering(answer).render(make_scene())


def test_a_render_that_could_be_trained_through_is_cut_off_without_a_warning(make_scene, recwarn):
    picture = Answering(lambda scene: scene.image.requires_grad_()).render(make_scene())
    assert not picture.requires_grad
    assert not recwarn.list


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


def test_what_a_renderer_changes_in_place_reaches_nobody_else(make_scene):
    scene = make_scene()
    image, disparity = scene.image.clone(), scene.disparity.clone()

    def spoil(given):
        given.disparity.numpy()[:] = 0.0
        return given.image.mul_(0.5)

    Answering(spoil).render(scene)
    assert torch.equal(scene.image, image)
    assert torch.equal(scene.disparity, disparity)
