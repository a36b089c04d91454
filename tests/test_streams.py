"""Commands whose standard streams are closed, full or narrow: they say what they can."""

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = [
    "run_bench.py --list",
    "run_bench.py --version",
    "-m bokehbench.training --help",
]
RUN = "run_bench.py --renderers identity --datasets folder --metrics psnr --data-root data --output out"


def shell(line, folder=ROOT, **environment):
    """Run a line of bash, in which PY is Python; no traceback may be said."""
    line = line.replace("run_bench.py", str(ROOT / "run_bench.py")).replace("PY", sys.executable)
    variables = {"PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run(
        ["bash", "-c", line],  # noqa: S607
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.fixture
def folder(tmp_path, make_scene):
    """A folder with one scene in ``data``."""
    from bokehbench.core.files import write_image

    scene = make_scene()
    place = tmp_path / "data" / "Söene\x1b[1m"
    for name in ("image", "target"):
        write_image(place / f"{name}.png", scene.image)
    write_image(place / "disparity.png", scene.disparity.repeat(3, 1, 1))
    (place / "scene.yaml").write_text("focus_disparity: 0.8\nblur_strength: 6\n")
    return tmp_path


def test_what_closes_a_stream_of_a_command_takes_it_from_nobody():
    words = "sys.stdout.close(); sys.stdout.buffer.close(); sys.stderr.close()\nwith sys.stdout: print('kept')"
    program = f"import sys; from bokehbench.core.streams import prepare_streams; prepare_streams()\n{words}"
    done = shell(f"PY -c {shlex.quote(program + '; print(1, file=sys.stderr)')} && echo ended")
    assert (done.stdout, done.stderr) == ("kept\nended\n", "1\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_nobody_takes(command):
    full = shell(f"PY {command} > /dev/full")
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1
    assert "cannot write to the standard output (No space left on device)" in full.stderr
    gone = shell(f"PY {command} | head -c 1; exit ${{PIPESTATUS[0]}}", PYTHONUNBUFFERED="1")
    assert gone.returncode in (0, 1)
    assert gone.stderr == ""
    assert shell(f"PY {command} >&- 2>&- <&-", PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize("streams", ["2>&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_a_run_needs_no_stream(folder, streams):
    done = shell(f"PY {RUN} {streams}", folder)
    assert done.returncode == 0, done.stderr
    rows = (folder / "out/results/default/rows-00000.jsonl").read_text()
    assert rows.count("\n") == 1
    assert rows.startswith('{"schema"'), "nothing that was said went into it"
    assert (folder / "out/reports/index.html").exists()


def test_a_mistake_is_no_result_where_stderr_is_closed():
    done = shell("PY run_bench.py --renderers clasical 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.fixture
def run_ascii(run_bench_main, monkeypatch, capfd):
    """run_bench.py in this process, its streams as the interpreter opens them for ASCII: exit code, what is said."""

    def run(*arguments):
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "ascii", write_through=True)
            monkeypatch.setattr(sys, name, stream)
            monkeypatch.setattr(sys, f"__{name}__", stream)
        code = run_bench_main(list(arguments))
        return code, "".join(capfd.readouterr())

    return run


def test_runs_in_ascii_are_compared_and_names_command_no_terminal(folder, run_ascii, monkeypatch):
    unsaid = shell(f"PY {RUN} > /dev/full", folder, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert unsaid.returncode == 2
    assert "cannot write to the standard output" in unsaid.stderr
    assert (folder / "out/reports/index.html").exists(), "a run that cannot say its result has one"
    monkeypatch.chdir(folder)
    code, said = run_ascii("--compare", "default", "default", "--output", "out")
    assert code == 0, said
    assert "\x1b[1m" not in said
    (folder / "data/Söene\x1b[1m/image.png").write_bytes(b"")
    for options in (["--check", "folder", "--data-root", "data"], RUN.split()[1:]):
        code, said = run_ascii(*options)
        assert code == 1, said
        assert "S\\xf6ene\\x1b[1m" in said
        assert "\x1b[1m" not in said


def test_a_full_disk_ends_the_run_in_one_line_and_the_same_command_goes_on(folder, run_bench, monkeypatch):
    full = shell(f"ulimit -f 1; PY {RUN}", folder)
    assert full.returncode == 2
    assert full.stderr.count("run_bench.py: ") == 1
    assert "write elsewhere with --output, then give the same command: what is finished is kept" in full.stderr
    left = [path.name for path in (folder / "out").rglob(".*") if path.name != ".lock"]
    assert left == []
    monkeypatch.chdir(folder)
    assert run_bench(*RUN.split()[1:]).returncode == 0
