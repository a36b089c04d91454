"""What is said of an axis is what its cells and tests hold."""

from types import SimpleNamespace

import pytest

from bokehbench.reports.parts.axis_verdicts import join_warnings, judge_axis
from bokehbench.reports.parts.cells import Cell, Column

SEVERITIES = ("0", "+4", "+8")


def make_axis(means, tied=(), can_decide=True, warnings=()):
    """``means``: renderer to one value a severity; ``tied``: pairs that no test tells apart, at every severity."""

    def column(name, values):
        best = max(values.values())
        leader = next(one for one, value in values.items() if value == best)
        standing = {
            one: "best" if value == best else "tied" if {one, leader} in tied else "" for one, value in values.items()
        }
        cells = {one: Cell(f"{value:.2f}", value, standing=standing[one]) for one, value in values.items()}
        return Column(name, "dB", True, "", 8, can_decide, known=True), cells

    found = [column(name, {one: line[n] for one, line in means.items()}) for n, name in enumerate(SEVERITIES)]
    mean, along = column("mean score", {one: sum(line) / len(line) for one, line in means.items()})
    pairs = SimpleNamespace(can_decide=can_decide, differ=lambda a, b: {a, b} not in tied)
    scores = SimpleNamespace(
        columns=[one for one, _ in found],
        cells={name: [cells[name] for _, cells in found] for name in means},
        unperturbed=0,
        pairs=[pairs] * len(found),
    )
    grid = SimpleNamespace(columns=[mean], cells={name: [cell] for name, cell in along.items()})
    metric = SimpleNamespace(name="psnr", unit="dB", grid=grid, scores=scores)
    return SimpleNamespace(
        dataset="pairs", fault="wrong disparity", truth="the true disparity", perturbation="erode", metrics=[metric],
        warnings=list(warnings),
    )  # fmt: skip


def test_where_renderers_cross():
    found = judge_axis(make_axis({"a": [9, 7, 1], "b": [6, 7, 6]}, tied=[{"a", "b"}]))
    assert found.lead.startswith("pairs with wrong disparity (erode): b has the best mean psnr over the axis, 6.33 dB")
    assert found.more == [
        "With the true disparity (erode 0): a has the best mean psnr, 9.00 dB; "
        "b \N{MINUS SIGN}3.00 dB (not distinguishable).",
        "Best mean at 0 to +4: a, at +8: b; distinguishable from the other at no severity.",
    ]


def test_one_that_leads_everywhere():
    found = judge_axis(make_axis({"a": [9, 8, 7], "b": [6, 5, 4]}))
    assert found.more[-1] == "a has the best mean at every severity; distinguishable from the other at every severity."


def test_equal_means_lead_together_and_the_sentences_agree():
    """As a stage that leaves a right input alone does."""
    found = judge_axis(make_axis({"a": [9, 7, 1], "b": [9, 8, 6], "c": [5, 5, 5]}))
    assert found.more == [
        "With the true disparity (erode 0): a has the best mean psnr, 9.00 dB, as has b; "
        "c \N{MINUS SIGN}4.00 dB (worse).",
        "b has the best mean at every severity; distinguishable from every other at +4 to +8.",
    ]
    assert judge_axis(make_axis({"a": [9, 7, 1], "b": [9, 8, 6]})).more[0].endswith("9.00 dB, as has b.")


def test_too_few_scenes_give_differences_without_verdicts():
    found = judge_axis(make_axis({"a": [9, 8, 7], "b": [6, 5, 4]}, can_decide=False, warnings=["Only 3 scenes."]))
    assert found.warnings == ["Only 3 scenes."]
    assert found.more == [
        "With the true disparity (erode 0): a has the best mean psnr, 9.00 dB; b \N{MINUS SIGN}3.00 dB.",
        "a has the best mean at every severity.",
    ]


@pytest.mark.parametrize(("last", "said"), [(2.0, True), (9.0, False)])
def test_what_a_stage_does_to_right_input_is_said_unless_it_was(last, said):
    means = {"bokehdiff": [5, 5, 5], "classical": [3, 3, 3], "classical+refine": [last, 4, 4]}
    sentence = (
        "With the true disparity (erode 0) classical+refine differs from classical, in mean psnr, "
        "by \N{MINUS SIGN}1.00 dB (worse)."
    )
    assert [text for text in judge_axis(make_axis(means)).more if "differs" in text] == [sentence] * said


def test_a_stage_that_changes_no_score_does_not_differ():
    (_, said, _) = judge_axis(
        make_axis({"bokehdiff": [5, 5, 5], "classical": [3, 3, 3], "classical+refine": [3, 4, 4]})
    ).more
    assert said == "With the true disparity (erode 0) classical+refine does not differ from classical in mean psnr."


def test_a_difference_that_reads_as_zero_is_said_to_be_small():
    (_, said, _) = judge_axis(
        make_axis({"bokehdiff": [5, 5, 5], "classical": [3, 3, 3], "classical+refine": [3.001, 4, 4]})
    ).more
    assert said.endswith("in mean psnr, by less than 0.01 dB (better).")


def test_a_stage_that_is_not_known_here_is_passed_over():
    """An imported run may have those of another package."""
    assert len(judge_axis(make_axis({"a": [9, 9, 9], "classical": [5, 5, 5], "classical+other": [4, 4, 4]})).more) == 2


def test_warnings_name_metrics_unless_they_concern_all():
    metrics = [
        SimpleNamespace(name=name, grid=SimpleNamespace(warnings=["Only 3 scenes.", *more]))
        for name, more in (("psnr", []), ("ssim", ["No value on 2."]))
    ]
    assert join_warnings(metrics) == ["Only 3 scenes.", "ssim: no value on 2."]
