"""Networks that belong together under fixed names: moved, saved and loaded as one, in diffusers' layout of folders."""

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import nn

from ..weights import read_index
from .stored_networks import load_network, load_scheduler

INDEX = "model_index.json"

ALIGNMENT_BYTES = 64
"""Where torch puts its own tensors on the CPU."""


class NetworkGroup(ABC):
    """Networks and a scheduler as attributes, with settings beside them.

    - ``PARTS``: name of a part -> ``"module:class"`` inside ``bokehbench``, imported when it is loaded. What a folder's
      index says of classes is not followed, so that a class may move and no file chooses what is imported.
    - ``OPTIONAL``: names of parts that may be None.

    A sub-class takes the parts and ``settings`` (of JSON) by name.
    """

    PARTS: ClassVar[Mapping[str, str]] = {}
    OPTIONAL: ClassVar[frozenset[str]] = frozenset()

    @property
    def components(self) -> dict[str, Any]:
        """Every part by its name."""
        return {name: getattr(self, name) for name in self.PARTS}

    @property
    def networks(self) -> list[nn.Module]:
        """The parts with weights."""
        return [part for part in self.components.values() if isinstance(part, nn.Module)]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.networks[0].parameters()).device

    def register_modules(self, **parts: Any) -> None:
        """Set or replace parts; weights that were loaded are aligned in memory."""
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                _align_weights(part)
            setattr(self, name, part)

    def to(self, *where: Any, **options: Any) -> Self:
        """Move or convert all networks, with the arguments of ``nn.Module.to``."""
        for network in self.networks:
            network.to(*where, **options)
        return self

    @abstractmethod
    def settings_json(self) -> dict[str, Any]:
        """Return the settings that are saved with the networks."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write each part to a sub-folder of its name (weights as safetensors), and the index with the settings."""
        from ...core.diffusers import __version__

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        index: dict[str, Any] = {"_class_name": type(self).__name__, "_diffusers_version": __version__}
        for name, part in self.components.items():
            if part is not None:
                part.save_pretrained(folder / name)
            index[name] = _library_and_class(part)
        index["settings"] = self.settings_json()
        (folder / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")

    @classmethod
    def from_pretrained(cls, folder: str | Path, dtype: torch.dtype = torch.float32, **given: Any) -> Self:
        """Load what ``save_pretrained`` wrote, on the CPU; ``given``: parts that stand in for the folder's.

        Raises MissingWeightsError where files are absent or damaged, InvalidOptionError where an entry of one is wrong.
        """
        folder = Path(folder)
        index = read_index(folder / INDEX)
        parts = dict(given)
        for name in cls.PARTS.keys() - given.keys():
            absent = index.get(name, [None, None])[0] is None
            parts[name] = None if absent and name in cls.OPTIONAL else cls._load_part(name, folder / name, dtype)
        build: Any = cls  # what a sub-class takes
        return build(**parts, settings=index["settings"])

    @classmethod
    def _load_part(cls, name: str, folder: Path, dtype: torch.dtype) -> Any:
        module, _, kind = cls.PARTS[name].partition(":")
        part = getattr(importlib.import_module(module, "bokehbench"), kind)
        return load_network(part, folder, dtype) if issubclass(part, nn.Module) else load_scheduler(part, folder)


def _library_and_class(part: Any) -> list[str | None]:
    if part is None:
        return [None, None]
    module = type(part).__module__
    return ["diffusers" if module.startswith("diffusers.") else module, type(part).__name__]


def _align_weights(network: nn.Module) -> None:
    """Copy weights that lie in memory where matrix products would start their sums differently.

    safetensors maps files as they are, at any address; the last bits of a product on the CPU depend on it.
    """
    for weight in network.parameters():
        if weight.device.type == "cpu" and weight.data_ptr() % ALIGNMENT_BYTES:
            weight.data = weight.data.clone()
