"""How the learning rate and the hardness of the circle of confusion change over a training."""

import math


def learning_rate_factor(step: int, steps: int, warmup: int, hold: float) -> float:
    """Return the factor on the learning rate at update ``step`` of ``steps``, [0,1].

    Linear from 0 over ``warmup`` updates, then 1 for a share ``hold`` of the rest, then a half cosine down to 0.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    rest = max(steps - warmup, 1)
    progress = (step - warmup) / rest
    if progress <= hold:
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * min((progress - hold) / (1.0 - hold), 1.0)))


def hardness_at(step: int, steps: int, first: float, last: float) -> float:
    """Return the hardness at update ``step``: its logarithm, the edge's slope, grows linearly from first to last.

    Source: the released code: 3 (slope 1.1) to about 2.4e5 (slope 12.4) over the training.
    """
    progress = min(step / max(steps - 1, 1), 1.0)
    return math.exp(math.log(first) + progress * (math.log(last) - math.log(first)))
