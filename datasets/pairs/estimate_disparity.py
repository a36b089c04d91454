"""``python -m bokehbench.datasets.pairs.estimate_disparity DATASET``: estimate the disparity of photographs.

A relative Depth-Anything-V2 model predicts inverse depth, larger = nearer, which is stored as it comes; a metric one
predicts depth, of which the reciprocal is stored. Which of the two a model is stands in its configuration.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from ...core.commands import ends_in_one_line
from ...core.documents import read_mapping
from ...core.errors import (
    BokehBenchError,
    DamagedDataError,
    InvalidOptionError,
    MissingDataError,
    MissingWeightsError,
)
from ...core.fetch import NETWORK
from ...core.option_parser import OneLineParser
from ...core.progress import ProgressBar
from ...core.torchvision_guard import ensure_torchvision
from ..catalogue import load_dataset
from ..files.data_root import HELP, default_data_root
from ..files.pictures import read_picture
from ..interface import UserPictures

DEFAULT_MODEL = "depth-anything/Depth-Anything-V2-Large-hf"
MODEL_FILES = ("*.json", "*.safetensors")
RECORD_NAME = "disparity_model.json"
PREPARED_BY = ("size", "ensure_multiple_of", "keep_aspect_ratio", "resample", "image_mean", "image_std")
"""What a processor's settings say about the pictures that the network sees."""

LEAST_DEPTH = 1e-3
"""Metric depths below this (m) are taken for this: a reciprocal needs a floor."""

Picture = NDArray[np.float32]


