"""From the compact recipe's trainings to the weights that ship, with a record of the training beside each."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.files import write_json
from ...renderers.bokehdiff.checkpoints import load_saved, save_compact
from ...renderers.bokehdiff.settings import BLURRED_COLOURS
from ...renderers.bokehdiff.weight_files import INDEX, SHARED_AUTOENCODER
from ...renderers.weights import RECORD_FILE, SHARED_FILE, read_index
from ..engine.validation import read_curve
from ..records import RECORDED_RUN, nameless, read_finished, require_finished, summarise
from ..shipping import FIRST
from .digests import digest_encoder
from .fit_colour_encoder import load_colour_encoder

AUTOENCODER = "autoencoder"
"""The training of the autoencoder."""

DECODER_TUNING = "decoder"
"""The training whose autoencoder all models ship with: it has the encoder that they were trained with."""

COLOUR_ENCODER = "colours"
"""The folder of the colour encoder."""

RECORDED_MODEL = ("variant", "size", "pooling", "latent_loss", "hardness", "rays", "pair_cut")
"""What of a model's configuration a reader of its weights may want to know, as far as its task has it."""


def ship(trainings: Path, variants: Sequence[str], folder: Path) -> None:
    """Write the ``variants`` that are trained to ``folder``/<variant> in half precision, one autoencoder for all.

    ``trainings``/<variant>: the output of each one's training; those that are not finished are left out. The decoder
    is that of ``trainings``/decoder, the colour encoder, where a model needs one, ``trainings``/colours; both may be
    younger than a model.
    Beside each, and beside the autoencoder, lies training.json: its recipe and its validation curve, without the names
    of anybody's folders.
    Raises MissingWeightsError where no model is finished or a part is absent, InvalidOptionError where a model was
    trained with another encoder, or one that is not replaced decodes through another autoencoder.
    """
    finished = [variant for variant in variants if (trainings / variant / "model").is_dir()]
    if not finished:
        raise MissingWeightsError(f"{trainings}: no model is finished: nothing to ship")
    if not (trainings / DECODER_TUNING / "model").is_dir():
        raise MissingWeightsError(f"{trainings}: no decoder is finished: train it first")
    vae = load_saved(trainings / DECODER_TUNING / "model", torch.float32).vae
    colours = load_colour_encoder(trainings / COLOUR_ENCODER, vae)
    folders = {variant: trainings / variant for variant in finished}
    records = {variant: training_record(folder, folder / FIRST) for variant, folder in folders.items()}
    record_of_autoencoder = training_record(trainings / DECODER_TUNING, trainings / AUTOENCODER)
    pipelines = {variant: load_saved(trainings / variant / "model", torch.float32) for variant in finished}
    for variant, pipeline in pipelines.items():
        if digest_encoder(pipeline.vae) != digest_encoder(vae):
            raise InvalidOptionError(
                f"{variant} was trained with another encoder than {DECODER_TUNING}: train it again"
            )
    if not {path.parent.name for path in folder.glob(f"*/{SHARED_FILE}")} - set(finished):
        shutil.rmtree(folder / SHARED_AUTOENCODER, ignore_errors=True)  # else it must be the same: see save_compact
    for variant, pipeline in pipelines.items():
        starts = pipeline.active_settings.output_form == BLURRED_COLOURS
        pipeline.register_modules(vae=vae, colour_encoder=colours if starts else None)
        save_compact(pipeline, folder / variant)
        write_json(folder / variant / RECORD_FILE, records[variant])
    write_json(folder / SHARED_AUTOENCODER / RECORD_FILE, record_of_autoencoder)


def training_record(trained: Path, before: Path) -> dict[str, Any]:
    """Return what a reader of the results should know about a finished training and, as ``first``, the one ``before``.

    Without the latter where the training started from nothing, or that has no record. ``summary`` is one sentence about
    all of them, ``seconds`` their sum; all else is the last one's.
    Raises MissingWeightsError where ``trained`` has no record, InvalidOptionError for a damaged one.
    """
    require_finished(trained)
    record = read_finished(trained / "model" / RECORD_FILE)
    config = record["configuration"]
    model = config["model"]
    went_on = model["start"] is not None and (before / "model" / RECORD_FILE).is_file()
    first = training_record(before, before / FIRST) if went_on else None
    data = model["data"]
    settings = read_index(trained / "model" / INDEX)["settings"]
    seconds = round(record["seconds"] + (0.0 if first is None else first["seconds"]), 1)
    return {
        "summary": summarise(record, seconds, first),
        "seconds": seconds,
        **{name: config[name] for name in RECORDED_RUN},
        **{name: model[name] for name in RECORDED_MODEL if name in model},
        "output_form": settings["output_form"],
        "scenes": nameless(data["scenes"]),
        "disparity": data["disparity"],
        "validation": read_curve(trained),
        **({} if first is None else {"first": first}),
    }
