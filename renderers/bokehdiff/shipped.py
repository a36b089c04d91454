"""Where the weights lie that are part of this package. Imports no torch, so that their absence is said at once."""

from pathlib import Path

from ..errors import MissingWeightsError
from .variants import FULL_MODEL

SHIPPED = Path(__file__).parent / "weights"
"""One folder per variant, written by ``BokehDiffPipeline.save_pretrained`` in float16."""

INDEX = "model_index.json"
"""The file that makes a folder a saved pipeline."""


def find_shipped(variant: str) -> Path:
    """Return the folder of the variant's shipped weights.

    Raises MissingWeightsError that says what can be used instead; other weights are never taken in their place.
    """
    folder = SHIPPED / variant
    if (folder / INDEX).is_file():
        return folder
    raise MissingWeightsError(
        f"{variant}: weights of this variant are not trained and shipped yet: use {variant}@FOLDER for weights of your"
        f" own, {FULL_MODEL}@sdxl for the authors', or classical"
    )
