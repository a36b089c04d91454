"""What looks odd is said, and nothing is said of sound scenes: path-traced ones, whose optics nobody chose for this."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.doubts import find_doubts, measure_radii
from bokehbench.renderers.interface import Scene

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def traced() -> list[Scene]:
    dataset = load_dataset("pathtraced", DATA)
    return [dataset.load(name) for name in dataset.scene_names()]


def kinds(scenes: Iterator[Scene]) -> list[str]:
    return [kind for scene in scenes for kind in find_doubts(scene)]


def test_nothing_is_said_of_sound_scenes(traced) -> None:
    assert [find_doubts(scene) for scene in traced] == [{}] * len(traced)
    assert len(traced) == 16
    motorcycle = load_dataset("motorcycle")
    assert [find_doubts(motorcycle.load(name)) for name in motorcycle.scene_names()] == [{}] * 5


def test_targets_of_a_renderer_without_occlusion_are_no_sign_of_anything(miniatures) -> None:
    made = miniatures.make_blurred(96, 128, strength=12.0)
    scene = to_scene(made)
    assert find_doubts(scene) == {}


def to_scene(made, **fields) -> Scene:
    image, target = (torch.from_numpy(picture).permute(2, 0, 1).contiguous() for picture in (made.image, made.target))
    disparity = torch.from_numpy((made.disparity - 1.0) / 2.0)[None]
    given = {"image": image, "target": target, "disparity": disparity, "focus_disparity": 1.0, "blur_strength": 12.0}
    return Scene(name="made", **given | fields)


def test_a_focus_outside_the_map_is_said_with_its_unit(traced) -> None:
    scene = traced[0]
    far_off = dataclasses.replace(scene, focus_disparity=128.0, blur_strength=0.05)
    assert set(find_doubts(far_off)) >= {"focus outside the map"}
    assert "the focus 128 lies outside the map" in find_doubts(far_off)["focus outside the map"]
    assert "8- and 16-bit maps scaled to [0, 1], depth as 1/m" in find_doubts(far_off)["focus outside the map"]
    below = dataclasses.replace(scene, focus_disparity=float(scene.disparity.min()) - 0.2 * spread(scene))
    assert "focus outside the map" in find_doubts(below)


def spread(scene: Scene) -> float:
    return float(scene.disparity.max() - scene.disparity.min())


def test_hardly_any_blur_is_said(traced) -> None:
    unblurred = [dataclasses.replace(scene, blur_strength=0.0) for scene in traced]
    assert kinds(unblurred) == ["hardly any blur"] * len(traced)
    assert find_doubts(unblurred[0])["hardly any blur"].startswith("100 % of the picture have a blur radius below 0.05")


def test_a_few_pixels_that_take_all_of_the_blur_are_said(traced) -> None:
    def torn(scene: Scene, value: float) -> Scene:
        disparity = scene.disparity.clone()
        disparity[0, 5, 7] = value
        return dataclasses.replace(scene, disparity=disparity, blur_strength=scene.blur_strength / 50.0)

    for scene in traced:
        for sign in (-1.0, 1.0):
            doubts = find_doubts(torn(scene, sign * 50.0 * spread(scene)))
            assert "few pixels take all of the blur" in doubts


def test_exchanged_sides_are_said(traced) -> None:
    exchanged = [dataclasses.replace(scene, image=scene.target, target=scene.image.clamp(max=1.0)) for scene in traced]
    assert kinds(exchanged) == ["input and target exchanged"] * len(traced)


def test_a_target_that_is_the_input_is_said(traced) -> None:
    alike = [dataclasses.replace(scene, target=scene.image) for scene in traced]
    assert kinds(alike) == ["target not blurred"] * len(traced)
    noisy = dataclasses.replace(traced[0], target=(traced[0].image + 1.0 / 255.0).clamp(max=1.0))
    bokeh = dataclasses.replace(noisy, blur_strength=10.0 * traced[0].blur_strength)
    assert "as sharp as the input" in find_doubts(bokeh)["target not blurred"]


def test_an_inverted_map_is_seen_in_single_scenes_by_what_covers_what(traced) -> None:
    """With a focus that is clicked, an inverted map gives the same blur radii: only their order in depth is wrong."""
    inverted = [
        dataclasses.replace(
            scene,
            disparity=flipped(scene.disparity),
            focus_disparity=float(scene.disparity.min() + scene.disparity.max()) - scene.focus_disparity,
        )
        for scene in traced
    ]
    found = [find_doubts(scene) for scene in inverted]
    assert sum("map inverted" in doubts for doubts in found) >= 6, "the others show too little of what is in focus"
    assert any("is blurred in the target as what lies" in doubts.get("map inverted", "") for doubts in found)


def flipped(disparity: torch.Tensor) -> torch.Tensor:
    return disparity.min() + disparity.max() - disparity


def test_an_inverted_map_with_a_focus_by_number_is_seen_by_what_is_sharp(miniatures) -> None:
    made = miniatures.make_blurred(192, 256, strength=12.0)
    assert find_doubts(to_scene(made)) == {}
    wrong = to_scene(made, disparity=flipped(to_scene(made).disparity))
    assert "sharper where the settings blur more" in find_doubts(wrong)["map inverted"]


def test_without_a_target_what_is_above_nearer_than_what_is_below_is_said(miniatures) -> None:
    ramp = torch.linspace(0.0, 1.0, 96)[None, :, None].expand(1, 96, 128).contiguous()
    upright = to_scene(miniatures.make_blurred(96, 128), disparity=ramp, target=None)
    assert find_doubts(upright) == {}
    inverted = dataclasses.replace(upright, disparity=1.0 - ramp)
    assert "what is above is nearer than what is below" in find_doubts(inverted)["map inverted"]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 500), (40, 1), (9, 9), (31, 33)])
@pytest.mark.parametrize("flat", [True, False])
def test_any_size_and_flat_pictures_will_do(make_scene, size, flat, recwarn) -> None:
    scene = make_scene(*size)
    if flat:
        scene = dataclasses.replace(scene, image=torch.full_like(scene.image, 0.5), target=None)
        scene = dataclasses.replace(scene, target=scene.image, disparity=torch.zeros_like(scene.disparity))
    assert isinstance(find_doubts(scene), dict)
    assert measure_radii(scene)[1] == float(scene.defocus.abs().max())
    assert not recwarn


def test_it_is_quick(make_scene) -> None:
    scene = make_scene(512, 512)
    find_doubts(scene)
    used = []
    for _ in range(5):
        start = time.thread_time()
        find_doubts(scene)
        used.append(time.thread_time() - start)
    assert min(used) < 0.03, "some 9 ms on one core"
