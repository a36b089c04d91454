"""Every command of README.md, CONTRIBUTING.md and README's own pages in docs runs; what takes long is made smaller.

They run in the environment that the texts name, the README's first, which holds nothing that only development needs:
``.ci/run`` makes it. Elsewhere they are skipped unless BOKEHBENCH_COMMANDS is set. As many run at a time as there are
cores. The commands of all other texts name programs and options that exist.
"""

import functools
import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARK = "--benchmark-max-time=0.01 --benchmark-min-rounds=1 --benchmark-warmup=off -p no:cacheprovider -k"
ONE_PICTURE = "--renderers identity --limit 1 --metrics psnr"


@dataclass(frozen=True)
class Example:
    """How a command of a text is run: ``smaller`` is added to it, ``before`` are the commands that it builds on.

    Where the right answer is a refusal, since what it needs is not here, ``code`` is another than 0. ``says`` is part
    of what it prints.
    """

    smaller: str = ""
    before: tuple[str, ...] = ()
    code: int = 0
    says: str = ""


SHOWN = "python run_bench.py --datasets synbokeh-mini --renderers identity,classical --limit 1 --metrics psnr"
PICTURED = "classical,classical-occlusion,bokehme,bokehdiff,bokehdiff-plus"
RESULT = (
    "python run_bench.py --datasets synbokeh-mini --weights FOLDER --renderers "
    "identity,classical,classical-occlusion,bokehdiff,bokehdiff-vanilla,bokehdiff-plus,bokehme"
)
NIGHT = "python run_bench.py --run night --output DIR"
NIGHT_OUT = "python run_bench.py --run night --export DIR/night.zip"
NO_EBB = Example(code=2, says="get the training pairs of the EBB! data set")
RUNS = {
    "python run_bench.py --renderers identity,classical --datasets synbokeh-mini --limit 3": Example(),
    "python run_bench.py --metrics psnr,ssim,lpips-alex --weights FOLDER": Example(
        "--renderers identity --limit 1", code=1, says="metric lpips-alex is left out"
    ),
    "python run_bench.py --renderers bokehdiff,classical": Example("--datasets synbokeh-mini --limit 1 --metrics psnr"),
    "python run_bench.py --robustness": Example("--limit 1 --severities=-2,2 --metrics psnr"),
    "python run_bench.py --robustness --perturbations zoom": Example(
        "--renderers identity,classical --datasets synbokeh-mini --limit 1 --severities 4 --metrics psnr"
    ),
    "python run_bench.py --latency": Example("--sizes 64 --radii 4 --renderers identity,classical"),
    "python run_bench.py --compare before after": Example(
        before=tuple(f"python run_bench.py --run {name} {ONE_PICTURE}" for name in ("before", "after"))
    ),
    "python run_bench.py --check ebb --data-root DIR": NO_EBB,
    "python -m bokehbench.reports.paper default --output DIR/paper": Example(
        "--from DIR", before=(SHOWN,), says="crops.pdf"
    ),
    f"python -m bokehbench.reports.paper default --renderers {PICTURED} --output docs/images": Example(
        "--from DIR --output DIR/images", before=(f"{RESULT} --limit 1",), says="crops.png"
    ),
    "python run_bench.py --import DIR/night.zip": Example(
        before=(f"{NIGHT} {ONE_PICTURE}", NIGHT_OUT), says="imported-night"
    ),
    "bokehbench blur --example -o out.png": Example("--output DIR/out.png", says="focus on the nearest subject"),
    "python run_bench.py --list": Example(says="synbokeh-mini"),
    "python -m pytest benchmarks/kernels/bench_peers.py --benchmark-only -s": Example(
        f"{BENCHMARK} planes-8.0",
        says="11 deselected",  # passed with GEGL, skipped without
    ),
    "python -m pytest benchmarks/kernels/bench_classical_scatter.py --benchmark-only": Example(
        f"{BENCHMARK} loops[4]", says="1 passed"
    ),
    "python -m pytest benchmarks/kernels/bench_classical_occlusion.py --benchmark-only -s": Example(
        f"{BENCHMARK} time[512", says="1 passed"
    ),
    "python -m pytest benchmarks/kernels/bench_pisa.py --benchmark-only -s": Example(
        f"{BENCHMARK} pisa[32-2", says="1 passed"
    ),
    "python -m bokehbench.benchmarks.gpu": Example(
        "--without-device --only offsets/ramp --output DIR/gpu.json", says="1 of 1 steps ok"
    ),
    "python -m bokehbench.datasets.synthetic.synbokeh_mini": Example(says="16 scenes agree"),
    "python -m bokehbench.datasets.pathtraced --output DIR/pathtraced": (
        Example("--scenes 1 --width 8 --height 6 --samples 1 --radii 2")
        if importlib.util.find_spec("mitsuba")
        else Example(code=2, says="pip install -c constraints.txt -e '.[pathtraced]'")
    ),
    "python -m bokehbench.datasets.pairs.realbokeh --download --data-root DIR": Example(code=2, says="RealBokeh_3MP"),
    "python -m bokehbench.datasets.pairs.estimate_disparity ebb --data-root DIR": NO_EBB,
    "python -m bokehbench.datasets.pairs.ebb400 --data-root DIR": Example(code=2, says="get EBB400"),
    "python -m bokehbench.benchmarks.fit_blur_strength ebb --data-root DIR": NO_EBB,
}
ELSEWHERE = {
    RESULT: "above, before the picture of its renders",
    NIGHT: "above, before the import",
    NIGHT_OUT: "above, before the import",
    "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . && .venv/bin/python run_bench.py": (
        ".ci/run"
    ),
    "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e '.[dev]' && "
    ".venv/bin/python -m pytest -n logical --dist worksteal": ".ci/run",
    "pip install -c constraints.txt -e '.[pathtraced]'": "as the others, with another extra",
    "python3 -m venv .venv && . .venv/bin/activate": ".ci/run, in other words",
    "pip install -c constraints.txt -e '.[dev]'": ".ci/run",
    "pytest -n logical --dist worksteal": ".ci/run",
    "make check": "its three commands are those of .ci/run",
    "make findings": "outside CI: it installs other software",
    "python -m accelerate.commands.launch --multi_gpu --num_processes 2 run_bench.py": "tests/test_processes.py",
    "python -m tests.fuzz --count 2000": "tests/test_fuzz.py, with fewer",
    "python -m tests.fuzz --kills 100": "outside CI, by hand",
    "pip install -e .": "tests/test_contributing.py",
    "bokehbench blur photo.jpg --disparity map.png --focus 0.4,0.6 --radius 24 -o out.png": (
        "tests/photograph/test_command.py"
    ),
    "python run_bench.py --renderers outside@FOLDER": "tests/renderers/outside/test_renderer.py",
    "python run_bench.py --renderers identity,classical,box-blur --datasets stripes --metrics psnr,mean-difference": (
        "tests/test_contributing.py"
    ),
}
"""Where commands are run that are not run here."""


