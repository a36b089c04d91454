"""Times as ratios: of one size, one machine and one run."""

import pytest

from bokehbench.reports.parts.time_ratios import TimeRatio, find_latency_ratios, find_row_ratios, write_ratio


def point(renderer, seconds, size=512, environment="e", status="ok"):
    return {
        "renderer": renderer, "weights": None, "status": status, "height": size, "width": size, "radius_px": 8.0,
        "device": "cpu", "dtype": "float32", "environment": environment, "spread": {"median": seconds},
    }  # fmt: skip


def record(*points):
    found = {str(number): one for number, one in enumerate(points)}
    return {"plan": list(found), "measurements": found}


def test_ratios_are_of_the_largest_size_that_most_renderers_have():
    found = find_latency_ratios(
        record(
            *(point(name, seconds) for name, seconds in (("classical", 2.0), ("slow", 8.0), ("fast", 1.0))),
            *(point(name, seconds, 1024) for name, seconds in (("classical", 9.0), ("slow", 9.0))),
            point("slow", 1.0, 2048),
        ),
        "mine",
    )
    assert {name: ratio.value for (name, _), ratio in found.items()} == {"classical": 1.0, "slow": 4.0, "fast": 0.5}
    bases = {ratio.basis for ratio in found.values()}
    assert bases == {"latency.json of run mine: medians at 512x512 px, radii up to 8 px, cpu, float32"}


@pytest.mark.parametrize(
    "points",
    [
        [],
        [point("slow", 1.0)],
        [point("classical", 1.0), point("slow", 1.0, environment="f")],
        [point("classical", 1.0)],
    ],
)
def test_without_classical_beside_it_there_is_no_ratio(points):
    assert find_latency_ratios(record(*points), "mine") == {}
    assert find_latency_ratios(None, "mine") == {}


def timed(renderer, scene, seconds, **values):
    return {
        "renderer": renderer, "weights": None, "scene": scene, "seconds": seconds, "status": "ok", "seed": 0,
        "environment": "e", "device": "cpu", "dtype": "float32",
    } | values  # fmt: skip


def test_rows_are_compared_scene_by_scene_on_one_machine():
    rows = [timed("classical", scene, seconds) for scene, seconds in (("a", 1.0), ("b", 2.0), ("c", 4.0))]
    rows += [timed("slow", scene, seconds) for scene, seconds in (("a", 3.0), ("b", 10.0), ("c", 40.0), ("d", 1.0))]
    rows += [timed("elsewhere", "a", 1.0, environment="f"), timed("failed", "a", None, status="failed")]
    found = find_row_ratios(rows, "mine", "64x48 px")
    assert {name: ratio.value for (name, _), ratio in found.items()} == {"classical": 1.0, "slow": 5.0}
    assert found["slow", None].basis == "seconds of run mine, one render a scene, 64x48 px: median over scenes"


@pytest.mark.parametrize(
    ("value", "text"), [(67.2, "67"), (7.46, "7.5"), (1.0, "1"), (0.0421, "0.042"), (1e-4, "< 0.01")]
)
def test_two_figures(value, text):
    assert write_ratio(TimeRatio(value, "")) == f"{text} \N{MULTIPLICATION SIGN}"
    assert write_ratio(None) == "—"
