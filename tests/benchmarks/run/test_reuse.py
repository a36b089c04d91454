"""What of a stored run still counts, and what is said about the rest."""

import pytest

from bokehbench.benchmarks.run.cases import Case, MadeOf
from bokehbench.benchmarks.run.reuse import ContentTable, find_reuse, used_contents, write_reuse
from bokehbench.benchmarks.run.rows import make_row

ENVIRONMENTS = {
    "old": {"commit": "a", "threads": 1, "packages": {"torch": "2.12", "numpy": "2"}},
    "new": {"commit": "b", "threads": 2, "packages": {"torch": "2.13", "numpy": "2"}},
}


class Bench:
    """Makes rows of one scene's cases and compares two commands."""

    def __init__(self):
        self.table = ContentTable()
        self.before = {}

    def row(self, *, data=None, code=None, dataset=None, metric=None, weights=None, scene="lake", **values):
        made_of = MadeOf(
            data=self.table.add(data or {"image": "1", "target": "2"}),
            renderer_code=self.table.add(code or {"plugin": "3", "helper": "4"}),
            dataset_code=self.table.add(dataset or {"reader": "5"}),
            weights=weights,
        )
        case = Case(dataset="folder", scene=scene, renderer="box-blur", made_of=made_of)
        scored_by = {"psnr": self.table.add(metric or {"psnr": "6"})}
        values = {"status": "ok", "environment": "old", "time": "2026-11-20T10:00:00Z", "scored_by": scored_by} | values
        return make_row(case, values.pop("environment"), **values)

    def compare(self, before, after):
        stored = {row["key"]: row for row in before}
        return find_reuse(stored, after, self.table.entries, ENVIRONMENTS, "new")

    def said(self, before, after):
        return write_reuse(self.compare(before, after))


@pytest.fixture
def bench():
    return Bench()


def test_a_first_run_says_nothing_nor_does_one_that_did_not_end(bench):
    assert bench.said([], [bench.row()]) == []
    assert write_reuse(None) == []


def test_kept_cases_come_with_their_dates_and_what_else_was_there(bench):
    rows = [bench.row(), bench.row(scene="sea", environment="new", time="2026-11-21T11:30:00Z")]
    assert bench.said(rows, rows) == [
        "kept 2 cases finished 2026-11-20 10:00 to 2026-11-21 11:30 UTC",
        "kept among them: made with threads 1 (now 2), torch 2.12 (now 2.13)",
    ]
    assert bench.said(rows[1:], rows[1:]) == ["kept 1 case finished 2026-11-21 11:30 UTC"]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"code": {"plugin": "3", "helper": "0"}}, "1 case of box-blur: its code changed (helper)"),
        ({"code": {"plugin": "3", "more": "0"}}, "1 case of box-blur: its code changed (more, helper)"),
        ({"dataset": {"reader": "0"}}, "1 case of box-blur: code of folder changed (reader)"),
        ({"weights": "tiny 1"}, "1 case of box-blur: its weights changed"),
        ({"data": {"image": "1", "target": "0"}}, "1 case of folder (lake): data changed (target)"),
        (
            {"data": {"image": "0", "target": "2"}, "code": {"plugin": "0", "helper": "4"}},
            "1 case of folder (lake): data changed (image) and its code changed (plugin)",
        ),
    ],
)
def test_what_changed_is_named(bench, changed, line):
    new = {"time": "2026-11-22T10:00:00Z"}
    assert bench.said([bench.row()], [bench.row(**changed, **new)]) == [f"rendered again: {line}"]


def test_many_scenes_are_one_line(bench):
    names = [f"scene {number}" for number in range(5)]
    before = [bench.row(scene=name) for name in names]
    after = [bench.row(scene=name, data={"image": "1", "target": "0"}) for name in names]
    assert bench.said(before, after) == [
        "rendered again: 5 cases of folder (scene 0, scene 1, scene 2 and 2 more): data changed (target)"
    ]


def test_rows_that_do_not_name_their_code_are_of_another_version(bench):
    old = {**bench.row(), "key": "folder#1-ab/lake/box-blur/none/0/0/cpu/float32"}
    for name in ("code", "data", "scored_by"):
        del old[name]
    assert bench.said([old], [bench.row()]) == ["rendered again: 1 case of this run: made by code of another version"]


def test_contents_that_nobody_kept_are_no_error(bench):
    old = {**bench.row(), "key": "other", "data": "unknown"}
    assert "data changed (parts not recorded)" in bench.said([old], [bench.row()])[0]


def test_the_newest_row_is_compared(bench):
    older = bench.row(code={"plugin": "1"}, time="2026-11-18T10:00:00Z")
    newer = bench.row(code={"plugin": "3", "helper": "0"}, time="2026-11-19T10:00:00Z")
    assert "its code changed (helper)" in bench.said([newer, older], [bench.row()])[0]


def test_scores_by_other_code_are_scored_again_on_the_picture_that_is_kept(bench):
    said = bench.said([bench.row(environment="new")], [bench.row(metric={"psnr": "0"}, environment="new")])
    assert said == ["kept 1 case finished 2026-11-20 10:00 UTC", "scored again: 1 case: code of psnr changed (psnr)"]


def test_failed_cases_are_not_kept_and_lost_pictures_are_named(bench):
    failed = bench.row(status="failed")
    assert bench.said([failed], [bench.row(time="2026-11-22T10:00:00Z")]) == []
    assert bench.said([bench.row()], [bench.row(time="2026-11-22T10:00:00Z")]) == [
        "rendered again: 1 case of box-blur: the stored picture was lost or changed"
    ]


def test_contents_that_no_newest_row_refers_to_are_dropped(bench):
    superseded = bench.row(data={"image": "0"}, time="2026-11-19T10:00:00Z")
    failed = bench.row(data={"image": "7"}, status="failed", time="2026-11-21T10:00:00Z")
    kept = used_contents(bench.table.entries, [bench.row(), failed, superseded])
    assert [parts for parts in bench.table.entries.values() if parts not in kept.values()] == [{"image": "0"}]


def test_the_metrics_of_an_older_picture_that_is_scored_again_are_named(bench):
    older = bench.row(code={"plugin": "2"}, metric={"psnr": "0"}, time="2026-11-19T10:00:00Z")
    assert {"psnr": "0"} in used_contents(bench.table.entries, [bench.row(), older]).values()
