"""What a renderer is given of a scene: inputs, skips, scale, perturbed disparity."""

import json
import math
from collections import Counter
from dataclasses import replace

import pytest
import torch

from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.runner import Runner
from bokehbench.benchmarks.run.scene_record import collect_doubts
from bokehbench.core.files import read_image
from bokehbench.renderers.interface import PICTURE_ONLY, Capabilities

from .stand_ins import MEAN_DIFFERENCE, SCENES, Counting, Scenes


class Choosy(Counting):
    """Skips one scene."""

    def skip(self, scene):
        self.calls[f"asked about {scene.name}"] += 1
        return super().skip(scene) or ("two is\ntoo much" if scene.name == "two" else None)


def test_skipped_scene_is_a_row_with_the_reason_and_no_score(bench):
    calls = Counter()
    rows = bench(Choosy("choosy", calls))
    assert [row["status"] for row in rows] == ["ok", "skipped", "ok"]
    assert (rows[1]["reason"], rows[1]["metrics"], rows[1]["image"]) == ("two is too much", {}, None)
    assert calls["two"] == 0
    asked = [calls[f"asked about {name}"] for name in SCENES]
    assert asked == [2, 1, 1], "once a case, and once before the renderer is loaded"


def test_skipped_scenes_are_asked_about_again_without_loading_the_renderer(bench):
    calls = Counter()
    first = bench(Choosy("choosy", calls))
    lines = (bench.folder / "rows-00000.jsonl").read_text()
    assert bench(Choosy("choosy", calls)) == first
    assert (bench.folder / "rows-00000.jsonl").read_text() == lines, "the row is there already"
    assert calls["prepare"] == 1
    assert [row["status"] for row in bench(Counting("choosy", calls))] == ["ok"] * 3, "it does not skip any more"
    assert calls["two"] == 1


def test_scene_without_a_needed_input_is_skipped(bench):
    class Needy(Counting):
        capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}))

    calls = Counter()
    rows = bench(Needy("needy", calls))
    assert {(row["status"], row["reason"]) for row in rows} == {
        ("skipped", "needs the f-number, which the scene does not give")
    }
    assert calls == {}, "nothing was loaded"


def test_reading_what_was_not_asked_for_fails_the_case(bench):
    class Peeking(Counting):
        capabilities = Capabilities(inputs=PICTURE_ONLY)

        def _render(self, scene, seed):
            return scene.image * float(scene.disparity.max())

    rows = bench(Peeking("peeking", Counter()))
    assert all(row["status"] == "failed" and "disparity was read" in row["reason"] for row in rows)


class Doubling(Counting):
    """Repeats every pixel: a renderer whose output is twice as large as its input."""

    capabilities = Capabilities(inputs=PICTURE_ONLY, scale=2)

    def _render(self, scene, seed):
        return 0.9 * scene.image.repeat_interleave(2, 1).repeat_interleave(2, 2)


class Halves(Scenes):
    """Scenes whose target is twice as large as their image."""

    def load(self, scene_name):
        whole = super().load(scene_name)
        target = whole.image.repeat_interleave(2, 1).repeat_interleave(2, 2)
        return replace(whole, target=target, scale=2)


def test_output_larger_than_the_input_is_scored_at_the_targets_size(tmp_path, make_scene):
    renderers = {"double": Doubling("double", Counter()), "same": Counting("same", Counter())}
    cases = expand_cases(
        [PlannedRenderer(name=name) for name in renderers],
        [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))],
    )
    metrics = [load_metric(name) for name in ("psnr", "psnr-focus", "psnr-edge")]
    rows = Runner(tmp_path, {"scenes": Halves(make_scene)}, metrics, renderers.__getitem__, "here").run(cases)
    assert [row["status"] for row in rows] == ["ok"] * 3 + ["skipped"] * 3
    assert rows[3]["reason"] == "renders at 1x the input's size, the scene asks for 2x"
    stored, target, shown = (
        read_image(tmp_path / path)
        for path in (rows[0]["image"], "scenes/scenes/one/target.png", "scenes/scenes/one/input.png")
    )
    assert stored.shape == target.shape == shown.shape == (3, 48, 64)
    error = (stored - target).square().mean(dim=0)
    square = torch.zeros(48, 64, dtype=torch.bool)
    square[12:-12, 16:-16] = True  # what is in focus, twice as large
    assert rows[0]["metrics"]["psnr"] == pytest.approx(-10 * math.log10(error.mean()), abs=1e-3)
    assert rows[0]["metrics"]["psnr-focus"] == pytest.approx(-10 * math.log10(error[square].mean()), abs=0.2)
    record = json.loads((tmp_path / "scenes" / "scenes" / "one" / "scene.json").read_text())
    assert (record["height"], record["width"], record["scale"]) == (48, 64, 2)
    assert record["max_radius_px"] == pytest.approx(2 * 6.0 * 0.6)


