"""What the compact models' recipe consists of: the configuration of every training, scenes, and what ships."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch

from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from ...renderers.bokehdiff.checkpoints import load_saved
from ...renderers.bokehdiff.settings import TWO_RADII
from ...renderers.bokehdiff.weight_files import SHIPPED
from ..engine.config import OptimiserConfig, RunConfig
from ..recipe import FamilyRecipe, Option, fast_precision
from ..scenes.base_picture import BasePicture
from ..scenes.config import DataConfig
from ..scenes.degraded import Degradation, DegradedScenes, identity_of_scenes
from ..scenes.disparity_errors import DisparityErrors
from ..scenes.low_quality import LowQuality
from ..scenes.recipe_scenes import SCENE_SEED, training_scenes, validation_scenes
from ..scenes.shards import StoredScenes, store_scenes
from ..shipping import FIRST
from .config import AutoencoderConfig, LatentConfig
from .fit_colour_encoder import load_colour_encoder
from .publish import AUTOENCODER, COLOUR_ENCODER, DECODER_TUNING, ship
from .recipe_scales import SCALES, Scale
from .recipe_table import table_trainings

FAMILY = ("bokehdiff", "bokehdiff-vanilla", "bokehdiff-no-softmaxq", "bokehdiff-no-occlusion", "bokehdiff-no-coc")
"""The full model and its ablations, most wanted first: all are trained in the same way."""

PLUS = "bokehdiff-plus"
SCENES, DEGRADED, POOR, SHIP = "scenes", "degraded", "poor", "ship"
LOW_QUALITY = "bokehdiff-low-quality"
"""``bokehdiff``, the shipped one, trained on poor pictures."""

TABLE = "table"
"""The shipped one's losses, encoder and timestep, one at a time: the paper's Table 2."""

BASE = "classical-occlusion"

LEARNING_RATE = 1e-3
"""Muon's, of the U-Nets."""

LATER_RATE = 5e-4
"""Muon's, of the U-Nets' second and third training, which start from trained weights."""

DECODER_RATE = 3e-4
"""Muon's, of the decoder: at 1e-3 it loses 5 dB before it gains any."""

