"""Models in diffusers' layout that others build on: in a user's folder, or in the hub's cache. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import MissingWeightsError
from ...core.fetch import NETWORK

NETWORKS = ("unet", "vae")
MODEL_FILES = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")
NETWORK_FILE = "diffusion_pytorch_model"


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A model of the hub. ``title``: what messages call it; ``folder``: its name in a user's folder of weights.

    ``remedy``: how to get it, and what was trained on it.
    """

    title: str
    repository: str
    folder: str
    remedy: str

    def find(self, home: Path | None, download: bool) -> Path:
        """Return its folder: ``home`` itself or in it, else the hub's, fetched if ``download``.

        Raises MissingWeightsError where it is absent or incomplete.
        """
        for place in () if home is None else (home / self.folder, home):
            if any((place / path).is_file() for path in MODEL_FILES):
                absent = [path for path in MODEL_FILES if not (place / path).is_file()]
                if absent:
                    raise MissingWeightsError(f"{place}: {self.title} lacks {', '.join(absent)}: {self.remedy}")
                return place
        needed = [*MODEL_FILES, *(f"{part}/{NETWORK_FILE}.safetensors" for part in NETWORKS)]
        return NETWORK.fetch_repository(self.repository, needed, self.remedy, needed=needed, download=download)

    def network_files(self, place: Path, part: str) -> list[Path]:
        """Return the safetensors of one of its networks in ``place``: in full precision, else in half.

        Raises MissingWeightsError where there are none.
        """
        files = sorted((place / part).glob(f"{NETWORK_FILE}*.safetensors"))
        if not files:
            raise MissingWeightsError(f"{place / part}: no {NETWORK_FILE}*.safetensors: {self.remedy}")
        return [path for path in files if ".fp16" not in path.name] or files

    def all_files(self, place: Path) -> list[Path]:
        """Return every file in ``place`` that decides about pictures."""
        networks = [path for part in NETWORKS for path in self.network_files(place, part)]
        return [*(place / path for path in MODEL_FILES), *networks]

    def precision(self, place: Path, part: str) -> str | None:
        """Return the variant that diffusers calls the files of a network by: ``fp16`` where there is no other."""
        return "fp16" if any(".fp16" in path.name for path in self.network_files(place, part)) else None
