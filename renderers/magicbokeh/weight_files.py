"""Which files the compact network is. Imports no torch: a name costs nothing to check.

``magicbokeh@FOLDER``, and ``weights/`` beside this module for the name alone: ``network.safetensors`` and
``settings.json``. The latents are those of BokehDiff's compact autoencoder, which ships and is not in the folder; the
settings hold its digest.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ...core.checks import check
from ...core.errors import InvalidOptionError, MissingWeightsError
from ..bokehdiff.weight_files import SHARED_AUTOENCODER
from ..bokehdiff.weight_files import SHIPPED as BOKEHDIFF_WEIGHTS
from ..weights import digest_of, name_folder, read_object
from .release.weight_files import FORMAT_FILE
from .release.weight_files import REMEDY as FROM_THE_AUTHORS
from .settings import MagicSettings

NETWORK_FILE = "network.safetensors"
SETTINGS_FILE = "settings.json"
AUTOENCODER = BOKEHDIFF_WEIGHTS / SHARED_AUTOENCODER
AUTOENCODER_FILES = ("config.json", "diffusion_pytorch_model.safetensors")
"""What decides its latents and its pictures; a stray file beside them does not."""

SHIPPED = Path(__file__).parent / "weights"
"""The network that ``magicbokeh`` and ``sr`` compute with where no folder is named."""

TRAIN = (
    "`python -m bokehbench.training.magicbokeh.recipe --photographs DIR --cutouts DIR --output RUN` trains it, and with"
    f" `--parts ship` puts it into {SHIPPED}; or use magicbokeh@RUN/network/model and sr@RUN/network/model"
)
"""What to do where it is absent."""


@dataclass(frozen=True, kw_only=True)
class MagicFiles:
    """The folder of a network, and the settings it holds."""

    name: str
    folder: Path
    settings: MagicSettings

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        return [self.folder / SETTINGS_FILE, self.folder / NETWORK_FILE, *autoencoder_files()]


def find_files(checkpoint: str | None) -> MagicFiles:
    """Find a network in a folder; None: the one that ships.

    Raises InvalidOptionError where there is no such folder, for settings that cannot be read and for those of another
    autoencoder, MissingWeightsError that names the file which is absent.
    """
    folder = SHIPPED if checkpoint is None else _check_folder(checkpoint)
    for name in (SETTINGS_FILE, NETWORK_FILE):
        if (folder / name).is_file():
            continue
        if checkpoint is None:
            raise MissingWeightsError(f"{folder / name}: MagicBokeh's compact network is not there: {TRAIN}")
        raise MissingWeightsError(
            f"magicbokeh@{folder}: there is no {name} of a compact network, and no {FORMAT_FILE} of the authors'"
            f" weights in it: {FROM_THE_AUTHORS}"
        )
    name = "magicbokeh" if checkpoint is None else name_folder(folder)
    return MagicFiles(name=name, folder=folder, settings=_read_settings(folder / SETTINGS_FILE))


def _check_folder(checkpoint: str) -> Path:
    folder = Path(checkpoint)
    try:
        folder = folder.expanduser()
        there = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # an unknown ~user, a zero byte
        raise InvalidOptionError(f"magicbokeh@{checkpoint}: no such folder ({error})") from error
    if not there:
        got = "expected a folder, found a file" if os.path.lexists(folder) else "no such folder"
        raise InvalidOptionError(f"magicbokeh@{checkpoint}: {got}: {FROM_THE_AUTHORS}")
    return folder


def autoencoder_files() -> list[Path]:
    """Return the files of the autoencoder that ships."""
    return [AUTOENCODER / name for name in AUTOENCODER_FILES]


def autoencoder_digest() -> str:
    """Return what ``MagicSettings.autoencoder`` is for networks on the latents of the autoencoder that ships."""
    return digest_of(autoencoder_files())


def _read_settings(path: Path) -> MagicSettings:
    settings = MagicSettings.from_json(read_object(path), f"{path}: ")
    expected = autoencoder_digest()
    if settings.autoencoder != expected:
        raise InvalidOptionError(
            f"{path}: autoencoder: expected {expected[:8]}, which ships, got {settings.autoencoder[:8] or 'none'}:"
            f" use the version of bokehbench that trained it, or train it on this one's latents: {TRAIN}"
        )
    channels = read_object(AUTOENCODER / "config.json").get("latent_channels")
    check(
        f"{path}: size.latent_channels",
        settings.size.latent_channels,
        settings.size.latent_channels == channels,
        f"{channels}, as the autoencoder has",
    )
    return settings
