"""The table of guesses: the group's renderers alone, floors included, and what has no value is absent."""

import pytest

from bokehbench.reports.parts.guesses import build_guesses, guess_sheet


def _row(renderer, scene, guess, status="ok"):
    return {"renderer": renderer, "scene": scene, "status": status, "guess": guess}


def _guess(iou, ranks, ratio):
    return {"in_focus_iou": iou, "rank_correlation": ranks, "strength_ratio": ratio}


@pytest.fixture(scope="module")
def table():
    rows = [_row("identity", scene, _guess(0.25, None, 0.0)) for scene in "abc"]
    rows += [
        _row("d2f", scene, _guess(iou, 0.5, ratio))
        for scene, iou, ratio in zip("abc", (0.3, 0.6, 0.9), (1, 2, 4), strict=True)
    ]
    rows += [_row("classical", scene, None) for scene in "abc"]
    return build_guesses(rows, ["identity", "d2f"], {scene: scene for scene in "abc"})


def test_means_of_what_is_guessed_stand_beside_the_floor(table):
    assert [line.renderer for line in table.lines] == ["identity", "d2f"]
    floor, guessed = table.lines
    assert guessed.cells[0].value == pytest.approx(0.6)
    assert guessed.cells[0].standing == "best"
    assert floor.cells[1].value is None
    assert guessed.ratio.value == 2.0
    assert guessed.ratio.interval.startswith("1.50")


def test_it_can_be_taken_away(table):
    sheet = guess_sheet(table, "subjects")
    assert len(sheet.head) == len(sheet.values[0]) == 8
    assert sheet.values[1][0] == "d2f"
    assert len(sheet.printed[0]) == len(sheet.printed_head)


def test_without_a_guess_there_is_no_table():
    assert build_guesses([_row("identity", "a", None, "failed")], ["identity"], {"a": "a"}) is None
