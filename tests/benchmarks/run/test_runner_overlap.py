"""Loading and writing go on beside the renders of another device, and nothing beside those timed on the CPU."""

import time
from collections import Counter
from itertools import pairwise
from threading import Event

import torch

from bokehbench.benchmarks.run import runner
from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.measure import Measured
from bokehbench.benchmarks.run.runner import Runner

from .stand_ins import SCENES, Counting, Scenes


class Meeting(Counting):
    """Pretends to be on another device, and waits in its render until something beside it has happened."""

    def __init__(self, name, happened):
        super().__init__(name, Counter())
        self.happened = happened

    def _load(self):
        self.device = torch.device("meta")

    def _render(self, scene, seed):
        assert self.happened(scene).wait(30), "nothing happened beside the render"
        return scene.image * 0.9

    def accept(self, scene):
        return scene

    def check(self, output, scene):
        return output


def test_next_scene_is_loaded_while_a_device_renders(tmp_path, make_scene, monkeypatch):
    loaded = {name: Event() for name in SCENES}

    class Watched(Scenes):
        def load(self, scene_name):
            scene = super().load(scene_name)
            loaded[scene_name].set()
            return scene

    following = dict(zip(SCENES, [*SCENES[1:], SCENES[-1]], strict=True))
    monkeypatch.setattr(runner, "measure", lambda call, device: Measured(call(), 0.1, None))
    renderer = Meeting("device", lambda scene: loaded[following[scene.name]])
    cases = expand_cases(
        [PlannedRenderer(name="device")], [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))]
    )
    rows = Runner(tmp_path, {"scenes": Watched(make_scene)}, (), lambda name: renderer, "here").run(cases)
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", None)] * 3


def test_last_picture_is_written_while_a_device_renders(tmp_path, make_scene, monkeypatch):
    """The writer waits for the next render to start, and that render for the writer to end."""
    started, written = ({name: Event() for name in SCENES} for _ in range(2))
    write = runner.write_image
    unwritten = iter(SCENES)
    never_mind = Event()
    never_mind.set()

    def write_beside(path, image):
        name = next(unwritten)
        assert started.get(following.get(name), never_mind).wait(30), "the next render waits for the writer"
        digest = write(path, image)
        written[name].set()
        return digest

    def when_written(scene):
        started[scene.name].set()
        return written.get(earlier.get(scene.name), never_mind)

    following = dict(pairwise(SCENES))
    earlier = {later: name for name, later in following.items()}
    monkeypatch.setattr(runner, "measure", lambda call, device: Measured(call(), 0.1, None))
    monkeypatch.setattr(runner, "write_image", write_beside)
    renderer = Meeting("device", when_written)
    cases = expand_cases(
        [PlannedRenderer(name="device")], [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))]
    )
    rows = Runner(tmp_path, {"scenes": Scenes(make_scene)}, (), lambda name: renderer, "here").run(cases)
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", None)] * 3
    assert all((tmp_path / row["image"]).is_file() for row in rows)


def test_nothing_happens_beside_a_render_on_the_cpu(tmp_path, make_scene, monkeypatch):
    """Its time and memory are measured."""
    busy, seen = [], []
    write = runner.write_image

    def slow_write(path, image):
        busy.append("writing")
        time.sleep(0.05)
        digest = write(path, image)
        busy.remove("writing")
        return digest

    class Watched(Scenes):
        def load(self, scene_name):
            busy.append("loading")
            time.sleep(0.05)
            busy.remove("loading")
            return super().load(scene_name)

    monkeypatch.setattr(runner, "write_image", slow_write)
    renderer = Counting("dim", Counter(), lambda scene: seen.append(list(busy)))
    cases = expand_cases(
        [PlannedRenderer(name="dim")], [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))]
    )
    rows = Runner(tmp_path, {"scenes": Watched(make_scene)}, (), lambda name: renderer, "here").run(cases)
    assert seen == [[], [], []]
    assert [row["status"] for row in rows] == ["ok"] * 3
