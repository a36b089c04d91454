"""What a report says of its run as a whole."""

import pytest

from bokehbench.reports.parts.run_facts import describe_environments, summarise_run, takes_disparity


def test_dates_of_the_cases_are_facts_of_the_run(run_writer):
    writer = run_writer()
    writer.scene("pairs", "s")
    for renderer, day in (("plain", 1), ("fancy", 9)):
        writer.case("pairs", "s", renderer, {"psnr": 30.0, "lpips": 0.1}, time=f"2026-01-0{day}T10:00:00Z")
    run = writer.open()
    facts = dict(summarise_run(run, run.rows)["facts"])
    assert facts["cases finished"] == "2026-01-01 10:00 to 2026-01-09 10:00 UTC"


def test_facts_are_called_as_readers_call_them(run_writer):
    writer = run_writer(["plain"])
    writer.meta["environments"]["e1"] |= {"memory_gb": 24, "bokehbench": "0.1.0"}
    writer.case("pairs", "s", "plain", {"psnr": 30.0})
    (described,) = describe_environments(writer.open())
    assert {name for name, _ in described["facts"]} == {
        *("Python", "processor", "GPU", "commit", "memory, GiB", "bokehbench"),
    }


@pytest.mark.parametrize(
    ("capabilities", "reads"),
    [
        ({"inputs": ["picture", "disparity"]}, True),
        ({"inputs": ["picture"]}, False),
        ({"needs_disparity": True}, True),
        ({"needs_disparity": False}, False),
    ],
)
def test_runs_of_before_say_it_in_other_words(capabilities, reads):
    assert takes_disparity(capabilities) == reads
