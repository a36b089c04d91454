"""From the compact recipe's trainings to the weights that ship, with a record of the training beside each."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ....benchmarks.files import write_json
from ...errors import MissingWeightsError
from ..checkpoints import load_checkpoint, save_compact
from ..weight_files import RECORD_FILE, SHARED_AUTOENCODER, SHARED_FILE

KEPT = (
    "steps", "batch", "optimiser", "latent_loss", "hardness", "rays", "pair_cut", "precision", "seed", "size", "variant"
)  # fmt: skip
"""What of a training's configuration a reader of its weights may want to know."""


def ship(trainings: Path, variants: Sequence[str], folder: Path) -> None:
    """Write the ``variants`` that are trained to ``folder``/<variant> in half precision, one autoencoder for all.

    ``trainings``/<variant>: the output of each one's training; those that are not finished are left out.
    Beside each lies training.json: its recipe and its validation curve, without the names of anybody's folders.
    Raises MissingWeightsError where no model is finished, InvalidOptionError where a model that is not replaced decodes
    through another autoencoder.
    """
    finished = [variant for variant in variants if (trainings / variant / "model").is_dir()]
    if not finished:
        raise MissingWeightsError(f"{trainings}: no model is finished: nothing to ship")
    if not {path.parent.name for path in folder.glob(f"*/{SHARED_FILE}")} - set(finished):
        shutil.rmtree(folder / SHARED_AUTOENCODER, ignore_errors=True)  # else it must be the same: see save_compact
    records = {variant: describe_training(trainings / variant) for variant in finished}
    for variant, record in records.items():
        trained = str(trainings / variant / "model")
        save_compact(load_checkpoint(variant, trained, torch.float32).pipeline, folder / variant)
        write_json(folder / variant / RECORD_FILE, record)


def describe_training(trained: Path) -> dict[str, Any]:
    """Return what a reader of the results should know about a finished training; ``summary`` is one sentence.

    ``seconds`` and ``validation`` are the training's own; ``summary`` also tells of the one beside it that it went on
    from. Raises MissingWeightsError where that is gone.
    """
    record = json.loads((trained / "model" / RECORD_FILE).read_text(encoding="utf-8"))
    config = record["configuration"]
    data = config["data"]
    settings = json.loads((trained / "model" / "model_index.json").read_text(encoding="utf-8"))["settings"]
    curve = trained / "validation.jsonl"
    lines = curve.read_text(encoding="utf-8").splitlines() if curve.is_file() else []
    nameless: dict[str, list[str]] = {"photographs": [], "cutouts": []}
    summary = _summarise(record)
    if config["start"] is not None:
        first = trained.parent / Path(config["start"]).parent.name / "model" / RECORD_FILE
        if not first.is_file():
            raise MissingWeightsError(f"{first}: not there, and {trained.name} went on from it: put it back")
        summary += f", after {_summarise(json.loads(first.read_text(encoding='utf-8')))}"
    return {
        "summary": summary,
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
