"""Where the learned metrics' weights come from: a folder of the user's, torch hub's cache, or the network."""

import hashlib
import os
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...core.errors import InvalidOptionError, MissingPackageError, MissingWeightsError
from ...core.fetch import NETWORK, DownloadError
from ...core.light_install import find_missing

FOLDER_VARIABLE = "BOKEHBENCH_WEIGHTS"
"""The environment variable that names a folder of weights, beside the one given by ``--weights``."""

SUBFOLDERS = ("", "lpips", "checkpoints", "pyiqa")
"""Where a folder of weights is searched; the last two make a copy of torch hub's cache such a folder."""

TRUNK_PARAMETER = re.compile(r"^(?:net\.slice|stage)\d+\.(\d+)\.(weight|bias)$")
"""How lpips and pyiqa name the parameters of a trunk that torchvision names ``features.<layer>.<weight or bias>``."""


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """A file of weights as its authors publish it, and the name of the same weights as safetensors.

    ``name`` ends in the first digits of the file's SHA-256, as in all of torch hub. ``cache`` is the folder of torch
    hub's cache in which torchvision or pyiqa keep it.
    """

    name: str
    url: str
    cache: str
    safetensors: str

    @property
    def sha256_prefix(self) -> str:
        """The digits of the hash that the name carries."""
        return self.name.removesuffix(".pth").rpartition("-")[2]


ALEXNET = WeightsFile(
    name="alexnet-owt-7be5be79.pth",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    cache="checkpoints",
    safetensors="alexnet_features.safetensors",
)
VGG16 = WeightsFile(
    name="vgg16-397923af.pth",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    cache="checkpoints",
    safetensors="vgg16_features.safetensors",
)
DISTS_WEIGHTS = WeightsFile(
    name="DISTS_weights-f5e65c96.pth",
    url="https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/DISTS_weights-f5e65c96.pth",
    cache="pyiqa",
    safetensors="DISTS_weights.safetensors",
)


def read_weights(file: WeightsFile, metric: str, folder: Path | None = None) -> dict[str, Tensor]:
    """Return the tensors of ``file`` by name, on the CPU.

    Looked for, in this order, as safetensors and as published: in ``folder``, in the folder that BOKEHBENCH_WEIGHTS
    names, in torch hub's cache; then fetched into that cache.
    Raises MissingWeightsError that says what to get and where to put it, InvalidOptionError for a folder that is none.
    """
    path = _find(file, folder)
    if path is None:
        path = _cached(file)
        try:
            NETWORK.fetch_file(file.url, path, file.sha256_prefix)
        except DownloadError as error:
            raise _absent(file, metric, folder, f"and could not be fetched ({error}): get") from error
    return _read_tensors(path, file)


def gather_weights(
    files: Sequence[WeightsFile], packages: Sequence[str], metric: str, folder: Path | None = None
) -> dict[str, Tensor]:
    """Return the tensors of all ``files``, as ``read_weights``, where the packages that compute with them are there.

    Raises MissingWeightsError that says at once all that is missing, which is MissingPackageError where packages are:
    nothing is fetched for them then. Raises InvalidOptionError for a folder that is none.
    """
    absent, faults = find_missing(packages), []
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            if absent and _find(file, folder) is None:
                raise _absent(file, metric, folder, "either: the metric fetches it once, or get")
            tensors |= read_weights(file, metric, folder)
        except MissingWeightsError as error:
            faults.append(str(error))
    if absent:
        raise MissingPackageError("; ".join([f"{metric}: {absent}", *faults]))
    if faults:
        raise MissingWeightsError("; ".join(faults))
    return tensors


def _find(file: WeightsFile, folder: Path | None) -> Path | None:
    """Return where a file is on this machine, None where it is not."""
    folders, names = _weights_folders(folder), (file.safetensors, file.name)
    places = [place / sub / name for place in folders for sub in SUBFOLDERS for name in names]
    return next((path for path in [*places, _cached(file)] if path.is_file()), None)


def _cached(file: WeightsFile) -> Path:
    return Path(torch.hub.get_dir()) / file.cache / file.name


def _absent(file: WeightsFile, metric: str, folder: Path | None, then: str) -> MissingWeightsError:
    """Say that a file is in none of the places; ``then`` leads to what to do about it."""
    cache = _cached(file).parent
    searched = ", ".join(str(place) for place in [*_weights_folders(folder), cache])
    return MissingWeightsError(
        f"{metric} needs {file.name} (or {file.safetensors}), which is not in {searched} {then} {file.url} and put it"
        f" into {cache}, or into a folder given by --weights or {FOLDER_VARIABLE}"
    )


def fill_parameters(network: nn.Module, tensors: Mapping[str, Tensor], metric: str) -> None:
    """Copy a tensor into every parameter of ``network``; those of its trunk are found under torchvision's names.

    Raises MissingWeightsError where one is absent or has another shape: none keeps its random start.
    """
    for name, parameter in network.named_parameters():
        key = TRUNK_PARAMETER.sub(r"features.\1.\2", name)
        if key not in tensors:
            raise MissingWeightsError(f"{metric}: the weights found lack '{key}': replace the file by the original")
        if tensors[key].shape != parameter.shape:
            expected, got = tuple(parameter.shape), tuple(tensors[key].shape)
            raise MissingWeightsError(
                f"{metric}: the weights found hold '{key}' as {got}, expected {expected}: they are of another network"
            )
        if not (tensors[key].is_floating_point() and bool(tensors[key].isfinite().all())):
            raise MissingWeightsError(
                f"{metric}: the weights found hold '{key}' as {tensors[key].dtype}, not floats or not all finite:"
                " replace the file by the original"
            )
        with torch.no_grad():
            parameter.copy_(tensors[key])


def _weights_folders(folder: Path | None) -> list[Path]:
    named = {"--weights": folder, FOLDER_VARIABLE: os.environ.get(FOLDER_VARIABLE)}
    for origin, place in named.items():
        if place and not Path(place).is_dir():
            raise InvalidOptionError(f"{origin}: expected a folder of weights, got '{place}': there is no such folder")
    return [Path(place) for place in named.values() if place]


def _read_tensors(path: Path, file: WeightsFile) -> dict[str, Tensor]:
    """Read safetensors or a verified .pth; never unpickles anything but tensors."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest.startswith(file.sha256_prefix):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
        raise MissingWeightsError(f"{path}: cannot be read ({error}): delete it and get {file.url}") from error
    raise MissingWeightsError(
        f"{path}: damaged: expected a SHA-256 that begins with {file.sha256_prefix}, got {digest[:8]}: delete it and"
        f" get {file.url}"
    )
