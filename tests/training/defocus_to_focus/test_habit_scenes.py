"""Scenes by the focus habit: the same from an index, the subject in focus, nothing mixed in the disparity."""

import torch

from bokehbench.core.optics import signed_defocus
from bokehbench.training.defocus_to_focus.config import HabitData
from bokehbench.training.defocus_to_focus.habit_scenes import HabitScenes, HabitSettings


def as_settings(values, **changes):
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return HabitSettings(**(lists | changes))


def test_a_scene_is_decided_by_its_index_and_follows_the_habit(habit):
    scenes = HabitScenes(as_settings(habit, compressed=0.0))
    first, again = scenes[3], HabitScenes(as_settings(habit, compressed=0.0))[3]
    assert all(torch.equal(first[name], again[name]) for name in first)
    low, high = scenes.settings.habit.radius
    for index in range(4):
        sample = scenes[index]
        radius = signed_defocus(sample["disparity"], sample["focus_disparity"], sample["blur_strength"]).abs()
        assert 0.8 * low <= float(radius.max()) / 32 <= 1.2 * high
        assert float(radius.min()) < 0.5
        assert sample["image"].shape == sample["target"].shape == (3, 32, 32)


def test_sometimes_the_cut_out_is_what_is_blurred(habit):
    behind = as_settings(habit, habit=type(as_settings(habit).habit)(background=1.0))
    assert HabitData(scenes=behind).scenes.habit.background == 1.0
    sample = HabitScenes(behind)[0]
    near = sample["disparity"] > sample["focus_disparity"] + 0.1
    assert 0.0 < float(near.float().mean()) < 0.5