class DepthAnything:
    """A Depth-Anything model of the hub, or in a folder, through transformers. Only safetensors are read.

    Raises MissingDataError where the hub does not give the model, MissingWeightsError where transformers or the weights
    are absent, InvalidOptionError for a model that does not say whether it predicts depth or inverse depth.
    """

    def __init__(self, model: str, device: str):
        ensure_torchvision()
        try:
            from transformers import AutoImageProcessor, AutoModelForDepthEstimation
        except ImportError as error:
            raise MissingWeightsError(
                f"disparity needs the package transformers: pip install -c constraints.txt -e '.[disparity]': {error}"
            ) from error
        folder = Path(model)
        if not folder.is_dir():
            remedy = "give the command again to go on, or a folder with --model"
            folder = NETWORK.fetch_repository(model, MODEL_FILES, remedy, missing=MissingDataError)
        try:
            self.processor = AutoImageProcessor.from_pretrained(folder)
            self.model = AutoModelForDepthEstimation.from_pretrained(folder, use_safetensors=True).to(device).eval()
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise MissingWeightsError(f"--model {model}: cannot be loaded: {reason}") from error
        self.name, self.device = model, device
        self.revision = None if folder == Path(model) else folder.name
        self.kind = getattr(self.model.config, "depth_estimation_type", None)
        if self.kind not in ("relative", "metric"):
            raise InvalidOptionError(
                f"--model {model}: its configuration does not say depth_estimation_type relative or metric, "
                "so it is unknown whether larger is nearer: use a Depth-Anything-V2 model"
            )

    def describe(self) -> dict[str, Any]:
        """Return what a map depends on beside the picture, for the record.

        transformers prepares pictures by torchvision or by Pillow, which differ by up to 2 levels.
        """
        kind = type(self.processor).__name__
        backend = getattr(self.processor, "backend", None) or ("torchvision" if kind.endswith("Fast") else "pil")
        settings = json.loads(self.processor.to_json_string())
        prepared = {key: settings[key] for key in PREPARED_BY if key in settings}
        processor = {"class": kind.removesuffix("Fast").removesuffix("Pil"), "backend": str(backend), **prepared}
        return {"model": self.name, "revision": self.revision, "processor": processor}

    @torch.inference_mode()
    def estimate(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Return the disparity (H,W) of each picture (H,W,3), display-encoded, [0,1]; larger = nearer, at its size.

        Pictures that are of one size after the model's own scaling go through it together.
        """
        inputs = [self._prepare(picture) for picture in pictures]
        groups = defaultdict(list)
        for index, tensor in enumerate(inputs):
            groups[tensor.shape].append(index)
        maps: dict[int, Picture] = {}
        for members in groups.values():
            outputs = self.model(pixel_values=torch.stack([inputs[i] for i in members]).to(self.device))
            sizes = [pictures[i].shape[:2] for i in members]
            found = self.processor.post_process_depth_estimation(outputs, target_sizes=sizes)
            for index, result in zip(members, found, strict=True):
                maps[index] = self._as_disparity(result["predicted_depth"].float().cpu().numpy())
        return [maps[index] for index in range(len(pictures))]

    def _prepare(self, picture: Picture) -> torch.Tensor:
        levels = np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
        return self.processor(images=levels, return_tensors="pt")["pixel_values"][0]

    def _as_disparity(self, prediction: Picture) -> Picture:
        if self.kind == "relative":
            return prediction
        return np.reciprocal(np.maximum(prediction, np.float32(LEAST_DEPTH)))


def make_disparity(jobs: Sequence[tuple[Path, Path]], estimator: Any, batch_size: int) -> list[str]:
    """Write a map (float32 .npy) for each picture, each whole or not at all. Returns a line per failed picture."""
    failures: list[str] = []
    with ProgressBar(total=len(jobs), desc="disparity", unit="picture") as progress:
        for start in range(0, len(jobs), batch_size):
            batch = jobs[start : start + batch_size]
            readable = list(_read(batch, failures))
            if readable:
                maps = estimator.estimate([picture for _, picture in readable])
                for (path, _), disparity in zip(readable, maps, strict=True):
                    _write(path, disparity, failures)
            progress.update(len(batch))
    return failures


def _read(batch: Sequence[tuple[Path, Path]], failures: list[str]) -> Iterator[tuple[Path, Picture]]:
    for source, destination in batch:
        try:
            yield destination, read_picture(source)
        except BokehBenchError as error:
            failures.append(str(error))


def _write(path: Path, disparity: Picture, failures: list[str]) -> None:
    if not np.isfinite(disparity).all() or float(disparity.min()) == float(disparity.max()):
        failures.append(f"{path}: the model returned a map that is constant or not finite: not written")
        return
    write_atomically(path, lambda file: np.save(file, disparity.astype(np.float32), allow_pickle=False))


def check_record(folder: Path, made_by: Mapping[str, Any]) -> None:
    """Refuse to mix the maps of two models, of two revisions of one, or of two processors, in a data set.

    ``made_by``: as ``DepthAnything.describe`` returns it. A new data set remembers it; records that name no processor
    are of earlier maps, of which it is not known. Raises InvalidOptionError, DamagedDataError.
    """
    path, model = folder / RECORD_NAME, made_by["model"]
    if not os.path.lexists(path):
        text = json.dumps(dict(made_by), indent=1) + "\n"
        write_atomically(path, lambda file: file.write(text.encode()))
        return
    record = read_mapping(path, "the name of a model")
    if not {"model", "revision"} <= set(record):
        raise DamagedDataError(f"{path}: expected the name of a model: delete the file: it has {', '.join(record)}")
    if record["model"] != model:
        raise InvalidOptionError(
            f"--model {model}: maps in {folder} are from {record['model']}: use it, or delete them and {path.name}"
        )
    for part in ("revision", "processor"):
        if part in record and record[part] != made_by[part]:
            raise InvalidOptionError(
                f"--model {model}: maps in {folder} are from its {part} {record[part]}, this is {made_by[part]}:"
                f" delete them and {path.name} to make them again"
            )


@ends_in_one_line("error", "interrupted; finished maps are kept: give the same command to go on", also=(OSError,))
def main(arguments: Sequence[str] | None = None) -> int:
    """Estimate the disparity that a data set lacks. Exit code 1: pictures failed; 2: it cannot run."""
    options = _build_parser().parse_args(arguments)
    try:
        return _run(options)
    except torch.OutOfMemoryError as error:
        remedy = "lower --batch-size or take a smaller model"
        raise InvalidOptionError(f"out of memory on {options.device}: {remedy}") from error


def _build_parser() -> OneLineParser:
    parser = OneLineParser(prog="python -m bokehbench.datasets.pairs.estimate_disparity", description=main.__doc__)
    parser.add_argument("dataset", metavar="DATASET", help="ebb, realbokeh or folder")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="name on the hub, or a folder; default: %(default)s (its licence: CC BY-NC 4.0)",
    )
    parser.add_argument("--batch-size", type=int, default=4, metavar="N", help="pictures at once; default: 4")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument(
        "--held-out",
        type=int,
        default=0,
        metavar="N",
        help="as well N scenes outside the split, to fit the blur strength",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.batch_size < 1 or options.held_out < 0:
        raise InvalidOptionError("expected --batch-size of at least 1 and --held-out of at least 0")
    data_root = options.data_root or default_data_root()
    dataset = load_dataset(options.dataset, data_root)
    if not isinstance(dataset, UserPictures):
        raise InvalidOptionError(f"{options.dataset} brings its own disparity: there is nothing to estimate")
    jobs = dataset.disparity_jobs(options.held_out)
    if not jobs:
        print("every picture that is there has its disparity")
        return 0
    estimator = DepthAnything(options.model, options.device)
    check_record(dataset.folder, estimator.describe())
    failures = make_disparity(jobs, estimator, options.batch_size)
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(jobs) - len(failures)} of {len(jobs)} maps made; `run_bench.py --check {options.dataset}` checks them")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
