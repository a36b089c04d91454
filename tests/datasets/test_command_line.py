"""Users' data sets as run_bench.py meets them: its exit code and what it prints."""

import json
import os
import shutil

import pytest


@pytest.fixture(autouse=True)
def _no_data_of_the_users(monkeypatch):
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)


@pytest.fixture
def root(tmp_path, miniatures):
    """Three scenes of the user's; the one in the middle has a truncated picture."""
    for name in ("a", "b ä", "c"):
        miniatures.write_user_scene(
            tmp_path / "data" / name, miniatures.make_blurred(), focus_at=[32, 24], max_radius_px=5
        )
    picture = tmp_path / "data/b ä/image.png"
    picture.write_bytes(picture.read_bytes()[:200])
    return tmp_path / "data"


def test_check_says_what_is_damaged(root, run_bench) -> None:
    done = run_bench("--check", "folder", "--data-root", root)
    assert done.returncode == 1
    assert "2 ok, 0 missing, 1 damaged" in done.stdout
    assert "damaged b ä" in done.stdout
    assert "image.png: cannot be read" in done.stdout


def test_check_of_a_sound_data_set_ends_well(root, run_bench, monkeypatch) -> None:
    shutil.rmtree(root / "b ä")
    monkeypatch.setenv("BOKEHBENCH_DATA", str(root))
    done = run_bench("--check", "folder")
    assert done.returncode == 0
    assert "2 ok, 0 missing, 0 damaged" in done.stdout


def test_check_of_an_absent_data_set_is_one_line_and_the_next_one_follows(root, run_bench) -> None:
    done = run_bench("--check", "realbokeh,folder", "--data-root", root)
    assert done.returncode == 2
    assert "realbokeh: " in done.stderr.splitlines()[0]
    assert "python -m bokehbench.datasets.pairs.realbokeh --download" in done.stderr.splitlines()[0]
    assert "2 ok, 0 missing, 1 damaged" in done.stdout


def test_a_damaged_scene_is_a_failed_case_and_the_run_goes_on(root, tmp_path, run_bench) -> None:
    done = run_bench(
        "--datasets",
        "folder",
        "--data-root",
        root,
        "--renderers",
        "identity,classical",
        "--metrics",
        "psnr",
        "--output",
        tmp_path,
    )
    assert done.returncode == 1
    assert "4 of 6 cases ok" in done.stdout
    assert done.stderr.count("failed: identity, classical on folder/b ä: ") == 1, "said once, not once a renderer"
    assert "image.png: cannot be read" in done.stderr
    lines = (tmp_path / "results/default/rows-00000.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {row["scene"]: row for row in map(json.loads, lines)}
    assert rows["b ä"]["status"] == "failed"
    assert rows["a"]["metrics"]["psnr"] > 10.0
    page = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "reports" / "default").glob("*.html"))
    assert "image.png: cannot be read" in page


def run_identity(run_bench, root, output):
    what = ["--datasets", "folder", "--renderers", "identity", "--metrics", "psnr"]
    return run_bench(*what, "--data-root", root, "--output", output)


def test_whatever_lies_there_is_one_failed_case_and_the_others_are_rendered(root, tmp_path, run_bench) -> None:
    shutil.rmtree(root / "b ä")
    for name, settings in (("bool", "gamma: !!bool x"), ("deep", "[" * 100_000), ("esc\x1b[31m\n", "gamma: [")):
        shutil.copytree(root / "a", root / name)
        (root / name / "scene.yaml").write_text(settings)
    for name, file in (("pipe", "scene.yaml"), ("piped", "image.png")):
        shutil.copytree(root / "a", root / name)
        (root / name / file).unlink()
        os.mkfifo(root / name / file)
    shutil.copytree(root / "a", root / "caf\udce9")
    (root / "lost").symlink_to(root / "nowhere")
    (root / ".DS_Store").write_text("x")
    done = run_identity(run_bench, root, tmp_path)
    assert done.returncode == 1
    assert "3 of 9 cases ok" in done.stdout  # a, c and the one whose name is no UTF-8
    failed = {line.split(": ")[1].removeprefix("identity on ") for line in done.stderr.splitlines() if "failed" in line}
    scenes = ("bool", "deep", r"esc\x1b[31m\n", "pipe", "piped", "lost")
    assert failed == {f"folder/{name}" for name in scenes}
    checked = run_bench("--check", "folder", "--data-root", root)
    assert checked.returncode == 1
    assert "3 ok, 0 missing, " in checked.stdout or "3 ok, 1 missing, " in checked.stdout
    for output in (done.stdout, done.stderr.replace("\r", ""), checked.stdout):
        assert all(line.isprintable() for line in output.splitlines()), output
    assert all(name in checked.stdout for name in (*scenes, r"caf\udce9"))
    page = (tmp_path / "reports/default/index.html").read_text(encoding="utf-8")
    assert "it is a named pipe, not a file" in page


def test_settings_that_contradict_the_picture_are_said(root, tmp_path, run_bench) -> None:
    shutil.rmtree(root / "b ä")
    (root / "a/scene.yaml").write_text("focus_disparity: 128\nmax_radius_px: 5")
    done = run_identity(run_bench, root, tmp_path)
    assert done.returncode == 0, "it looks odd, and is rendered"
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("looks odd"))
    assert said.startswith("looks odd: folder, a: the focus 128 lies outside the map, 1 to 3, so that nothing is in")
    again = run_identity(run_bench, root, tmp_path)
    assert said in again.stderr, "nothing was loaded, and it is known all the same"
    (entry,) = json.loads((tmp_path / "results/default/run.json").read_text())["doubts"]
    assert (entry["dataset"], entry["kind"], entry["scenes"]) == ("folder", "focus outside the map", ["a"])
    assert "the focus 128 lies outside the map" in (tmp_path / "reports/default/index.html").read_text(encoding="utf-8")
    checked = run_bench("--check", "folder", "--data-root", root)
    assert "looks odd a" in checked.stdout
    assert "the focus 128 lies outside the map" in checked.stdout
    lines = {line.split("  ")[1]: line for line in checked.stdout.splitlines() if line.startswith("  blur of")}
    assert lines["blur of a"].endswith("median radius 5 px, largest 5 px")
    assert lines["blur of c"].endswith("median radius 5 px, largest 5 px")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--datasets", "eb\x1b[2Jb"], r"expected printable names, got eb\x1b[2Jb"),
        (["--datasets", "caf\udce9"], r"expected printable names, got caf\udce9"),
        (["--run", "a\nb"], r"--run 'a b'"),
        (["--nonsense\x1b[31m"], r"--nonsense\x1b[31m"),
        (["--datasets", "ebb"], "ebb: no data folder is given: put it at DIR/ebb and say --data-root DIR"),
        (["--datasets", "ebb", "--data-root", "{root}"], "no such folder: get the training pairs"),
        (["--datasets", "folder", "--data-root", "/nowhere/at/all"], "--data-root /nowhere/at/all: no such folder"),
        (["--check", "eb"], "unknown data set 'eb'. Did you mean ebb"),
        (["--check", "ebb", "--list"], "not allowed with argument"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(root, tmp_path, run_bench, arguments, message) -> None:
    output = [] if "--check" in arguments else ["--output", tmp_path]
    done = run_bench(*[argument.format(root=root) for argument in arguments], *output)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "reports").exists()
