"""The timing command's parts, on the CPU; the command itself where there is a GPU."""

import pytest
import torch

from bokehbench.renderers.bokehdiff import time_sdxl


def test_pisa_agrees_with_its_reference_on_the_cpu():
    errors = time_sdxl.compare_pisa(torch.device("cpu"), grid=(8, 12))
    assert set(errors) == {"output", "gradient of q", "gradient of k", "gradient of v"}
    assert max(errors.values()) < time_sdxl.TOLERANCE


def test_passes_are_timed_after_the_warm_up(compact):
    timing = time_sdxl.time_passes(compact, 32, 2)
    assert len(timing.seconds) == 2
    assert min(timing.seconds) > 0


def test_random_sdxl_has_sdxls_size():
    pipeline = time_sdxl.build_random_sdxl(torch.device("meta"), torch.bfloat16)
    assert sum(p.numel() for p in pipeline.unet.parameters()) == 2_567_463_684
    assert pipeline.latent_pitch_px == 8
    assert pipeline.size_multiple_px == 32
    assert (pipeline.unet.dtype, pipeline.vae.dtype) == (torch.bfloat16, torch.float32)


def test_no_gpu_is_said_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert time_sdxl.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [f"skipped: torch {torch.__version__} sees no CUDA device"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_pisa_agrees_with_its_reference_on_the_gpu():
    assert max(time_sdxl.compare_pisa(torch.device("cuda")).values()) < time_sdxl.TOLERANCE
