"""Which scenes the recipes train on and watch: the same for every family whose weights ship."""

from ...core.errors import InvalidOptionError
from ...datasets.synthetic.random_scenes import SynthesisSettings

SCENE_SEED = 1


def training_scenes(photographs: str, cutouts: str) -> SynthesisSettings:
    """Return two to four layers over the pictures of two folders, any of them in focus or none."""
    return SynthesisSettings(
        photographs=(photographs,),
        cutouts=(cutouts,),
        painted=48,
        planes=(1, 3),
        focus_between=0.25,
        night=0.05,
        seed=SCENE_SEED,
    )


def validation_folders(photographs: str | None, cutouts: str | None) -> tuple[str, str] | None:
    """Return the two folders of pictures that are never trained on; None where neither is named.

    Raises InvalidOptionError where one is: without the other nothing would be watched.
    """
    if photographs is None and cutouts is None:
        return None
    if photographs is None or cutouts is None:
        named, absent = ("photographs", "cutouts") if cutouts is None else ("cutouts", "photographs")
        raise InvalidOptionError(f"--validation-{absent}: expected a folder beside --validation-{named}, got none")
    return photographs, cutouts


def validation_scenes(photographs: str | None, cutouts: str | None) -> SynthesisSettings | None:
    """Return two flat layers over the pictures of two ``validation_folders``; None where none is named."""
    folders = validation_folders(photographs, cutouts)
    if folders is None:
        return None
    photographs, cutouts = folders
    return SynthesisSettings(
        photographs=(photographs,),
        cutouts=(cutouts,),
        planes=(1, 1),
        radius_px=(2.0, 16.0),
        max_facing_angle=0.0,
        seed=2,
    )
