"""A repository as a renderer: every way to fail is a named case, and the run goes on; the key knows the code."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import session
from bokehbench.benchmarks.run.session import run_benchmark
from bokehbench.core.errors import (
    InvalidOptionError,
    MissingWeightsError,
    OutsideError,
    SkippedSceneError,
    UnknownNameError,
)
from bokehbench.datasets.interface import SceneDataset
from bokehbench.renderers.interface import Cost
from bokehbench.renderers.registry import find_renderer, load_renderer

from .conftest import HEAD

OK = "return image, {}"

BODY = """
mode = int(params["blur_strength"]) if len(image) == 24 else 0  # the card is larger
if mode == 1: print("rubbish"); os.system("echo rubbish")
if mode == 2: return image * np.nan, {}
if mode == 3: return image[1:], {}
if mode == 4: return np.empty(1 << 62, np.uint8), {}
if mode == 5: raise NotImplementedError("radii up to 4 px")
if mode == 6: return image + 2.0, {}
if mode == 7: raise KeyError("conv")
if mode == 8: os._exit(3)
if mode == 9: time.sleep(60)
if mode == 10: os.write(3, b"rubbish\\n"); os.write(4, b"rubbish\\n"); os.write(5, b"rubbish\\n")
return image * 0.5, {}
"""

REASONS = {
    2: ("failed", "NaN or infinite"),
    3: ("failed", r"expected (3, 24, 32), got (3, 23, 32)"),
    4: ("failed", "out of memory: use smaller images"),
    5: ("skipped", "radii up to 4 px"),
    6: ("failed", "spans"),
    7: ("failed", "KeyError: 'conv' (bokehbench_adapter.py:"),
    8: ("failed", "ended with status 3"),
    9: ("failed", "no answer within 1 s: stopped"),
    10: ("failed", "got 'rubbish"),
    11: ("failed", "the worker ended 3 times: it is not started again"),
}


class Faults(SceneDataset):
    """Scenes whose blur strength says what the stand-in does."""

    name = "motorcycle"
    protocol = terms = "for tests"

    def __init__(self, make_scene, modes):
        super().__init__()
        self.make_scene, self.modes = make_scene, modes

    def scene_names(self):
        return list(map(str, self.modes))

    def load(self, scene_name):
        return self.make_scene(name=scene_name, blur_strength=float(scene_name))


@pytest.fixture
def run(monkeypatch, tmp_path, make_scene):
    """A function that renders scenes with a repository; returns each one's row."""

    def start(folder, modes):
        monkeypatch.setattr(session, "load_dataset", lambda name, root: Faults(make_scene, modes))
        asked = {"datasets": ["motorcycle"], "metrics": [], "output": tmp_path / "out", "device": "cpu"}
        return run_benchmark(RunRequest(renderers=[f"outside@{folder}"], **asked))

    return start


def test_every_fault_is_a_named_case_and_the_run_goes_on(run, make_repository, monkeypatch):
    folder = make_repository(BODY, HEAD.replace('"picture", ', '"picture", "focus", '))
    monkeypatch.setenv("BOKEHBENCH_RENDER_LIMIT", "1")
    rows = {int(row["scene"]): row for row in run(folder, range(12))}
    for mode, row in rows.items():
        status, words = REASONS.get(mode, ("ok", None))
        assert row["status"] == status, row["reason"]
        if words:
            assert words in row["reason"]
            assert str(folder) not in row["reason"], "the row names the renderer"
    assert 0.0 < rows[0]["seconds"] < 1.0
    assert rows[0]["backend"].startswith("Python 3")


def test_what_is_wrong_with_the_card_is_not_said_of_a_scene(run, make_repository):
    folder = make_repository("return image * np.nan, {}")
    reason = "the test card: 12288 values of 12288 are NaN or infinite, the first at column 0, row 0"
    assert [row["reason"] for row in run(folder, range(2))] == [reason] * 2
    with pytest.raises(OutsideError, match=re.escape(f"outside@{folder}: {reason}")):
        load_renderer(f"outside@{folder}").prepare()


