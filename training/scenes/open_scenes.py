"""From a configuration to its samples: traced on the fly or stored, as they are or degraded."""

from pathlib import Path

from torch.utils.data import Dataset

from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from .base_picture import BasePicture
from .config import DataConfig
from .degraded import Degradation, DegradedScenes, identity_of_scenes
from .disparity_errors import DisparityErrors
from .low_quality import LowQuality
from .sample import TrainingSample
from .shards import StoredScenes


def open_scenes(data: DataConfig, base: str | None) -> Dataset[TrainingSample]:
    """Return the samples of ``data`` for a model on the renderer ``base`` (None: on none).

    Raises MissingDataError where nothing is stored, InvalidOptionError where it was stored with other settings.
    """
    errors: list[Degradation] = [DisparityErrors()] if data.disparity == "robust" else []
    degradations = [*errors, *_poor_pictures(data.pictures), *_base_picture(base)]
    if data.stored is not None:
        return StoredScenes(Path(data.stored), data.count, identity_of_scenes(data.scenes, degradations))
    return DegradedScenes(SyntheticScenes(data.scenes), degradations, data.scenes.seed)


def open_validation(settings: SynthesisSettings, base: str | None, pictures: str = "clean") -> Dataset[TrainingSample]:
    """Return scenes with their true disparity, for a model on the renderer ``base``; ``pictures``: in ``PICTURES``."""
    degradations = [*_poor_pictures(pictures), *_base_picture(base)]
    return DegradedScenes(SyntheticScenes(settings), degradations, settings.seed)


def _poor_pictures(pictures: str) -> list[Degradation]:
    return [LowQuality()] if pictures == "poor" else []


def _base_picture(base: str | None) -> list[Degradation]:
    return [] if base is None else [BasePicture(base)]
