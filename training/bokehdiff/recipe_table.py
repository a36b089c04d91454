"""The paper's Table 2 at small scale: the losses on the picture, the encoder and the timestep, one changed at a time.

Every row goes on from the weights that ship, on the same crops, with the losses of Eq. 12. In place of VGG's and
ConvNeXt's features, LPIPS and the adversary use AlexNet's, whose weights are a tenth of their size. The ablations of
the physics, the table's other rows, are variants of their own.
"""

import dataclasses
from pathlib import Path

from ..engine.config import OptimiserConfig, RunConfig
from .build import SHIPPED_WORD
from .config import LossConfig, NetworkConfig, PictureConfig

SEEDS = (10, 11)
STEPS = 90
LEARNING_RATE = 1e-4

LOSSES = LossConfig(perceptual_network="alex", discriminator_network="alex")
ROWS = {
    "full": ("bokehdiff", LOSSES, True),
    "t249": ("bokehdiff-t249", LOSSES, True),
    "t749": ("bokehdiff-t749", LOSSES, True),
    "fixed-encoder": ("bokehdiff-fixed-encoder", LOSSES, False),
    "no-adv": ("bokehdiff-no-adv", dataclasses.replace(LOSSES, adversarial=0.0), True),
    "no-vgg": ("bokehdiff-no-vgg", dataclasses.replace(LOSSES, lpips=0.0), True),
    "no-edge": ("bokehdiff-no-edge", dataclasses.replace(LOSSES, edge=0.0), True),
}
"""Row -> variant, losses, whether parts of the encoder are trained."""


def table_trainings(shipped: RunConfig, output: Path) -> tuple[RunConfig, ...]:
    """Return every row's training, seed by seed, to ``output``/seed-<n>/<row>; ``shipped``: the shipped weights' own.

    From that come scenes, physics and precision; a batch is half of its own, as the decoder's pass takes memory.
    """
    trainings = []
    for number, seed in enumerate(SEEDS):
        for row, (variant, losses, encoder) in ROWS.items():
            model = PictureConfig(
                data=shipped.model.data,
                variant=variant,
                start=SHIPPED_WORD,
                hardness=shipped.model.hardness,
                rays=shipped.model.rays,
                pair_cut=shipped.model.pair_cut,
                losses=losses,
                network=NetworkConfig(encoder=encoder),
            )
            training = dataclasses.replace(
                shipped,
                task="bokehdiff/picture",
                output=str(output / f"seed-{number}" / row),
                model=model,
                steps=STEPS,
                batch=max(shipped.batch // 2, 1),
                optimiser=OptimiserConfig(
                    method="muon", learning_rate=LEARNING_RATE, warmup=10, hold=0.2, weight_decay=0.0
                ),
                validation_count=4,
                seed=seed,
            )
            trainings.append(training)
    return tuple(trainings)