def test_finished_cases_are_kept_until_code_or_weights_change(run, make_repository):
    head = HEAD.replace('"for tests"}', '"for tests", "weights": {"net.bin": "a friend"}}')
    folder = make_repository(OK, head)
    assert run(folder, [0])[0]["status"] == "skipped"
    (folder / "net.bin").write_bytes(b"1")
    first = run(folder, [0])[0]
    assert first["status"] == "ok"
    assert run(folder, [0])[0] == first
    (folder / "network.py").write_text("layers = 3")
    second = run(folder, [0])[0]
    assert second["key"] != first["key"]
    (folder / "net.bin").write_bytes(b"2")
    assert run(folder, [0])[0]["weights"] != second["weights"]


def test_the_clock_is_the_workers(make_repository, make_scene):
    renderer = load_renderer(f"outside@{make_repository('time.sleep(0.1); return image, {}')}")
    scene = make_scene()
    assert torch.equal(renderer.render(scene), scene.image)
    assert isinstance(renderer.cost, Cost)
    assert 0.1 <= renderer.cost.seconds < 0.3


def test_every_worker_renders_the_card_first(make_repository, make_scene):
    head = HEAD.replace('"picture", "blur strength"', '"picture",')
    body = "open('calls', 'a').write(f'{len(image)} ')\nif len(image) == 25: os._exit(1)\nreturn image, {}"
    folder = make_repository(body, head)
    renderer = load_renderer(f"outside@{folder}")
    renderer.render(make_scene(24))
    with pytest.raises(OutsideError, match="ended with status 1"):
        renderer.render(make_scene(25))
    renderer.render(make_scene(24))
    assert (folder / "calls").read_text() == "64 24 25 64 24 "


def test_a_folders_adapter_has_variants_by_their_names(make_repository):
    head = HEAD.replace('"blur strength"', '"f-number"').replace(
        '{"stand-in": ', '{"second": {"summary": "x", "inputs": ("picture",)}, "stand-in": '
    )
    folder = make_repository(OK, head)
    assert load_renderer(f"outside@{folder}").variant_name == "second"
    third = load_renderer(f"stand-in-f4@{folder}")
    assert (third.name, third.variant_name, third.f_number) == (f"stand-in-f4@{folder}", "stand-in", 4.0)
    for name in ("outside-f4", "second-f4", "classical-2"):
        with pytest.raises(UnknownNameError, match=f"unknown renderer '{name}'.* second, stand-in"):
            find_renderer(f"{name}@{folder}")


def test_cuda_is_what_the_workers_torch_sees(make_repository):
    renderer = load_renderer(f"outside@{make_repository(OK)}")
    renderer.prepare("cuda")  # without torch its load decides
    assert renderer.device.type == "cpu"
    assert "torch None, cuda" in renderer.backend
    with pytest.raises(InvalidOptionError, match=r"torch 2\.1 of its Python sees no CUDA device.* or use --device cpu"):
        renderer._check_cuda({"torch": "2.1", "cuda": False})


def test_what_workers_print_goes_to_a_file_each(make_repository, make_scene, tmp_path, monkeypatch):
    monkeypatch.setenv("BOKEHBENCH_WORKER_LOG", str(tmp_path / "logs"))
    folder = make_repository("print(len(image)); return image, {}")
    load_renderer(f"outside@{folder}").render(make_scene())
    (log,) = (tmp_path / "logs").glob("repository-*.log")
    assert log.read_text() == "64\n24\n"
    monkeypatch.setenv("BOKEHBENCH_WORKER_LOG", str(log))
    with pytest.raises(InvalidOptionError, match=r"BOKEHBENCH_WORKER_LOG: expected a folder, got .*File exists"):
        load_renderer(f"outside@{folder}")


