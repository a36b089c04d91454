"""From the compact recipe's trainings to the weights that ship, with a record of the training beside each."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ....benchmarks.files import write_json
from ...errors import InvalidOptionError, MissingWeightsError
from ..checkpoints import load_saved, save_compact
from ..pipeline import BokehDiffPipeline
from ..weight_files import RECORD_FILE, SHARED_AUTOENCODER, SHARED_FILE
from .stages import take_autoencoder

DECODER = "decoder"
"""The training whose autoencoder all models ship with: it has the encoder that they were trained with."""

KEPT = (
    "steps", "batch", "optimiser", "latent_loss", "hardness", "rays", "pair_cut", "precision", "seed", "size", "variant"
)  # fmt: skip
"""What of a training's configuration a reader of its weights may want to know."""


def ship(trainings: Path, variants: Sequence[str], folder: Path) -> None:
    """Write the ``variants`` that are trained to ``folder``/<variant> in half precision, one autoencoder for all.

    ``trainings``/<variant>: the output of each one's training; those that are not finished are left out. The decoder
    and the colour encoder are those of ``trainings``/decoder, which may be younger than a model.
    Beside each lies training.json: its recipe and its validation curve, without the names of anybody's folders.
    Raises MissingWeightsError where no model or no decoder is finished, InvalidOptionError where a model was trained
    with another encoder, or one that is not replaced decodes through another autoencoder.
    """
    finished = [variant for variant in variants if (trainings / variant / "model").is_dir()]
    if not finished:
        raise MissingWeightsError(f"{trainings}: no model is finished: nothing to ship")
    if not (trainings / DECODER / "model").is_dir():
        raise MissingWeightsError(f"{trainings}: no decoder is finished: train it first")
    decoder = load_saved(trainings / DECODER / "model", torch.float32)
    records = {variant: describe_training(trainings / variant) for variant in finished}
    pipelines = {variant: load_saved(trainings / variant / "model", torch.float32) for variant in finished}
    for variant, pipeline in pipelines.items():
        _check_encoder(variant, pipeline, decoder)
    if not {path.parent.name for path in folder.glob(f"*/{SHARED_FILE}")} - set(finished):
        shutil.rmtree(folder / SHARED_AUTOENCODER, ignore_errors=True)  # else it must be the same: see save_compact
    for variant, pipeline in pipelines.items():
        take_autoencoder(pipeline, decoder)
        save_compact(pipeline, folder / variant)
        write_json(folder / variant / RECORD_FILE, records[variant])


def _check_encoder(variant: str, pipeline: BokehDiffPipeline, decoder: BokehDiffPipeline) -> None:
    own, other = (x.vae.state_dict() for x in (pipeline, decoder))
    encoder = [name for name in other if name.startswith(("encoder.", "quant_conv."))]
    if not all(name in own and torch.equal(own[name], other[name]) for name in encoder):
        raise InvalidOptionError(f"{variant} was trained with another encoder than {DECODER}: train it again")


def describe_training(trained: Path) -> dict[str, Any]:
    """Return what a reader of the results should know about a finished training; ``summary`` is one sentence."""
    record = json.loads((trained / "model" / RECORD_FILE).read_text(encoding="utf-8"))
    config = record["configuration"]
    data = config["data"]
    settings = json.loads((trained / "model" / "model_index.json").read_text(encoding="utf-8"))["settings"]
    curve = trained / "validation.jsonl"
    lines = curve.read_text(encoding="utf-8").splitlines() if curve.is_file() else []
    nameless: dict[str, list[str]] = {"photographs": [], "cutouts": []}
    return {
        "summary": _summarise(record),
        "seconds": record["seconds"],
        **{name: config[name] for name in KEPT},
        "parametrisation": settings["parametrisation"],
        "scenes": data["scenes"] | nameless,
        "disparity": data["disparity"],
        "validation": [json.loads(line) for line in lines],
    }


def _summarise(record: Mapping[str, Any]) -> str:
    config = record["configuration"]
    return (
        f"{config['steps']} steps of {config['batch']} crops of {config['data']['crop_px']} px out of "
        f"{config['data']['count']} synthesised scenes, {record['seconds'] / 60.0:.0f} minutes on {record['device']}"
    )
