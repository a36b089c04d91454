"""Networks from diffusers' folders, whole or not at all: every tensor there, of its shape, a finite number.

diffusers keeps the random start of a weight that the file lacks, or leaves it without memory, and passes over one that
the network does not have; both with no more than a warning.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from ...core.errors import BokehBenchError, InvalidOptionError, MissingWeightsError
from ..weights import read_object
from .configurations import read_configuration

log = logging.getLogger(__name__)

STEM = "diffusion_pytorch_model"
FLOATS = ("F64", "F32", "F16", "BF16")
Shape = tuple[int, ...]


def load_network(kind: Any, folder: Path, dtype: torch.dtype, variant: str | None = None) -> Any:
    """Load a network of diffusers' class ``kind`` from its folder, on the CPU; ``variant``: ``fp16`` or None.

    Raises InvalidOptionError or MissingWeightsError that names the file and, where there is one, entry or tensor.
    """
    configuration = read_configuration(folder / "config.json", kind.__name__)
    with naming_damage(folder):
        shapes: dict[str, Shape] = {}
        for path in weight_files(folder, variant):
            with naming_damage(path):
                shapes |= read_shapes(path)
        _check_shapes(kind, configuration, shapes, folder)
        options = {"variant": variant, "use_safetensors": True, "local_files_only": True, "output_loading_info": True}
        with _without_warnings():
            network, found = kind.from_pretrained(folder, dtype=dtype, **options)
    for what, names in (("lacks", found["missing_keys"]), ("holds, beside the network's,", found["unexpected_keys"])):
        if names:
            raise MissingWeightsError(f"{folder}: the file {what} '{min(names)}' ({len(names)} so): get it again")
    check_finite(network, folder)
    return network


def load_scheduler(kind: Any, folder: Path) -> Any:
    """Load a scheduler of diffusers' class ``kind``. Raises as ``load_network``."""
    path = folder / "scheduler_config.json"
    configuration = read_configuration(path, kind.__name__)
    with naming_damage(path):
        return kind.from_config(configuration)


def weight_files(folder: Path, variant: str | None = None) -> list[Path]:
    """Return a network's safetensors: one file, or those that an index of parts names.

    Raises InvalidOptionError where the index names anything but safetensors in its own folder, MissingWeightsError
    where a file is absent.
    """
    suffix = f".{variant}" if variant else ""
    index = folder / f"{STEM}.safetensors.index{suffix}.json"
    names = [f"{STEM}{suffix}.safetensors"]
    if index.is_file():
        parts = read_object(index).get("weight_map")
        if not isinstance(parts, dict) or not parts:
            raise InvalidOptionError(f"{index}: weight_map: expected a file for each tensor, got {parts!r:.60}")
        for name in parts.values():
            if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+\.safetensors", name):
                raise InvalidOptionError(f"{index}: expected names of safetensors beside it, got {name!r:.60}")
        names = sorted(set(parts.values()))
    for name in names:
        if not (folder / name).is_file():
            raise MissingWeightsError(f"{folder / name}: there is no such file, and its network needs it: get it")
    return [folder / name for name in names]


def read_shapes(path: Path) -> dict[str, Shape]:
    """Return the shape of every tensor of a safetensors file; reads its header only.

    Raises SafetensorError for another file, InvalidOptionError for a tensor that is not of floats.
    """
    shapes = {}
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - it is no mapping
            tensor = file.get_slice(name)
            if tensor.get_dtype() not in FLOATS:
                expected = ", ".join(FLOATS)
                raise InvalidOptionError(f"{path}: '{name}': expected {expected}, got {tensor.get_dtype()}")
            shapes[name] = tuple(tensor.get_shape())
    return shapes


def check_finite(network: nn.Module, source: Path) -> None:
    """Raise InvalidOptionError that names the first weight which is NaN or infinite in the network's type."""
    for name, weight in network.state_dict().items():
        if not bool(weight.isfinite().all()):
            raise InvalidOptionError(
                f"{source}: '{name}' holds NaN or infinite values as {str(weight.dtype).removeprefix('torch.')}:"
                " get it again, or use --dtype float32"
            )


@contextmanager
def naming_damage(source: Path) -> Iterator[None]:
    """Turn whatever diffusers, peft and safetensors raise for damaged files into one line that names ``source``."""
    try:
        yield
    except (BokehBenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        log.debug("%s", source, exc_info=error)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingWeightsError(f"{source}: not complete, or damaged ({reason}): get it again") from error


def _check_shapes(kind: Any, configuration: dict[str, Any], shapes: dict[str, Shape], folder: Path) -> None:
    """Compare the file with the network before one is built that fills the memory."""
    architecture = {name: value for name, value in configuration.items() if name != "_name_or_path"}
    expected = _expected_shapes(kind, json.dumps(architecture, sort_keys=True))
    for name, shape in shapes.items():
        if name in expected and shape != expected[name]:
            raise InvalidOptionError(
                f"{folder}: '{name}': config.json asks for {expected[name]}, the file holds {shape}: get both again"
            )
    absent = expected.keys() - shapes.keys()
    if len(expected) != len(shapes) and absent:
        raise MissingWeightsError(f"{folder}: the file lacks '{min(absent)}' ({len(absent)} so): get it again")


@lru_cache(maxsize=16)
def _expected_shapes(kind: Any, architecture: str) -> dict[str, Shape]:
    """Return the shape of every tensor of a network; many weights share an architecture, and its modules take time."""
    with torch.device("meta"), _without_warnings():
        return {name: tuple(x.shape) for name, x in kind.from_config(json.loads(architecture)).state_dict().items()}


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep diffusers from warning of what is an error here."""
    loggers = [logging.getLogger(f"diffusers.{name}") for name in ("models.modeling_utils", "configuration_utils")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
