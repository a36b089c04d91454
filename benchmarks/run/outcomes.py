"""What an error makes of a case: skipped or failed, and the reason that its row keeps."""

import torch

from ...core.errors import BokehBenchError, CaseError, MissingWeightsError, SkippedSceneError
from ...core.failures import describe_error, describe_traceback
from ...core.text import one_line

CPU_MEMORY = "can't allocate memory"
"""What PyTorch's RuntimeError says where the CPU's memory runs out."""


def describe_outcome(error: BaseException, device: str, remedy: str = "") -> dict[str, str]:
    """Return what a row says of the ``error`` that is handled: status and reason, and where it is no message of ours
    its traceback. Renderer and scene, which the row names, are not said again. ``remedy``: of too little memory.
    """
    if isinstance(error, BokehBenchError):
        status = "skipped" if isinstance(error, SkippedSceneError | MissingWeightsError) else "failed"
        reason = error.reason if isinstance(error, CaseError) else str(error)
        return {"status": status, "reason": one_line(reason)}
    said = describe_error(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or CPU_MEMORY in said:
        return {"status": "failed", "reason": f"out of memory on {device}" + (f": {remedy}" if remedy else "")}
    return {"status": "failed", "reason": said, "traceback": describe_traceback()}
