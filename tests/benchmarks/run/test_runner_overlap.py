"""Loading and writing go on beside the renders of another device, and nothing beside those timed on the CPU."""

import time
from collections import Counter
from threading import Event

import torch

from bokehbench.benchmarks.run import runner
from bokehbench.benchmarks.run.cases import expand_cases
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
    cases = expand_cases([("device", None, "cpu")], [("scenes", "", SCENES)])
    rows = Runner(tmp_path, {"scenes": Watched(make_scene)}, (), lambda name: renderer, "here").run(cases)
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", None)] * 3


def test_last_picture_is_written_while_a_device_renders(tmp_path, make_scene, monkeypatch):
    written = {name: Event() for name in SCENES}
    write = runner.write_image

    def slow_write(path, image):
        time.sleep(0.1)
        digest = write(path, image)
        next(event for event in written.values() if not event.is_set()).set()
        return digest

    never_mind = Event()
    never_mind.set()
    earlier = dict(zip(SCENES[1:], SCENES, strict=False))
    monkeypatch.setattr(runner, "measure", lambda call, device: Measured(call(), 0.1, None))
    monkeypatch.setattr(runner, "write_image", slow_write)
    renderer = Meeting("device", lambda scene: written[earlier[scene.name]] if scene.name in earlier else never_mind)
    cases = expand_cases([("device", None, "cpu")], [("scenes", "", SCENES)])
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
    cases = expand_cases([("dim", None, "cpu")], [("scenes", "", SCENES)])
    rows = Runner(tmp_path, {"scenes": Watched(make_scene)}, (), lambda name: renderer, "here").run(cases)
    assert seen == [[], [], []]
    assert [row["status"] for row in rows] == ["ok"] * 3
