"""Which files the weights of Defocus to Focus are. Imports no torch: a name costs nothing to check.

``defocus-to-focus@FOLDER`` takes

- what a training saved: ``hallucination``, ``radiance`` and ``fusion.safetensors``, and ``profile.json``;
- the authors' two checkpoints, ``*.pth``: the larger one is the first stage.
"""

from dataclasses import dataclass
from pathlib import Path

from ...core.checks import check, check_choice
from ...core.errors import InvalidOptionError, MissingWeightsError
from ..weights import name_folder, read_object

SHIPPED = Path(__file__).parent / "weights"
"""Networks of the compact form, trained by this project."""

NETWORKS = ("hallucination", "radiance", "fusion")
PROFILE_FILE = "profile.json"
SEEN_PX = 192
"""Shorter side at which the compact network sees every picture, where the profile does not say ``seen_px``."""

PROFILES = ("code", "paper")
"""``code``: the published program, which raises saturated pixels and lets the fusion network see 1 - D. ``paper``: what
its abstract says, the first mask refined by the network, and nothing of saturated pixels."""

REMEDY = (
    "get the two checkpoints that https://github.com/xianrui-luo/defocustofocus links, put them into FOLDER, then use"
    " defocus-to-focus@FOLDER"
)


@dataclass(frozen=True, kw_only=True)
class D2fFiles:
    """The files of one set of weights: three networks of the compact form, which sees pictures at
    ``seen_px``, or two checkpoints (``published``)."""

    name: str
    folder: Path
    paths: list[Path]
    profile: str
    published: bool
    seen_px: int = SEEN_PX


def find_files(checkpoint: str | None) -> D2fFiles:
    """Find the networks' files in a folder; None: those that ship.

    Raises InvalidOptionError where there is no such folder or an unknown profile, MissingWeightsError that names what
    is absent.
    """
    folder = SHIPPED if checkpoint is None else Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise InvalidOptionError(f"defocus-to-focus@{checkpoint}: no such folder: {REMEDY}")
    name = "defocus-to-focus" if checkpoint is None else name_folder(folder)
    if (folder / PROFILE_FILE).is_file():
        paths = [folder / f"{network}.safetensors" for network in NETWORKS]
        absent = [path for path in paths if not path.is_file()]
        if absent:
            raise MissingWeightsError(f"{absent[0]}: there is no such file beside {PROFILE_FILE}: get it again")
        record = read_object(folder / PROFILE_FILE)
        profile, seen_px = str(record.get("profile")), record.get("seen_px", SEEN_PX)
        check_choice(f"{folder / PROFILE_FILE}: profile", profile, PROFILES)
        sound = isinstance(seen_px, int) and 32 <= seen_px <= 4096
        check(f"{folder / PROFILE_FILE}: seen_px", seen_px, sound, "a whole number of px, 32 to 4096")
        return D2fFiles(name=name, folder=folder, paths=paths, profile=profile, published=False, seen_px=seen_px)
    checkpoints = sorted(folder.glob("*.pth"), key=lambda path: path.stat().st_size, reverse=True)
    if len(checkpoints) != 2:
        raise MissingWeightsError(
            f"defocus-to-focus@{folder}: expected two checkpoints *.pth, or {PROFILE_FILE} and its networks, found"
            f" {len(checkpoints)} *.pth: {REMEDY}"
        )
    return D2fFiles(name=name, folder=folder, paths=checkpoints, profile="code", published=True)


def check_profile(profile: str) -> None:
    """Raise InvalidOptionError unless the profile is one of PROFILES."""
    check_choice("profile", profile, PROFILES)


def raises_saturated(profile: str) -> bool:
    """Whether pixels that may have been brighter than the picture can say are given another weight."""
    return profile == "code"
