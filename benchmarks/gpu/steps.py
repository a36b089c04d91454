"""Every step, what matters most first: when time runs out, the end is missing."""

import importlib.util
from collections.abc import Sequence

from . import attention, march, renderers, scatter, sdxl
from .step import CARD, TRITON, Step

CHECKS: tuple[Step, ...] = (*scatter.CHECKS, *march.CHECKS, *attention.CHECKS, *renderers.CHECKS)
TIMINGS: tuple[Step, ...] = (
    *scatter.TIMINGS,
    *march.TIMINGS,
    *renderers.TIMINGS,
    *sdxl.TIMINGS,
    *renderers.LARGE_TIMINGS,
)
WITHOUT_TRITON = "needs Triton, which comes with PyTorch's CUDA builds: pip install triton"


def choose_steps(on_card: bool, words: Sequence[str] = ()) -> list[Step]:
    """Return the steps that a card can do, or those that need none, in order; ``words``: only names that hold one."""
    steps = (*CHECKS, *TIMINGS) if on_card else (*CHECKS, *scatter.AHEAD)
    return [
        step
        for step in steps
        if (on_card or CARD not in step.needs) and (not words or any(word in step.name for word in words))
    ]


def find_step(name: str) -> Step:
    """Return the step of that name."""
    return next(step for step in (*CHECKS, *TIMINGS, *scatter.AHEAD) if step.name == name)


def why_not(step: Step) -> str | None:
    """Return why a step cannot be done with what is installed; None where it can."""
    return WITHOUT_TRITON if TRITON in step.needs and importlib.util.find_spec("triton") is None else None
