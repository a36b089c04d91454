import pytest

from bokehbench.reports.parts.numbers import write_score, write_seconds, write_signed


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "—"), (0.00052, "0.52 ms"), (0.0499, "49.9 ms"), (0.9996, "1.00 s"), (1.9, "1.90 s"), (99.96, "100 s"),
     (130, "2 min"), (9000, "2 h 30 min")],
)  # fmt: skip
def test_durations_are_written_with_their_unit(seconds, text):
    assert write_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (31.456, "dB", "31.46"),
        (0.5, "", "0.5000"),
        (-1.0, "dB", "\N{MINUS SIGN}1.00"),
        (None, "dB", "\N{EM DASH}"),
        (-0.00001, "", "0.0000"),
        (0.1234, "s", "0.123"),
    ],
)
def test_scores_are_written_by_unit(value, unit, text):
    assert write_score(value, unit) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.00"), (0.001, "+0.00"), (-0.001, "\N{MINUS SIGN}0.00")])
def test_a_difference_keeps_its_sign_unless_it_is_none(value, text):
    assert write_signed(value, "dB") == text