PAIR_CUT = 7.0
"""Circles that weigh less than e^-7 are left out of training, which spares a fifth of a step's time."""


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    """``scale``: a name in SCALES; ``shipped``: the folder of the weights that ship."""

    scale: Annotated[str, Option("for two cores or one large GPU", choices=tuple(SCALES))] = "cpu"
    precision: Annotated[str, Option("of trainings; default: what is fastest here", choices=("no", "bf16"))] = field(
        default_factory=fast_precision
    )
    shipped: Path = SHIPPED

    @property
    def sizes(self) -> Scale:
        """Return the scale's numbers."""
        return SCALES[self.scale]

    @property
    def scenes(self) -> SynthesisSettings:
        """Return what training scenes are drawn from: two to four layers, any of them in focus or none."""
        return training_scenes(self.photographs, self.cutouts)

    @property
    def scene_folder(self) -> Path:
        """Where scenes are stored."""
        return self.output / SCENES

    @property
    def degraded_folder(self) -> Path:
        """Where the same scenes are stored with wrong disparity and the base's picture."""
        return self.output / DEGRADED

    @property
    def poor_folder(self) -> Path:
        """Where the same scenes are stored with poor pictures."""
        return self.output / POOR

    @property
    def autoencoder(self) -> RunConfig:
        """Return the autoencoder's training."""
        watched = self.validation_photographs
        return RunConfig(
            task="bokehdiff/autoencoder",
            output=str(self.output / AUTOENCODER),
            model=AutoencoderConfig(
                data=DataConfig(
                    scenes=_photographs(self.photographs),
                    crop_px=96,
                    validation=_photographs(watched) if watched else None,
                ),
                size=self.sizes.size,
            ),
            steps=self.sizes.autoencoder_steps,
            batch=16,
            optimiser=OptimiserConfig(learning_rate=2.5e-4, warmup=40, hold=0.2, weight_decay=0.0),
            ema=0.995,
            precision=self.precision,
            checkpoint_every=150,
            validate_every=150,
            validation_count=16,
            minutes=self.minutes,
        )

    @property
    def decoder(self) -> RunConfig:
        """Return the decoder's second training, by Muon; latents stay what they are."""
        first = self.autoencoder
        return dataclasses.replace(
            first,
            output=str(self.output / DECODER_TUNING),
            model=dataclasses.replace(first.model, start=f"{first.output}/model", fixed_encoder=True),
            steps=self.sizes.decoder_steps,
            optimiser=dataclasses.replace(first.optimiser, method="muon", learning_rate=DECODER_RATE),
        )

    def trainings(self, part: str) -> tuple[RunConfig, ...]:
        """Return what trains the ``autoencoder``, its ``decoder``, or a variant, in this order."""
        if part == AUTOENCODER:
            return (self.autoencoder,)
        if part == DECODER_TUNING:
            return (self.decoder,)
        if part == PLUS:
            return (self._unet(part, self.sizes.plus_steps),)
        if part == LOW_QUALITY:
            return (self._low_quality(),)
        if part == TABLE:
            return table_trainings(self._family(FAMILY[0])[-1], self.output / TABLE)
        return self._family(part)

    def _family(self, variant: str) -> tuple[RunConfig, RunConfig, RunConfig]:
        """Train from scratch, then on the logarithm, a poor loss to start with, then with two radii at depth edges."""
        whole = self._unet(variant, self.sizes.first_steps)
        second_output = f"{whole.output}/{FIRST}"
        first = dataclasses.replace(whole, output=f"{second_output}/{FIRST}")
        second = dataclasses.replace(
            whole,
            output=second_output,
            model=dataclasses.replace(
                whole.model,
                start=f"{first.output}/model",
                output_form=None,
                latent_loss="psnr",
                hardness=whole.model.hardness[1:] * 2,
            ),
            steps=self.sizes.second_steps,
            optimiser=dataclasses.replace(whole.optimiser, learning_rate=LATER_RATE),
            seed=first.seed + 1,
        )
        third = dataclasses.replace(
            second,
            output=whole.output,
            model=dataclasses.replace(second.model, start=f"{second.output}/model", pooling=TWO_RADII),
            steps=self.sizes.third_steps,
            seed=second.seed + 1,
        )
        return first, second, third

    def _low_quality(self) -> RunConfig:
        """Return the last training of ``bokehdiff`` again, on poor pictures and from the weights that ship."""
        training = self._family(FAMILY[0])[-1]
        data = dataclasses.replace(
            training.model.data, stored=str(self.poor_folder), count=self.sizes.degraded_scenes, pictures="poor"
        )
        shipped = {"start": "shipped", "autoencoder": None, "colour_encoder": None}
        return dataclasses.replace(
            training,
            output=str(self.output / LOW_QUALITY),
            model=dataclasses.replace(training.model, data=data, **shipped),
            steps=self.sizes.low_quality_steps,
            seed=training.seed + 1,
        )

    def _unet(self, variant: str, steps: int) -> RunConfig:
        """Return a variant's training against latents, from its random start."""
        plus = variant == PLUS
        scale = self.sizes
        data = DataConfig(
            scenes=self.scenes,
            stored=str(self.degraded_folder if plus else self.scene_folder),
            count=scale.degraded_scenes if plus else scale.scenes,
            disparity="robust" if plus else "true",
            crop_px=scale.crop_px,
            validation=self._validation(),
        )
        model = LatentConfig(
            data=data,
            variant=variant,
            size=scale.size,
            autoencoder=f"{self.decoder.output}/model",
            colour_encoder=None if plus else str(self.output / COLOUR_ENCODER),
            output_form=None if plus else "blurred-colours",
            latent_loss="psnr" if plus else "mse",
            hardness=(1e5, 1e7),
            rays=1,
            pair_cut=PAIR_CUT,
        )
        return RunConfig(
            task="bokehdiff/latent",
            output=str(self.output / variant),
            model=model,
            steps=steps,
            batch=scale.batch,
            optimiser=OptimiserConfig(
                method="muon", learning_rate=LEARNING_RATE, warmup=40, hold=0.3, weight_decay=0.0
            ),
            precision=self.precision,
            checkpoint_every=100,
            validate_every=200,
            validation_count=12,
            minutes=self.minutes,
        )

    def store_scenes(self) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        scenes = SyntheticScenes(self.scenes)
        store_scenes(scenes, self.sizes.scenes, self.scene_folder, identity_of_scenes(self.scenes), self.workers)

    def store_degraded_scenes(self) -> None:
        """Store the same scenes as ``bokehdiff-plus`` is given them: with wrong disparity and the base's picture."""
        self._store_changed((DisparityErrors(), BasePicture(BASE)), self.degraded_folder)

    def store_poor_scenes(self) -> None:
        """Store the same scenes with poor pictures."""
        self._store_changed((LowQuality(),), self.poor_folder)

    def _store_changed(self, degradations: Sequence[Degradation], folder: Path) -> None:
        scenes = DegradedScenes(StoredScenes(self.scene_folder), degradations, SCENE_SEED)
        identity = identity_of_scenes(self.scenes, degradations)
        store_scenes(scenes, self.sizes.degraded_scenes, folder, identity, self.workers)

    def fit_colours(self) -> None:
        """Fit the colour encoder to the autoencoder, unless that is done.

        Raises InvalidOptionError where the folder holds one that was fitted to another autoencoder.
        """
        from .fit_colour_encoder import fit_colour_encoder

        folder = self.output / COLOUR_ENCODER
        pipeline = load_saved(Path(self.decoder.output) / "model", torch.float32)
        if (folder / "config.json").is_file():
            load_colour_encoder(folder, pipeline.vae)
        else:
            fit_colour_encoder(pipeline, (self.photographs,)).save_pretrained(folder)

    def ship(self) -> None:
        """Write what is finished of the family and PLUS to the folder of those that ship; see ``publish.ship``."""
        ship(self.output, [*FAMILY, PLUS], self.shipped)

    def _validation(self) -> SynthesisSettings | None:
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


def _photographs(folder: str) -> SynthesisSettings:
    """Return scenes of which the autoencoder sees the photographs alone."""
    return SynthesisSettings(photographs=(folder,), painted=1)
