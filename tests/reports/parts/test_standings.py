"""Whose rows count beside whose: the first run, measured here, says what is compared."""

import pytest

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.reports.parts.standings import merge_runs, scored_datasets

from ...stored_records import ORIGIN

PLACES = 4


@pytest.fixture
def make(run_writer, tmp_path):
    """Stores a run of one name with renderers, their score above 30 dB, and what ``values`` say of every row."""

    def make(name, renderers, count=PLACES, imported=None, scored_by=None, **values):
        writer = run_writer(list(renderers))
        writer.folder = tmp_path / "results" / name
        for number in range(count):
            writer.scene("pairs", f"s{number}", cluster=f"{name} place")
            for renderer, bonus in renderers.items():
                writer.case("pairs", f"s{number}", renderer, {"psnr": 30.0 + number + bonus, "lpips": 0.1}, **values)
        writer.meta |= scored_by or {}
        if imported is not None:
            writer.meta["imported"] = ORIGIN | {"file": f"{name}.zip", "run": name, "data": {"pairs": imported}}
        return writer.open()

    return make


SAME = {"state": "same", "note": ""}


def labels(merged):
    return [entry.label for entry in merged.entries]


def test_lines_of_several_runs_stand_side_by_side_and_say_whose_they_are(make):
    theirs = make("theirs", {"plain": 0, "new": 1}, imported=SAME)
    mine = make("mine", {"plain": 0, "fancy": 2})
    assert scored_datasets([theirs, mine]) == ["pairs"]
    merged = merge_runs("pairs", [theirs, mine])
    assert labels(merged) == ["plain (mine)", "fancy", "plain (theirs)", "new"]
    assert {row["renderer"] for row in merged.rows} == set(labels(merged))
    assert len(merged.rows) == 4 * PLACES
    assert set(merged.clusters.values()) == {"mine place"}, "what was measured here says which scenes are independent"
    assert list(merged.metrics) == ["psnr"]
    assert merged.notes == []


def test_no_name_from_elsewhere_is_taken_for_one_of_ours(make):
    theirs = make("theirs", {"plain": 0, "plain (mine)": 9}, imported=SAME)
    assert labels(merge_runs("pairs", [theirs, make("mine", {"plain": 0})])) == [
        "plain (mine)", "plain (theirs)", "plain (mine) (theirs)"
    ]  # fmt: skip


def test_the_same_pictures_are_one_line(make):
    first, again = make("first", {"plain": 0, "fancy": 1}), make("again", {"plain": 0})
    assert labels(merge_runs("pairs", [first, again])) == ["plain", "fancy"]


def test_rows_on_other_data_are_left_out(make):
    mine, theirs = make("mine", {"plain": 0}, data="ours"), make("theirs", {"new": 1}, imported=SAME, data="others")
    merged = merge_runs("pairs", [mine, theirs])
    assert labels(merged) == ["plain"]
    assert merged.notes == [
        "Run theirs: 4 cases are left out, as they are not comparable: other data of s0 and 3 more."
    ]


def test_a_case_that_failed_says_nothing_of_the_data(make):
    mine, theirs = make("mine", {"plain": 0}, data=""), make("theirs", {"new": 1}, imported=SAME, data="others")
    for row in mine.rows:
        row |= {"status": "failed", "metrics": {}}
    assert labels(merge_runs("pairs", [mine, theirs])) == ["plain", "new"]


@pytest.mark.parametrize(
    ("state", "shown", "said"),
    [
        ("other", ["plain"], "Run theirs is left out, as it is not comparable: other data."),
        ("unknown", ["plain", "new"], "Run theirs: other data."),
    ],
)
def test_what_the_import_found_is_said(make, state, shown, said):
    check = {"state": state, "note": "other data"}
    merged = merge_runs("pairs", [make("mine", {"plain": 0}), make("theirs", {"new": 1}, imported=check)])
    assert (labels(merged), merged.notes) == (shown, [said])


def test_a_run_of_fewer_scenes_costs_the_others_none(make):
    merged = merge_runs("pairs", [make("mine", {"plain": 0}), make("few", {"new": 1}, count=2, imported=SAME)])
    assert labels(merged) == ["plain"]
    assert merged.notes == ["Run few: new is left out: it was not tried on 2 of the scenes."]
    more = merge_runs("pairs", [make("short", {"plain": 0}, count=2), make("long", {"new": 1})])
    assert labels(more) == ["plain", "new"]


@pytest.mark.parametrize(
    ("parts", "kept", "said"),
    [
        ({"weights": "w", "module": "1"}, True, None),
        ({"weights": "w", "module": "2"}, True, "psnr was computed by another version of its code."),
        ({"weights": "v", "module": "1"}, False, "psnr is left out: another variant, or with other weights."),
    ],
)
def test_scores_of_another_variant_are_left_out(make, parts, kept, said):
    first, second = (
        {"scored_by": {"psnr": name}, "contents": {name: found}}
        for name, found in (("a", {"weights": "w", "module": "1"}), ("b", parts))
    )
    runs = [
        make("mine", {"plain": 0}, scored_by=first),
        make("theirs", {"new": 1}, imported=SAME, scored_by=second),
    ]
    for run in runs:  # the writer's rows do not name the code that scored them
        run.rows[:] = [{**row, "metrics": {"psnr": 30.0}} for row in run.rows]
    merged = merge_runs("pairs", runs)
    assert all(("psnr" in row["metrics"]) == kept for row in merged.entries[1].rows)
    assert merged.notes == ([f"Run theirs: {said}"] if said else [])


def test_a_run_is_read_with_its_mark(make):
    run = make("theirs", {"plain": 0}, imported=SAME)
    assert StoredRun.open(run.folder).origin.startswith("imported from theirs.zip: measured on Abacus as 'theirs'")
