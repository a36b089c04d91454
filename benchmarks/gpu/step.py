"""What the command is made of: checks and timings, each by name, with a guess of its seconds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Record = dict[str, Any]

CARD, TRITON = "card", "Triton"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A kernel held against its reference: ``find_error(device)`` may be at most ``tolerance``.

    ``seconds``: about how long it takes, compilation included. ``needs``: CARD where the CPU has nothing to compare,
    TRITON where the kernel is Triton's.
    """

    name: str
    reference: str
    tolerance: float
    find_error: Callable[[torch.device], float]
    seconds: float = 4.0
    needs: frozenset[str] = frozenset()

    def run(self, device: torch.device) -> Record:
        """Return the error with its verdict; what is no number fails."""
        error = self.find_error(device)
        good = error <= self.tolerance
        text = f"error {error:.1e} against {self.reference}: expected at most {self.tolerance:.0e}"
        found = {"error": error if math.isfinite(error) else None, "tolerance": self.tolerance}
        return {
            "status": "ok" if good else "failed",
            "reason": None if good else text,
            "result": {**found, "reference": self.reference},
        }


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A measurement: ``take(device)`` returns its numbers; the rest as for ``Check``."""

    name: str
    take: Callable[[torch.device], Record]
    seconds: float
    needs: frozenset[str] = frozenset({CARD})

    def run(self, device: torch.device) -> Record:
        """Return the numbers."""
        return {"status": "ok", "reason": None, "result": self.take(device)}


Step = Check | Timing
