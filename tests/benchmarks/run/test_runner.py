import errno
import json
import re
import time
from collections import Counter

import numpy as np
import pytest
import torch

from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.benchmarks.run import runner
from bokehbench.benchmarks.run.row_files import read_rows
from bokehbench.core.errors import CannotWriteError, InvalidSceneError, MissingWeightsError
from bokehbench.core.files import read_image

from .stand_ins import SCENES, Counting, MeanDifference


class Undefined(Metric):
    name = "undefined"
    higher_is_better = True
    description = "for tests"

    def score(self, prediction, scene):
        return None


def test_rows_carry_picture_scores_and_cost(bench):
    calls = Counter()
    rows = bench(Counting("dim", calls, weights="w1"))
    assert calls == {"prepare": 1, **dict.fromkeys(SCENES, 1)}
    for row in rows:
        assert row["status"] == "ok"
        assert row["reason"] is None
        assert row["weights"] == "w1"
        assert row["seconds"] > 0
        assert (bench.folder / row["image"]).resolve().is_relative_to(bench.folder)
    image = read_image(bench.folder / rows[0]["image"])
    target = read_image(bench.folder / "scenes" / "scenes" / "one" / "target.png")
    assert rows[0]["metrics"]["mean-difference"] == pytest.approx(float((image - target).abs().mean()), abs=1e-7)


def test_what_a_renderer_guesses_is_held_against_the_truth(bench):
    guessing = Counting("guessing", Counter())
    guessing.guess_radius_px = lambda image: torch.zeros_like(image[:1])
    rows = bench(guessing)
    assert all(0.0 < row["guess"]["in_focus_iou"] < 1.0 for row in rows)
    assert rows[0]["guess"]["rank_correlation"] is None
    assert all(row["guess"] is None for row in bench(Counting("dim", Counter())))


def test_scenes_are_recorded_once_with_their_true_names(bench):
    bench(Counting("dim", Counter()))
    recorded = [json.loads(path.read_text()) for path in bench.folder.glob("scenes/*/*/scene.json")]
    assert {record["scene"] for record in recorded} == set(SCENES)
    assert all(record["edges"] for record in recorded), "the two planes meet in a depth edge"


def test_finished_cases_are_never_rendered_again(bench):
    calls = Counter()
    first = bench(Counting("dim", calls))
    assert bench(Counting("dim", calls)) == first
    assert calls["prepare"] == 1


def test_changed_code_makes_other_cases(bench):
    calls = Counter()
    first = bench(Counting("dim", calls), code="1")
    second = bench(Counting("dim", calls), code="2")
    assert all(calls[name] == 2 for name in SCENES)
    assert bench(Counting("dim", calls), code="1") == first, "the old rows stay, for the code that made them"
    assert {row["code"]["renderer"] for row in second} == {"2"}


def test_changed_metrics_score_the_stored_pictures_again(bench):
    class Tenfold(MeanDifference):
        def score(self, prediction, scene):
            return 10 * super().score(prediction, scene)

    calls = Counter()
    metrics = (MeanDifference(), Undefined())
    first = bench(Counting("dim", calls), metrics=metrics, metric_codes={"mean-difference": "1", "undefined": "1"})
    codes = {"mean-difference": "2", "undefined": "1"}
    again = bench(Counting("dim", calls), metrics=(Tenfold(), Undefined()), metric_codes=codes)
    assert calls["prepare"] == 1
    for old, new in zip(first, again, strict=True):
        assert new["metrics"]["mean-difference"] == pytest.approx(10 * old["metrics"]["mean-difference"])
        assert new["scored_by"] == codes
        assert new["time"] == old["time"]


def test_a_score_of_other_code_does_not_outlive_a_failure(bench):
    """The picture cannot be scored again while its scene is damaged; the score that stands there is of other code."""
    calls = Counter()
    bench(Counting("dim", calls), metric_codes={"mean-difference": "1"})
    rows = bench(Counting("dim", calls), metric_codes={"mean-difference": "2"}, damaged="two")
    assert [list(row["metrics"]) for row in rows] == [["mean-difference"], [], ["mean-difference"]]
    assert rows[1]["notes"]["mean-difference"] == "failed: scene 'two': torn"
    rows = bench(Counting("dim", calls), metric_codes={"mean-difference": "2"})
    assert rows[1]["metrics"]["mean-difference"] > 0
    assert calls["two"] == 1


@pytest.mark.parametrize("stop_at", range(3))
def test_interrupted_run_goes_on(bench, stop_at):
    calls = Counter()

    def interrupt(scene):
        if scene.name == SCENES[stop_at]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(Counting("dim", calls, interrupt))
    assert len(read_rows(bench.folder)) == stop_at
    rows = bench(Counting("dim", calls))
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert all(calls[name] == 1 for name in SCENES)


def test_lost_or_damaged_picture_is_rendered_again(bench):
    calls = Counter()
    rows = bench(Counting("dim", calls))
    (bench.folder / rows[0]["image"]).unlink()
    (bench.folder / rows[1]["image"]).write_bytes(b"torn")
    again = bench(Counting("dim", calls))
    assert [calls[name] for name in SCENES] == [2, 2, 1]
    assert [r["image_sha256"] for r in again] == [r["image_sha256"] for r in rows]


def test_retrained_weights_are_other_cases(bench):
    calls = Counter()
    bench(Counting("dim", calls, weights="old"))
    bench(Counting("dim", calls, weights="new"))
    assert all(calls[name] == 2 for name in SCENES)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad\nluck"), "ValueError: bad luck"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory on cpu"),
        (MemoryError(), "out of memory on cpu"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory on cpu: use smaller"),
        (InvalidSceneError("one line"), "one line"),
    ],
)
def test_failure_is_a_row_and_the_run_goes_on(bench, error, reason):
    def fail(scene):
        if scene.name == "two":
            raise error

    rows = bench(Counting("dim", Counter(), fail), Counting("other", Counter()))
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok", "ok", "ok"]
    assert rows[1]["reason"].startswith(reason)
    assert "\n" not in rows[1]["reason"]


