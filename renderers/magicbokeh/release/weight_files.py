"""Which files the authors' weights are, once converted. Imports no torch: a name costs nothing to check.

``magicbokeh@FOLDER``: a folder that ``docs/converters/magicbokeh.py`` wrote, once, in the authors' environment:

- ``magicbokeh.json``: ranks and scales of the LoRAs, and the names of the layers that they adapt;
- ``unet_lora.safetensors``, ``vae_lora.safetensors``, ``controlnet.safetensors``, ``bokeh_lora.safetensors``;
- optionally ``stable-diffusion-2-1-base/``, the base model in diffusers' layout. Without it the hub's is used.

The authors' own ``lora.pkl`` holds a pickled module: reading it runs whatever code it names. It is never read here.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ....core.errors import InvalidOptionError, MissingWeightsError
from ...diffusion.backbones import Backbone
from ...diffusion.configurations import Configuration, check_configuration
from ...weights import read_object

FORMAT_FILE = "magicbokeh.json"
PARTS = ("unet_lora", "vae_lora", "controlnet", "bokeh_lora")
PICKLES = ("lora.pkl", "checkpoint/lora.pkl")
"""Where a clone of the authors' repository, or the hub's folder, has the weights as they are given."""

CODE = "https://github.com/vivoCameraResearch/MagicBokeh"
ADAPTERS = "LinxiaoShi/Magicbokeh"
BASE_REPOSITORY = "Manojb/stable-diffusion-2-1-base"
BASE_FOLDER = "stable-diffusion-2-1-base"
CONVERTER = Path(__file__).resolve().parents[3] / "docs/converters/magicbokeh.py"
"""Of this project's repository; an installation has none of ``docs/``."""

CONVERT = (
    f"python {shlex.quote(os.fspath(CONVERTER))} {{pickle}} FOLDER` in the authors' environment, with their clone as"
    " working directory"
)
REMEDY = (
    f"run `git clone {CODE}`, in it `hf download {ADAPTERS} lora.pkl --local-dir checkpoint`, then"
    f" `{CONVERT.format(pickle='checkpoint/lora.pkl')}, and use magicbokeh@FOLDER"
)
BASE = Backbone(
    title="a Stable Diffusion 2.1-base model",
    repository=BASE_REPOSITORY,
    folder=BASE_FOLDER,
    remedy=(
        f"with a network, run `hf download {BASE_REPOSITORY} --include 'unet/*' --include 'vae/*'"
        f" --include 'scheduler/*' --exclude '*.bin' --local-dir FOLDER/{BASE_FOLDER}`"
    ),
)

Rank = Annotated[int, Field(ge=1, le=4096)]
Scale = Annotated[float, Field(gt=0.0, le=4096.0)]
Layers = Annotated[list[str], Field(min_length=1, max_length=4096)]


class ReleaseFormat(Configuration):
    """What ``magicbokeh.json`` holds. A LoRA adds alpha / rank times its product to the weights."""

    format: Literal["magicbokeh"]
    version: Literal[1]
    unet_rank: Rank
    unet_alpha: Scale
    unet_layers: Layers
    vae_rank: Rank
    vae_alpha: Scale
    vae_layers: Layers
    bokeh_rank: Rank
    bokeh_alpha: Scale


@dataclass(frozen=True, kw_only=True)
class ReleaseFiles:
    """A converted release, the base model that it adapts, and what its JSON says."""

    name: str
    folder: Path
    base: Path
    format: ReleaseFormat

    def part(self, name: str) -> Path:
        """Return the file of one of ``PARTS``."""
        return self.folder / f"{name}.safetensors"

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        return [self.folder / FORMAT_FILE, *(self.part(name) for name in PARTS), *BASE.all_files(self.base)]


def is_release(checkpoint: str) -> bool:
    """Return whether a path is the authors' weights, converted or still as a pickle."""
    try:
        path = Path(checkpoint).expanduser()
        return path.suffix == ".pkl" or any(os.path.lexists(path / name) for name in (FORMAT_FILE, *PICKLES))
    except (OSError, RuntimeError, ValueError):  # an unknown ~user, a zero byte
        return False


def find_files(checkpoint: str, *, download: bool) -> ReleaseFiles:
    """Find a converted release, and its base model; ``download``: whether the hub may be asked for that.

    Raises InvalidOptionError where there is no such folder and for a JSON that cannot be used, MissingWeightsError that
    says what to get and where to put it, for a pickle how it is converted.
    """
    folder = check_folder(checkpoint)
    if not (folder / FORMAT_FILE).is_file():
        raise MissingWeightsError(f"magicbokeh@{folder}: there is no {FORMAT_FILE} in it: {REMEDY}")
    path = folder / FORMAT_FILE
    stated = check_configuration(path, _with_floats(read_object(path)), ReleaseFormat)
    absent = [f"{name}.safetensors" for name in PARTS if not (folder / f"{name}.safetensors").is_file()]
    if absent:
        raise MissingWeightsError(f"{folder}: there is no {' and no '.join(absent)}: {REMEDY}")
    files = ReleaseFiles(name=folder.resolve().name, folder=folder, base=BASE.find(folder, download), format=stated)
    BASE.all_files(files.base)  # a network that is absent is found now
    return files


def check_folder(checkpoint: str) -> Path:
    """Return the folder that ``checkpoint`` names. Raises as ``find_files`` where it is none, or holds a pickle."""
    try:
        path = Path(checkpoint).expanduser()
        there = os.path.lexists(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidOptionError(f"magicbokeh@{checkpoint}: no such folder ({error})") from error
    if not there:
        raise InvalidOptionError(f"magicbokeh@{checkpoint}: no such folder: {REMEDY}")
    if not os.path.lexists(path / FORMAT_FILE):
        pickles = [path] if path.suffix == ".pkl" else [path / name for name in PICKLES]
        for pickle in pickles:
            if os.path.lexists(pickle):
                raise MissingWeightsError(
                    f"{pickle}: a pickle, which runs code of its own when it is read, and is not read here: convert it"
                    f" once, with `{CONVERT.format(pickle=shlex.quote(os.fspath(pickle.resolve())))}, and use"
                    " magicbokeh@FOLDER"
                )
    if not path.is_dir():
        raise MissingWeightsError(f"magicbokeh@{path}: expected a folder of weights, found a file: {REMEDY}")
    return path


def _with_floats(values: dict[str, object]) -> dict[str, object]:
    """JSON writes 8.0 as it likes: whole numbers stand for scales, too."""
    scales = [name for name in values if name.endswith("_alpha")]
    return values | {name: float(values[name]) for name in scales if type(values[name]) is int}  # type: ignore[arg-type]
