"""Bars on terminals, lines elsewhere."""

import io

import pytest

from bokehbench.core import progress
from bokehbench.core.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    times = {"now": 100.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: times["now"])
    return times


def test_a_file_gets_lines_now_and_then_and_no_bar(clock):
    file = io.StringIO()
    with ProgressBar(total=40, desc="work", unit="case", file=file) as bar:
        for _ in range(40):
            clock["now"] += 2.0
            bar.set_postfix_str("soon")
            bar.update()
    lines = file.getvalue().splitlines()
    assert "\r" not in file.getvalue()
    assert lines[0].startswith("work:   0%| 0/40 cases [")
    assert lines[-1].startswith("work: 100%| 40/40 cases [")
    assert 3 <= len(lines) <= 5


def test_what_is_not_left_or_comes_late_says_nothing_at_the_end(clock):
    file = io.StringIO()
    with ProgressBar(total=2, file=file, delay=1) as bar:
        bar.update(2)
    assert file.getvalue() == ""
    with ProgressBar(total=2, file=file, leave=False) as bar:
        clock["now"] += 1.0
        bar.update(2)
    assert file.getvalue() == ""
    with ProgressBar(total=2, file=file, leave=False) as bar:
        clock["now"] += progress.SECONDS_A_LINE
        bar.refresh()
        bar.refresh()
    assert len(file.getvalue().splitlines()) == 1


def test_a_terminal_gets_a_bar():
    file = Terminal()
    with ProgressBar(total=2, file=file) as bar:
        bar.update(2)
    assert "\r" in file.getvalue()
    assert "2/2" in file.getvalue()
