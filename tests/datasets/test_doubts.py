"""What looks odd is said, and nothing of sound scenes. docs/datasets.md has the counts, give or take one."""

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.doubts import find_doubts, measure_radii
from bokehbench.renderers.interface import Scene

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def sound() -> list[Scene]:
    datasets = (load_dataset("pathtraced", DATA), load_dataset("synbokeh-mini"))
    return [dataset.load(name) for dataset in datasets for name in dataset.scene_names()]


def kinds(scenes: Iterable[Scene]) -> list[str]:
    return [kind for scene in scenes for kind in find_doubts(scene)]


@pytest.fixture(scope="module")
def motorcycle() -> list[Scene]:
    dataset = load_dataset("motorcycle")
    return [dataset.load(name) for name in dataset.scene_names()]


def without_target(scenes: Iterable[Scene]) -> list[Scene]:
    return [dataclasses.replace(scene, target=None) for scene in scenes]


@pytest.mark.parametrize("photograph", [False, True])
def test_nothing_is_said_of_sound_scenes(sound, motorcycle, photograph) -> None:
    scenes = [*sound, *without_target(sound), *motorcycle]
    assert [find_doubts(scene, photograph) for scene in scenes] == [{}] * (32 + 32 + 5)


def test_targets_of_a_renderer_without_occlusion_are_no_sign_of_anything(miniatures) -> None:
    made = miniatures.make_blurred(96, 128, strength=12.0)
    scene = to_scene(made)
    assert find_doubts(scene) == {}


def to_scene(made, **fields) -> Scene:
    image, target = (torch.from_numpy(picture).permute(2, 0, 1).contiguous() for picture in (made.image, made.target))
    disparity = torch.from_numpy((made.disparity - 1.0) / 2.0)[None]
    given = {"image": image, "target": target, "disparity": disparity, "focus_disparity": 1.0, "blur_strength": 12.0}
    return Scene(name="made", **given | fields)


def test_a_focus_outside_the_map_is_said_with_its_unit(sound) -> None:
    scene = sound[0]
    far_off = dataclasses.replace(scene, focus_disparity=128.0, blur_strength=0.05)
    assert set(find_doubts(far_off)) >= {"focus outside the map"}
    assert "the focus 128 lies outside the map" in find_doubts(far_off)["focus outside the map"]
    assert "8- and 16-bit maps scaled to [0, 1], depth as 1/m" in find_doubts(far_off)["focus outside the map"]
    below = dataclasses.replace(scene, focus_disparity=float(scene.disparity.min()) - 0.2 * spread(scene))
    assert "focus outside the map" in find_doubts(below)


def spread(scene: Scene) -> float:
    return float(scene.disparity.max() - scene.disparity.min())


def test_hardly_any_blur_is_said(sound) -> None:
    unblurred = [dataclasses.replace(scene, blur_strength=0.0) for scene in sound]
    assert kinds(unblurred) == ["hardly any blur"] * len(sound)
    assert find_doubts(unblurred[0])["hardly any blur"].startswith("100 % of the picture have a blur radius below 0.05")


def test_a_few_pixels_that_take_all_of_the_blur_are_said(sound) -> None:
    def torn(scene: Scene, value: float) -> Scene:
        disparity = scene.disparity.clone()
        disparity[0, 5, 7] = value
        return dataclasses.replace(scene, disparity=disparity, blur_strength=scene.blur_strength / 50.0)

    for scene in sound:
        for sign in (-1.0, 1.0):
            doubts = find_doubts(torn(scene, sign * 50.0 * spread(scene)))
            assert "few pixels take all of the blur" in doubts


def test_exchanged_sides_are_said(sound) -> None:
    exchanged = [dataclasses.replace(scene, image=scene.target, target=scene.image.clamp(max=1.0)) for scene in sound]
    assert kinds(exchanged) == ["input and target exchanged"] * len(sound)


def test_a_target_that_is_the_input_is_said(sound) -> None:
    alike = [dataclasses.replace(scene, target=scene.image) for scene in sound]
    assert kinds(alike) == ["target not blurred"] * len(sound)
    noisy = dataclasses.replace(sound[0], target=(sound[0].image + 1.0 / 255.0).clamp(max=1.0))
    bokeh = dataclasses.replace(noisy, blur_strength=10.0 * sound[0].blur_strength)
    assert "as sharp as the input" in find_doubts(bokeh)["target not blurred"]


def test_an_inverted_map_with_a_clicked_focus_is_seen_by_what_covers_what(sound) -> None:
    """The blur radii are the same: only their order in depth is wrong."""
    found = [find_doubts(scene) for scene in inverted(sound)]
    assert sum("map inverted" in doubts for doubts in found) == pytest.approx(21, abs=1)
    assert any("is blurred in the target as what lies" in doubts.get("map inverted", "") for doubts in found)


def inverted(scenes: Iterable[Scene]) -> list[Scene]:
    return [
        dataclasses.replace(
            scene,
            disparity=flipped(scene.disparity),
            focus_disparity=float(scene.disparity.min() + scene.disparity.max()) - scene.focus_disparity,
        )
        for scene in scenes
    ]


def flipped(disparity: torch.Tensor) -> torch.Tensor:
    return disparity.min() + disparity.max() - disparity


def test_an_inverted_map_with_a_focus_by_number_is_seen_by_what_is_sharp(sound, miniatures) -> None:
    wrong = [dataclasses.replace(scene, disparity=flipped(scene.disparity)) for scene in sound]
    assert kinds(wrong).count("map inverted") == pytest.approx(22, abs=1)
    made = miniatures.make_blurred(192, 256, strength=12.0)
    assert find_doubts(to_scene(made)) == {}
    flat = to_scene(made, disparity=flipped(to_scene(made).disparity))
    assert "sharper where the settings blur more" in find_doubts(flat)["map inverted"]


def test_without_a_target_what_is_above_nearer_than_what_is_below_is_said(sound, motorcycle, miniatures) -> None:
    assert kinds(inverted(motorcycle)) == ["map inverted"] * 5
    assert kinds(inverted(without_target(sound))).count("map inverted") == pytest.approx(3, abs=1)
    ramp = torch.linspace(0.0, 1.0, 96)[None, :, None].expand(1, 96, 128).contiguous()
    upright = to_scene(miniatures.make_blurred(96, 128), disparity=ramp, target=None)
    assert find_doubts(upright) == {}
    turned = dataclasses.replace(upright, disparity=1.0 - ramp)
    assert "what is above is nearer than what is below" in find_doubts(turned)["map inverted"]


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
