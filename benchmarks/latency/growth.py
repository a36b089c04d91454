"""How time and memory grow with resolution and blur radius: exponents fitted on logarithms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True, kw_only=True)
class Growth:
    """cost ~ quantity ** exponent; ``interval`` is 95 %, None where there are no more points than unknowns."""

    exponent: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class GrowthFit:
    """Exponents of the quantities that vary; ``worst_factor``: the fit and a measurement differ by at most this."""

    growth: dict[str, Growth]
    worst_factor: float
    points: int


def held_memory(measured: Mapping[str, Any]) -> float | None:
    """Return the peak in MiB that measurements are compared by: allocated on CUDA, added by a render on the CPU."""
    memory: Mapping[str, Any] = measured["memory"]
    held: float | None = memory.get("allocated_mb", memory["added_mb"])
    return held


def fit_renderers(measurements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, GrowthFit]]:
    """Fit each renderer's time and memory over pixels and radius: yield its name, "time" or "memory", and the fit.

    ``measurements``: those that are ok.
    """
    for renderer in dict.fromkeys(one["renderer"] for one in measurements):
        mine = [one for one in measurements if one["renderer"] == renderer]
        quantities = {
            "pixels": [one["height"] * one["width"] for one in mine],
            "radius": [one["radius_px"] for one in mine],
        }
        times = [one["spread"]["median"] for one in mine]
        for what, costs in (("time", times), ("memory", [held_memory(one) for one in mine])):
            fit = fit_growth(costs, quantities)
            if fit:
                yield renderer, what, fit


def fit_growth(costs: Sequence[float | None], quantities: Mapping[str, Sequence[float]]) -> GrowthFit | None:
    """Fit log(cost) = a + sum of exponent * log(quantity) by least squares; a cost is seconds or MiB.

    Points whose cost is unknown or 0 are left out, and so are quantities that take one value only; all must be above 0.
    Returns None where nothing varies or there are fewer points than unknowns, or where two quantities vary only
    together.
    """
    known = {n: cost for n, cost in enumerate(costs) if cost}
    points = {name: [values[n] for n in known] for name, values in quantities.items()}
    varying = {name: np.log(values) for name, values in points.items() if len(set(values)) > 1}
    unknowns = len(varying) + 1
    if not varying or len(known) < unknowns:
        return None
    design = np.column_stack([np.ones(len(known)), *varying.values()])
    logs = np.log(list(known.values()))
    solution, _, rank, _ = np.linalg.lstsq(design, logs, rcond=None)
    if rank < unknowns:
        return None
    residuals = logs - design @ solution
    half = _half_widths(design, residuals)
    growth = {
        name: Growth(exponent=float(p), interval=None if half is None else (float(p - half[n]), float(p + half[n])))
        for n, (name, p) in enumerate(zip(varying, solution[1:], strict=True))
    }
    return GrowthFit(growth=growth, worst_factor=float(np.exp(np.abs(residuals).max())), points=len(known))


def _half_widths(design: np.ndarray, residuals: np.ndarray) -> np.ndarray | None:
    """Return half of the 95 % intervals of the exponents (normal errors of the logarithms)."""
    freedom = design.shape[0] - design.shape[1]
    if freedom == 0:
        return None
    covariance = np.linalg.inv(design.T @ design) * float(residuals @ residuals) / freedom
    return (stdtrit(freedom, 0.975) * np.sqrt(np.diag(covariance)))[1:]