def test_failed_case_is_tried_again(bench):
    calls = Counter()

    def fail(scene):
        raise ValueError

    bench(Counting("dim", calls, fail))
    assert [row["status"] for row in bench(Counting("dim", calls))] == ["ok"] * 3


def test_damaged_scene_fails_for_every_renderer_and_nothing_else(bench):
    rows = bench(Counting("dim", Counter()), Counting("other", Counter()), damaged="two")
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"] * 2


@pytest.mark.parametrize(("error", "status"), [(MissingWeightsError("get them"), "skipped"), (OSError("x"), "failed")])
def test_renderer_that_cannot_be_prepared(bench, error, status):
    class Unready(Counting):
        def _load(self):
            raise error

    rows = bench(Unready("unready", Counter()), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == [status] * 3 + ["ok"] * 3
    assert len({row["key"] for row in rows}) == 6
    assert all(str(error) in row["reason"] for row in rows[:3])


def test_new_metric_scores_the_pictures_that_exist(bench):
    calls = Counter()
    bench(Counting("dim", calls), metrics=())
    rows = bench(Counting("dim", calls), metrics=(MeanDifference(), Undefined()))
    assert calls["prepare"] == 1
    assert all(row["metrics"]["mean-difference"] > 0 and row["metrics"]["undefined"] is None for row in rows)
    assert all("not defined" in row["notes"]["undefined"] for row in rows)
    lines = len((bench.folder / "rows-00000.jsonl").read_text().splitlines())
    bench(Counting("dim", calls), metrics=(MeanDifference(), Undefined()))
    assert len((bench.folder / "rows-00000.jsonl").read_text().splitlines()) == lines


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (RuntimeError("no"), r"failed: RuntimeError: no \(test_runner\.py, line \d+\)"),
        (float("nan"), "failed: gave nan"),
        (float("inf"), "failed: gave inf"),
    ],
)
def test_metric_that_fails_is_named_keeps_the_picture_and_is_tried_again(bench, answer, note):
    class Unlucky(MeanDifference):
        name = "unlucky"

        def score(self, prediction, scene):
            if isinstance(answer, Exception):
                raise answer
            return answer

    class Lucky(Unlucky):
        def score(self, prediction, scene):
            return np.float32(0.5)

    calls = Counter()
    for row in bench(Counting("dim", calls), metrics=(MeanDifference(), Unlucky())):
        assert row["status"] == "ok"
        assert row["metrics"]["mean-difference"] > 0
        assert row["metrics"]["unlucky"] is None
        assert re.fullmatch(note, row["notes"]["unlucky"])
    for row in bench(Counting("dim", calls), metrics=(MeanDifference(), Lucky())):
        assert row["metrics"]["unlucky"] == 0.5
        assert row["notes"] == {}
    assert all(calls[name] == 1 for name in SCENES)


def test_damaged_scene_record_is_written_again(bench):
    rows = bench(Counting("dim", Counter()))
    record = bench.folder / "scenes" / "scenes" / "one" / "scene.json"
    record.write_text("{")
    assert bench(Counting("dim", Counter())) == rows
    assert json.loads(record.read_text())["scene"] == "one"


def test_scenes_without_target_are_rendered_not_scored(bench):
    rows = bench(Counting("dim", Counter()), scored=False)
    assert all(row["status"] == "ok" and row["metrics"] == {} for row in rows)


def test_only_the_rendering_is_timed(bench):
    """Accepting the scene and checking the picture take 0.1 s here, and cost the row nothing."""

    class Slow(Counting):
        def accept(self, scene):
            time.sleep(0.1)
            return super().accept(scene)

        def check(self, output, scene):
            time.sleep(0.1)
            return super().check(output, scene)

    assert min(row["seconds"] for row in bench(Slow("slow", Counter()))) < 0.1


def test_picture_that_cannot_be_written_fails_its_case_only(bench, monkeypatch):
    write = runner.write_image

    def fail_once(path, image):
        if "two" in path.parts:
            raise OSError("disk full")
        return write(path, image)

    monkeypatch.setattr(runner, "write_image", fail_once)
    rows = bench(Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"]
    assert "disk full" in rows[1]["reason"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_full_disk_ends_the_run_and_keeps_what_is_finished(bench, monkeypatch, wrapped):
    write = runner.write_image
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail_once(path, image):
        if "two" in path.parts:
            raise CannotWriteError(path, full) if wrapped else full
        return write(path, image)

    calls = Counter()
    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_image", fail_once)
        with pytest.raises(CannotWriteError, match="the disk is full"):
            bench(Counting("dim", calls))
    assert [row["status"] for row in read_rows(bench.folder).values()] == ["ok"], "no case is called failed"
    assert [row["status"] for row in bench(Counting("dim", calls))] == ["ok"] * 3
    assert calls["one"] == 1


def test_code_that_ends_the_program_is_its_own_cases_failure(bench):
    def leave(scene):
        raise SystemExit(3)

    rows = bench(Counting("leaving", Counter(), leave), Counting("dim", Counter()))
    assert {(row["renderer"], row["status"]) for row in rows} == {("leaving", "failed"), ("dim", "ok")}
    assert re.fullmatch(r"SystemExit: 3 \(test_runner\.py, line \d+\)", rows[0]["reason"])