def commands_of(name: str) -> Iterator[str]:
    """Yield the lines of every shell block, indented commands, and those inside sentences."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        yield from (line.split("  #")[0].strip() for line in block.splitlines())
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r"^    (python .*)$", prose, re.MULTILINE)
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]*)`", prose))
    yield from (span for span in spans if re.match(r"(python3? |pip install .|accelerate |make .|pytest -)", span))


TEXTS = ("README.md", "CONTRIBUTING.md", "docs/usage.md", "docs/catalogue.md", "docs/results.md", "docs/tour.md")
"""The texts whose commands are run."""


def test_every_command_is_run_somewhere():
    stated = {command for name in TEXTS for command in commands_of(name)}
    assert stated == RUNS.keys() | ELSEWHERE.keys()


OFFLINE = {"HF_HUB_OFFLINE": "1", "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
NO_WEIGHTS = {"BOKEHBENCH_WEIGHTS": "", "TORCH_HOME": os.devnull}
"""Whatever this machine has fetched before."""


def start(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository, DIR and FOLDER being ``folder``; nothing can be fetched, nor was before."""
    command = re.sub("^bokehbench ", "python -m bokehbench.photograph.command ", command)
    arguments = shlex.split(command.replace("python ", f"{shlex.quote(sys.executable)} ", 1))
    arguments = [re.sub(r"^(DIR|FOLDER)\b", str(folder), argument) for argument in arguments]
    if "run_bench.py" in arguments and not {"--output", "--check", "--list"} & {*arguments}:
        arguments += ["--output", str(folder)]
    variables = {"OMP_NUM_THREADS": "1"} | os.environ | OFFLINE | NO_WEIGHTS
    return subprocess.run(arguments, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=300)


