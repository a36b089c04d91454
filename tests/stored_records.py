"""Rows and records as a run stores them: complete, and changed by what a test is about."""

COMMAND = {
    "run": "default",
    "command": "bench",
    "started": "monday",
    "starts": 1,
    "finished": None,
    "seconds": None,
    "settings": {"device": "cpu", "dtype": "float32", "seed": 0, "limit": None, "perturbations": [["none", 0]]},
    "renderers": {
        "r": {
            "summary": "a renderer",
            "weights": None,
            "training": None,
            "needs_weights": False,
            "capabilities": {"inputs": []},
        }
    },
    "datasets": {"d": {"summary": "a data set", "protocol": "p", "terms": "free", "scored": True, "version": ""}},
    "metrics": {},
    "cases": [],
}
"""What run.json says of a command."""

META = {**COMMAND, "environments": {}}

ORIGIN = {
    "file": "theirs.zip",
    "sha256": "0" * 64,
    "run": "there",
    "by": "",
    "version": "0.1.0",
    "commit": None,
    "time": "2026-01-01T00:00:00Z",
    "pictures": False,
    "data": {},
}
"""What run.json says of a run that was imported without pictures."""


def row(key: str, **values) -> dict:
    """Return the row of a finished case."""
    return {
        "schema": 1,
        "key": key,
        "dataset": "d",
        "scene": "s",
        "renderer": "r",
        "perturbation": "none",
        "severity": 0,
        "seed": 0,
        "device": "cpu",
        "dtype": "float32",
        "weights": None,
        "status": "ok",
        "reason": None,
        "metrics": {"psnr": 30.0},
        "notes": {},
        "seconds": 0.5,
        "peak_memory_mb": None,
        "image": "images/d/s/r.png",
        "image_sha256": "0" * 64,
        "input": None,
        "input_sha256": None,
        "disparity": None,
        "disparity_sha256": None,
        "wrong_band": None,
        "backend": None,
        "environment": "e",
        "time": "2026-01-02T03:04:05Z",
    } | values


MEASUREMENT = {
    "status": "ok",
    "reason": None,
    "backend": None,
    "spread": {"median": 0.2, "interval": [0.1, 0.3], "q25": 0.1, "q75": 0.3, "p95": 0.3, "repeats": 6},
    "stopped": "interval narrow",
    "repeats": [{"wall": 0.2, "cpu": 0.2, "device": None}],
    "cpu_seconds": 0.2,
    "megapixels_per_second": 1.0,
    "stages": {},
    "first_seconds": 0.3,
    "prepare_seconds": 0.1,
    "memory": {"added_mb": 1.0, "resident_mb": 2.0},
    "other_processes_cores": 0.0,
    "gpu": [],
    "threads": 1,
}
"""What a probe says of a point that it measured."""
