"""What a data set is to the harness: named scenes, loaded one at a time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from ..core.errors import BokehBenchError, DamagedDataError
from ..core.failures import describe_error
from ..core.scene import Scene
from ..core.text import printable


class SceneDataset(ABC):
    """Named scenes with a stated protocol. Sub-classes set the texts below and write ``scene_names`` and ``load``.

    - ``protocol``: how focus, blur strength and colour transfer are set, in a sentence that the report prints.
    - ``terms``: licence and origin of the pictures, likewise.
    - ``scored``: False where there is no ground truth; such scenes are rendered and shown, never scored.
    - ``version``: changes whenever the pictures do; stored results of another version are not reused. Data sets that
      read files write ``contents`` instead.
    - ``true_disparity``: whether the scenes' disparity is that of the ground truth, not an estimate.
    - ``photographs``: whether the pictures are of the usual orientation, the ground nearer than what stands above it.
    - ``passed_over``: after ``prepare``, what may have been meant as a scene and is none; ``--check`` says it.
    - ``unread``: likewise, pictures in scenes' folders that are no part of a scene by their names.
    """

    name: str
    protocol: str
    terms: str
    scored: bool = True
    version: str = ""
    true_disparity: bool = True
    photographs: bool = False
    passed_over: Sequence[str] = ()
    unread: Sequence[str] = ()

    def __init__(self, name: str | None = None, data_root: Path | None = None):
        if name is not None:
            self.name = name
        self.data_root = data_root

    def prepare(self) -> None:  # noqa: B027 - most data sets are ready as they lie on disk
        """Generate or index what is needed, with a progress bar where it takes over a second.

        Raises MissingDataError in one line that says what to get and where to put it.
        """

    @abstractmethod
    def scene_names(self) -> Sequence[str]:
        """Return the scenes' names in their fixed order: printable texts, each once. Call ``prepare`` first.

        A scene that cannot be listed is listed all the same: ``load`` says why, and it is one failed case.
        """

    def to_generate(self, scene_names: Sequence[str]) -> Sequence[str]:
        """Return which of these scenes ``load`` would have to generate first, which takes it seconds each.

        A run loads them before its first render, some at a time: ``load`` is then called by several threads.
        """
        return ()

    @abstractmethod
    def load(self, scene_name: str) -> Scene:
        """Read one scene, lazily: a Scene of that name; where it calls itself otherwise, ``--check`` says so.

        Raises a BokehBenchError naming the file where it is damaged.
        """

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what decides about each scene's pictures: a digest of each part, by scene and the part's name.

        Stored results of other contents are not reused, and the parts' names tell why. Call ``prepare`` first. Scenes
        that cannot be loaded have contents, too: whatever is known of them.
        """
        return {name: {"version": self.version} for name in scene_names}

    def has_target(self, scene_name: str) -> bool:
        """Whether a scene has ground truth, as far as one knows without loading it. Call ``prepare`` first."""
        return self.scored

    def cluster(self, scene_name: str) -> str:
        """Return the name of the independent unit a scene belongs to: intervals are computed over these."""
        return scene_name


def prepare_dataset(dataset: SceneDataset) -> None:
    """Call ``prepare``, and look at the scenes' names.

    Raises its BokehBenchError, or a DamagedDataError in place of any other error: a folder that cannot be read, a
    plug-in's bug, names that a report or a terminal cannot show, attributes of another type than run.json keeps.
    """
    try:
        dataset.prepare()
        names = list(dataset.scene_names())
    except BokehBenchError:
        raise
    except (Exception, SystemExit) as error:
        raise DamagedDataError(f"{dataset.name}: cannot be listed: {describe_error(error)}") from error
    for field, kind in (
        ("protocol", str),
        ("terms", str),
        ("version", str),
        ("scored", bool),
        ("true_disparity", bool),
    ):
        if not isinstance(value := getattr(dataset, field, None), kind):
            raise DamagedDataError(f"{dataset.name}: {field}: expected {kind.__name__}, got {value!r:.60}")
    wrong = [name for name in names if not isinstance(name, str) or printable(name) != name]
    if wrong:
        raise DamagedDataError(f"{dataset.name}: scene {wrong[0]!r}: expected printable texts as names of scenes")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DamagedDataError(f"{dataset.name}: two scenes are called '{twice}': expected each name once")


def load_scene(dataset: SceneDataset, scene_name: str) -> Scene:
    """Load one scene. Raises what ``load`` does, DamagedDataError where it returns anything else."""
    scene: object = dataset.load(scene_name)
    if not isinstance(scene, Scene):
        raise DamagedDataError(f"{dataset.name}: load returned {type(scene).__name__}, expected a Scene")
    if any(isinstance(value, Tensor) and value.requires_grad for value in vars(scene).values()):
        raise DamagedDataError(f"{dataset.name}: load returned a Scene with gradients: detach its tensors")
    return scene


class UserPictures(SceneDataset):
    """Scenes of the user's own copy, in ``folder``, whose disparity may have to be estimated first."""

    photographs = True

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the copy lies. Raises MissingDataError."""

    @abstractmethod
    def disparity_jobs(self, held_out: int) -> list[tuple[Path, Path]]:
        """Return (picture, map to make) for each map that is absent.

        ``held_out``: of how many scenes outside the scored split as well.
        """
