"""From a configuration to its samples: traced on the fly or stored, with the true disparity or what is told of it."""

from pathlib import Path

from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.synthetic.training_scenes import SyntheticScenes
from ..engine.config import TrainingConfig
from .degraded import ToldScenes, describe_scenes
from .disparity_errors import DisparityErrors
from .shards import StoredScenes


def open_scenes(config: TrainingConfig, base: str | None) -> Dataset[dict[str, Tensor]]:
    """Return the samples of ``config.data`` for a model on the renderer ``base`` (None: on none).

    Raises MissingDataError where nothing is stored, InvalidOptionError where it was stored with other settings.
    """
    data = config.data
    errors = DisparityErrors() if data.disparity == "robust" else None
    if data.stored is not None:
        return StoredScenes(Path(data.stored), data.count, describe_scenes(data.scenes, errors, base))
    scenes = SyntheticScenes(data.scenes)
    if errors is None and base is None:
        return scenes
    return ToldScenes(scenes, errors, base, data.scenes.seed)
