"""What a worker can do wrong, each in one line and within the limit; and that nothing of it is left."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bokehbench.core.errors import MissingWeightsError, OutsideError, SkippedSceneError
from bokehbench.renderers.outside import process
from bokehbench.renderers.outside.process import Worker

START_S = 60.0
"""For Python and numpy to start, on a machine that others use."""


@pytest.fixture
def start(make_repository, monkeypatch):
    """A function that starts a worker whose adapter's render has this body, and lets it load."""
    workers = []
    monkeypatch.setattr(process, "PATIENCE_S", 1.0)

    def begin(body):
        folder = make_repository(body)
        workers.append(Worker(Path(sys.executable), folder / "bokehbench_adapter.py", folder))
        assert workers[-1].ask("hello", START_S, protocol=1)["torch"] is None
        workers[-1].ask("load", START_S, device="cpu", options={})
        return workers[-1]

    yield begin
    for worker in workers:
        worker.close()


def render(worker, limit_s=START_S):
    image, out = worker.folder / "image.npy", worker.folder / "out.npy"
    np.save(image, np.full((4, 6, 3), 0.5, np.float32))
    reply = worker.ask("render", limit_s, image=str(image), disparity=None, out=str(out), params={}, seed=0)
    return reply, np.load(out)


def test_what_a_repository_prints_disturbs_no_answer(start):
    worker = start("print('rubbish'); os.system('echo more rubbish'); return image * 0.5, {'K': 3}")
    reply, picture = render(worker)
    assert reply["used"] == {"K": 3}
    assert reply["seconds"] > 0.0
    np.testing.assert_array_equal(picture, np.full((4, 6, 3), 0.25, np.float32))
    folder = worker.folder
    worker.close()
    assert not worker.alive
    assert not folder.exists()


@pytest.mark.parametrize("body", ["os.fork(); return image, {}", "os.fork(); raise ValueError('both')"])
def test_what_a_repository_forks_answers_nothing(start, body):
    worker = start(body)
    for _ in range(2):
        if "raise" in body:
            with pytest.raises(OutsideError, match="ValueError: both"):
                render(worker)
        else:
            render(worker)
    assert worker.alive


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("raise ValueError('two\\nlines')", OutsideError, r"^ValueError: two lines \(bokehbench_adapter\.py:\d+\)$"),
        ("sys.exit('usage')", OutsideError, "SystemExit: usage"),
        (
            "return image, {'map': 'x' * (1 << 16)}",
            OutsideError,
            r"given: expected at most 65536 bytes as JSON, got 65\d+",
        ),
        ("return np.empty(1 << 62, np.uint8), {}", OutsideError, "out of memory: use smaller images"),
        ("raise RuntimeError('CUDA out of memory')", OutsideError, "out of memory: use smaller"),
        ("raise NotImplementedError('radii up to 32 px')", SkippedSceneError, "^radii up to 32 px"),
        ("return None", OutsideError, r"TypeError: render: expected \(picture, .* got NoneType"),
    ],
)
def test_an_error_is_one_line_and_the_worker_stays(start, body, error, words):
    worker = start(
        f"if seed == 0 and not os.path.exists('again'):\n    open('again', 'w')\n    {body}\nreturn image, {{}}"
    )
    with pytest.raises(error, match=words) as raised:
        render(worker)
    assert "\n" not in str(raised.value)
    assert worker.alive
    render(worker)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('last words', flush=True); os._exit(9)", "ended with status 9; last line: last words"),
        ("os.kill(os.getpid(), 9)", r"signal 9 \(SIGKILL\), most likely for want of memory"),
        ("[os.write(fd, b'rubbish\\n') for fd in range(3, 9) if os.path.exists(f'/dev/fd/{fd}')]", "got 'rubbish'"),
        ("[os.write(fd, b'x' * 70000) for fd in range(3, 9) if os.path.exists(f'/dev/fd/{fd}')]", "got 'xxx"),
    ],
)
def test_a_death_or_a_broken_answer_ends_the_worker(start, body, words):
    worker = start(body)
    with pytest.raises(OutsideError, match=words):
        render(worker)
    assert not worker.alive


def test_a_worker_that_hangs_is_stopped_with_all_that_it_started(start, make_repository, ends):
    worker = start("child = subprocess.Popen(['sleep', '60']); open('pid', 'w').write(str(child.pid)); child.wait()")
    begin = time.monotonic()
    with pytest.raises(OutsideError, match=r"no answer within 1 s: stopped"):
        render(worker, limit_s=1.0)
    assert time.monotonic() - begin < 10.0
    assert not worker.alive
    assert ends(int((make_repository("") / "pid").read_text()))


def test_what_is_missing_while_loading_says_so(make_repository):
    head = (make_repository("return image, {}") / "bokehbench_adapter.py").read_text()
    folder = make_repository("", head.replace("return folder", "import not_installed"))
    worker = Worker(Path(sys.executable), folder / "bokehbench_adapter.py", folder)
    try:
        worker.ask("hello", START_S, protocol=1)
        with pytest.raises(MissingWeightsError, match="No module named 'not_installed'"):
            worker.ask("load", START_S, device="cpu", options={})
    finally:
        worker.close()


def test_a_python_that_is_none(make_repository, tmp_path):
    folder = make_repository("")
    with pytest.raises(OutsideError, match="cannot be started"):
        Worker(tmp_path / "nothing", folder / "bokehbench_adapter.py", folder)


def test_the_worker_ends_when_the_harness_does(start):
    worker = start("return image, {}")
    worker._group.input.close()
    assert worker._group.wait(10.0)