def test_perturbed_case_is_rendered_perturbed_and_scored_against_the_truth(tmp_path, make_scene):
    def flatten(scene, case):
        return replace(scene, disparity=scene.disparity * 0 + case.severity)

    seen = []

    class Looking(Counting):
        def _render(self, scene, seed):
            seen.append(float(scene.disparity.mean()))
            return scene.image * 0.9

    cases = expand_cases(
        [PlannedRenderer(name="look")],
        [PlannedDataset(name="scenes", scenes={SCENES[0]: ""})],
        [("flat", 0), ("flat", 0.5)],
    )
    sweeper = Runner(
        tmp_path,
        {"scenes": Scenes(make_scene)},
        MEAN_DIFFERENCE,
        lambda name: Looking(name, Counter()),
        "here",
        flatten,
    )
    plain, perturbed = sweeper.run(cases)
    assert seen[1] == 0.5 != seen[0]
    assert plain["disparity"] is None
    assert (tmp_path / perturbed["disparity"]).is_file()
    assert plain["metrics"] == perturbed["metrics"]


def test_a_sweep_loads_a_scene_once(tmp_path, make_scene):
    loads = Counter()

    class Watched(Scenes):
        def load(self, scene_name):
            loads[scene_name] += 1
            return super().load(scene_name)

    cases = expand_cases(
        [PlannedRenderer(name="dim")],
        [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))],
        [("flat", s) for s in range(3)],
    )
    sweeper = Runner(
        tmp_path,
        {"scenes": Watched(make_scene)},
        MEAN_DIFFERENCE,
        lambda name: Counting(name, Counter()),
        "here",
        lambda scene, case: scene,
    )
    assert len(sweeper.run(cases)) == 9
    assert loads == dict.fromkeys(SCENES, 1)


def test_a_lost_record_of_a_scene_that_is_damaged_by_now_costs_nothing(bench, caplog):
    calls = Counter()
    first = bench(Counting("dim", calls))
    (bench.folder / "scenes/scenes/two/scene.json").unlink()
    assert bench(Counting("dim", calls), damaged="two") == first
    assert "scenes / two: the gallery lacks its pictures: scene 'two': torn" in caplog.text
    assert calls["one"] == calls["two"] == 1


def test_what_looks_odd_is_kept_with_the_scene_and_collected_by_kind(tmp_path, make_scene):
    class Odd(Scenes):
        def load(self, scene_name):
            return replace(super().load(scene_name), focus_disparity=9.0 if scene_name != "one" else 0.8)

    cases = expand_cases(
        [PlannedRenderer(name="dim")], [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))]
    )
    bench = Runner(
        tmp_path, {"scenes": Odd(make_scene)}, MEAN_DIFFERENCE, lambda name: Counting(name, Counter()), "here"
    )
    assert [row["status"] for row in bench.run(cases)] == ["ok"] * 3
    found = collect_doubts(tmp_path, [("scenes", scene) for scene in SCENES])
    focus = next(entry for entry in found if entry["kind"] == "focus outside the map")
    assert (focus["dataset"], focus["scenes"]) == ("scenes", list(SCENES[1:]))
    assert focus["example"].startswith("the focus 9 lies outside the map, 0.2 to 0.8")