def run_example(command: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run what a command builds on and the command, made smaller; the first that fails is the last. With seconds."""
    begin = time.monotonic()
    for first in RUNS[command].before:
        done = start(first, folder)
        if done.returncode:
            break
    else:
        done = start(f"{command} {RUNS[command].smaller}", folder)
    return done, time.monotonic() - begin


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory) -> Iterator[dict[str, Future]]:
    """The chosen commands as they run, each in an empty folder; one thread and one core each."""
    items = [item for item in request.session.items if getattr(item, "originalname", "") == "test_command_runs"]
    chosen = [item.callspec.params["command"] for item in items]
    chosen.sort(key=lambda command: -len(RUNS[command].before))  # the longest first, so that no core waits for it
    pool = ThreadPoolExecutor(os.cpu_count())
    yield {command: pool.submit(run_example, command, tmp_path_factory.mktemp("command")) for command in chosen}
    pool.shutdown(cancel_futures=True)


@pytest.mark.skipif(
    importlib.util.find_spec("xdist") is not None and "BOKEHBENCH_COMMANDS" not in os.environ,
    reason="run by .ci/run where nothing for development is installed, and here with BOKEHBENCH_COMMANDS=1",
)
@pytest.mark.parametrize("command", RUNS)
def test_command_runs(command, runs, capsys):
    example, (done, seconds) = RUNS[command], runs[command].result()
    with capsys.disabled():
        print(f" {seconds:.0f} s: {command}")
    assert done.returncode == example.code, f"{shlex.join(done.args)}\n{done.stdout}{done.stderr}"
    assert example.says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


OTHER_TEXTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("docs", "benchmarks/recorded", "renderers/bokehdiff/weights")
    for path in (ROOT / folder).glob("*.md")
)


@pytest.fixture
def help_of(monkeypatch, capsys):
    """The text of ``--help`` of a script, or of a module after ``-m``."""

    @functools.cache
    def ask(program: str) -> str:
        monkeypatch.setattr(sys, "argv", [program, "--help"])
        capsys.readouterr()
        module = program.removeprefix("-m ")
        run = partial(runpy.run_path, str(ROOT / program)) if module == program else partial(runpy.run_module, module)
        with pytest.raises(SystemExit, match="0"):
            run(run_name="__main__")
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_programs_and_options_of_other_texts_exist(text, help_of):
    for command in commands_of(text):
        found = re.match(
            r"(?:accelerate launch .*?|python )((?:-m )?(?:bokehbench\.[\w.]+|run_bench\.py))(.*)", command
        )
        if found:
            unknown = set(re.findall(r"--[a-z-]+", found[2])) - set(re.findall(r"--[a-z-]+", help_of(found[1])))
            assert not unknown, command
        for file in re.findall(r"pytest (\S+\.py)", command):
            assert (ROOT / file).is_file(), command


def test_tour_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    exec(compile(code, "docs/tour.md", "exec"), {"__name__": "tour"})  # noqa: S102 - our own page
    assert "classical-occlusion  psnr " in capsys.readouterr().out
    assert (tmp_path / "tour.png").stat().st_size > 10_000