def test_a_renderer_that_turns_depth_round_is_found_out(make_repository):
    lens = HEAD.replace('"picture", "blur strength"', '"picture", "disparity", "focus", "blur strength"')
    renderer = load_renderer(f"outside@{make_repository(OK, lens)}")
    with pytest.raises(OutsideError, match="did not grow with the blur"):
        renderer.prepare()
    renderer = load_renderer(f"outside@{make_repository('return 1.0 - image, {}', lens)}")
    with pytest.raises(OutsideError, match="at blur strength 0 the card came back at"):
        renderer.prepare()


def test_without_a_python_nothing_starts(make_repository):
    folder = make_repository(OK)
    (folder / ".bokehbench-python").unlink()
    with pytest.raises(MissingWeightsError, match=r"\.bokehbench-python.*\.venv/bin/python, venv/bin/python"):
        load_renderer(f"outside@{folder}").prepare()


def test_what_a_command_line_gets_wrong_is_one_line(tmp_path, make_repository):
    with pytest.raises(UnknownNameError, match=r"git clone https://github.com/TimSeizinger.*checkpoints/small\.pt"):
        find_renderer("bokehlicious")
    with pytest.raises(UnknownNameError, match=r"name a repository that has a bokehbench_adapter\.py"):
        find_renderer("outside")
    with pytest.raises(UnknownNameError, match="unknown renderer 'dmshn-f2'"):
        find_renderer("dmshn-f2@somewhere")
    with pytest.raises(InvalidOptionError, match="expected an adapter"):
        load_renderer(f"outside@{tmp_path}")
    with pytest.raises(
        InvalidOptionError, match=r"typo: no such folder: 'dmshn': git clone https://github\.com/saikatdutta"
    ):
        load_renderer(f"dmshn@{tmp_path / 'typo'}")


def test_a_fixed_f_number_takes_the_scenes_place(make_scene, tmp_path):
    scene = make_scene()
    assert "needs the f-number" in load_renderer(f"bokehlicious@{tmp_path}").skip(scene)
    fixed = load_renderer(f"bokehlicious-f2.8@{tmp_path}")
    assert fixed.skip(scene) is None
    assert fixed.f_number == 2.8
    assert fixed.capabilities.inputs == {"picture"}


LENS = """
import numpy as np


class Lens:
    def __init__(self, path, device):
        assert device == "cpu"
        self.sharp_px = float(np.load(path)["sharp_px"])

    def blur(self, image, radius_px):
        reach = int(radius_px.max())
        steps = range(-reach, reach + 1)
        mean = np.mean([np.roll(image, (y, x), (0, 1)) for y in steps for x in steps], 0)
        return np.where(radius_px[..., None] > self.sharp_px, mean, image)
"""


def test_the_adapter_of_contributing_runs(make_repository, make_scene):
    text = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (adapter,) = re.findall(r"`FOLDER/bokehbench_adapter\.py`\n\n```python\n(.*?)```", text, re.DOTALL)
    folder = make_repository("", adapter)
    for place in ("lens", "weights"):
        (folder / place).mkdir()
    (folder / "lens" / "model.py").write_text(LENS)
    np.savez(folder / "weights" / "lens.npz", sharp_px=0.5)
    renderer = load_renderer(f"outside@{folder}")
    scene = make_scene(blur_strength=5.0)
    assert renderer.render(scene)[:, 8:16, 12:20].equal(scene.image[:, 8:16, 12:20]), "what is in focus stays"
    backend = renderer.backend
    assert "card 100.0 dB, dot" in backend
    renderer._worker.close()
    renderer.backend = None
    renderer.render(scene)
    assert renderer.backend == backend, "a worker that is started again is looked at again"
    with pytest.raises(SkippedSceneError, match="radii of up to 64 px, asked for 66 px"):
        renderer.render(make_scene(blur_strength=110.0))
