"""Scores that count no more leave their row, and what is left of it says so."""

from bokehbench.benchmarks.run.rows import drop_outdated

from ...stored_records import row


def test_only_scores_by_other_code_are_dropped():
    stored = row(
        "a",
        metrics={"psnr": 30.0, "ssim": 0.9, "edge": None},
        notes={"edge": "not defined on this scene"},
        scored_by={"psnr": "1", "ssim": "1", "edge": "1"},
    )
    left = drop_outdated(stored, {"psnr": "1", "ssim": "2", "edge": "1", "lpips": "1"}, "why")
    assert left["metrics"] == {"psnr": 30.0, "edge": None}
    assert left["notes"] == {"edge": "not defined on this scene", "ssim": "why", "lpips": "why"}
    assert stored["metrics"]["ssim"] == 0.9
