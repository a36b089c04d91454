"""How PISA is used while it is trained: softer at first, with fewer rays."""

import dataclasses
import math

from ...renderers.attention.physics import PisaPhysics
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from .config import UnetConfig


def hardness_at(progress: float, first: float, last: float) -> float:
    """Return the hardness at ``progress``, [0,1]: its logarithm, the edge's slope, grows linearly from first to last.

    Source: the released code: 3 (slope 1.1) to about 2.4e5 (slope 12.4) over the training.
    """
    return math.exp(math.log(first) + progress * (math.log(last) - math.log(first)))


def set_training_physics(
    pipeline: BokehDiffPipeline, physics: PisaPhysics, config: UnetConfig, progress: float
) -> None:
    """Give the pipeline the hardness and the number of rays of training at ``progress``, [0,1].

    ``physics``: of inference.
    Under the profile ``code`` the physics is the released code's while it trains, with the variant's switches.
    """
    hardness = hardness_at(progress, *config.hardness)
    if config.profile == "code":
        switches = {name: getattr(physics, name) for name in ("softmax_over_queries", "coc", "occlusion")}
        physics = PisaPhysics.from_profile("code", hardness=hardness, **switches)
    else:
        physics = dataclasses.replace(physics, hardness=hardness, rays=config.rays)
    pipeline.configure(dataclasses.replace(pipeline.active_settings, physics=physics))
    pipeline.pair_cut = config.pair_cut or None
