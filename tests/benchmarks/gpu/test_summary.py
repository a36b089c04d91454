"""The tables say what the file holds."""

from bokehbench.benchmarks.gpu.summary import describe_step, summarise


def step(result, status="ok", reason=None):
    kept = {"status": status, "reason": reason, "seconds": 2.0, "time": "", "environment": "e", "code": "c"}
    return kept | ({"result": result} if status == "ok" else {})


def spread(median):
    return {"median": median}


def renderer(side, radius_px):
    return step(
        {
            "renderer": "classical", "weights": None, "width": side, "height": side, "radius_px": radius_px,
            "spread": spread(1e-9 * side**2 * radius_px), "stages": {"scatter": 1e-9 * side**2},
            "memory": {"added_mb": 1.0, "resident_mb": 2.0, "allocated_mb": side**2 * radius_px / 2**20},
        }
    )  # fmt: skip


SDXL = {
    "released cost structure": {"median": 2.0, "peak_bytes": 2**31, "squared_error": 1e-4},
    "ours, float32": {"median": 0.5, "peak_bytes": 2**30, "squared_error": 0.0},
}
CALLS = {"spans": {"spread": spread(0.002), "added_mb": 10.0}, "offsets": {"spread": spread(0.02), "added_mb": None}}
STEPS = {
    "check/a": step({"error": 1.5e-6, "tolerance": 1e-4}),
    "check/b": step({}, "failed", "error 1.0e+00"),
    "time/scatter/ramp/8 px": step({"kind": "ramp", "side": 64, "radius_px": 8.0, "calls": CALLS}),
    **{f"time/{side}/{radius}": renderer(side, radius) for side in (256, 512) for radius in (8.0, 32.0)},
    "time/sdxl": step({"side": 1024, "steps": SDXL}),
}
RECORD = {"plan": [*STEPS, "time/late"], "steps": STEPS, "gpu": [{"name": "H1"}, {"name": "H1"}]}


def test_tables():
    lines = summarise(RECORD).splitlines()
    assert lines[0] == "scatter/ramp/8 px, 64x64: spans 2 ms (1x, 10 MiB), offsets 20 ms (10x, memory unknown)"
    assert lines[1] == "classical 256x256 8 px: 0.524 ms, 0 MiB (scatter 0.0655 ms)"
    assert "growth of classical, time: pixels^1.00, radius^1.00; off by at most 1.00 over 4 points" in lines
    assert "growth of classical, memory: pixels^1.00, radius^1.00; off by at most 1.00 over 4 points" in lines
    assert any(line.split() == ["ours,", "float32", "500.0", "4.00", "4.00", "1.0", "same"] for line in lines)
    assert lines[-1] == "H1: 7 of 9 steps ok, 1 failed, 1 not done"


def test_lines_of_single_steps():
    lines = [describe_step(name, one) for name, one in STEPS.items()]
    assert lines[0] == "ok       check/a (2.0 s): error 1.5e-06, at most 1e-04"
    assert lines[1] == "failed   check/b: error 1.0e+00"
    assert lines[2] == "ok       time/scatter/ramp/8 px (2.0 s): spans 2 ms, offsets 20 ms"
    assert lines[3] == "ok       time/256/8.0 (2.0 s): 0.524 ms"
    assert lines[-1] == "ok       time/sdxl (2.0 s): released cost structure 2000 ms, ours, float32 500 ms"
