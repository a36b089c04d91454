"""What is there, missing or damaged in a data set: every scene is loaded once, one at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..core.errors import CannotWriteError, DamagedDataError, IncompleteDataError, MissingDataError
from ..core.failures import describe_error
from ..core.progress import ProgressBar
from ..core.scene import Scene
from ..core.text import printable
from .doubts import find_doubts, measure_radii
from .interface import SceneDataset, load_scene, prepare_dataset

OK, MISSING, UNSET, DAMAGED = "ok", "missing", "unset", "damaged"
SIZES_SHOWN = 3
SCENES_SHOWN = 20
"""Of so many scenes each one's blur radii are shown, of more the least and the greatest."""

LEAST_NEARER_BELOW = 0.3
"""Photographs mostly show nearer things further down. Where fewer than this do, their disparity may be inverted."""

ORIENTATION_SCENES = 5
"""With fewer scenes that differ between their halves nothing is said about the orientation."""


@dataclass
class Check:
    """What was found. Ranges are (least, greatest) over all sound scenes; ``problems`` (scene, state, reason).

    ``radii``: each sound scene's median and largest blur radius, px; ``doubts``: (scene, what looks odd about it);
    ``without_target``: sound scenes without ground truth; ``passed_over`` and ``unread``: those of the data set.
    """

    dataset: str
    states: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    targets: int = 0
    without_target: list[str] = field(default_factory=list)
    nearer_below: int = 0
    nearer_above: int = 0
    photographs: bool = False
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    radii: dict[str, tuple[float, float]] = field(default_factory=dict)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    passed_over: Sequence[str] = ()
    unread: Sequence[str] = ()

    @property
    def is_sound(self) -> bool:
        """Whether every scene could be loaded."""
        return not self.problems

    @property
    def may_be_inverted(self) -> bool:
        """Whether suspiciously few of the photographs are nearer at the bottom than at the top."""
        count = self.nearer_below + self.nearer_above
        enough = self.photographs and count >= ORIENTATION_SCENES
        return enough and self.nearer_below < LEAST_NEARER_BELOW * count


def check_dataset(dataset: SceneDataset) -> Check:
    """Load every scene of ``dataset`` and say what was found; a damaged one is noted, and the next one is loaded.

    Raises MissingDataError where the data set as a whole is absent.
    """
    prepare_dataset(dataset)
    check = Check(dataset.name, photographs=dataset.photographs, passed_over=dataset.passed_over, unread=dataset.unread)
    for name in ProgressBar(dataset.scene_names(), desc=f"checking {dataset.name}", unit="scene"):
        try:
            scene = load_scene(dataset, name)
        except CannotWriteError:  # of a cache: the next scene would meet the same
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a file does to its loader is a finding
            state = _state(error)
            check.states[state] += 1
            check.problems.append((name, state, describe_error(error)))
        else:
            if scene.name != name:
                check.doubts.append((name, f"load calls it '{scene.name}': return a Scene of the name asked for"))
                scene = replace(scene, name=name)
            _note(check, scene)
    return check


def write_check(check: Check) -> str:
    """Return the finding as a table: what there is, then one line per scene that is not sound."""
    rows = [("data set", check.dataset), *_summary(check), *_blur(check)]
    rows += [(f"  looks odd {name}", doubt) for name, doubt in check.doubts]
    rows += [(f"  {state} {name}", reason) for name, state, reason in check.problems]
    rows = [(printable(label), printable(value)) for label, value in rows]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def _summary(check: Check) -> Iterator[tuple[str, str]]:
    count = check.states[OK]
    states = (OK, MISSING, *((UNSET,) if check.states[UNSET] else ()), DAMAGED)
    yield "scenes", ", ".join(f"{check.states[state]} {state}" for state in states)
    if check.unread:
        yield "not read", f"{_some(check.unread)}: called after no part of a scene, nor named in its settings"
    if check.passed_over:
        yield "passed over", f"{_some(check.passed_over)}: no scenes by their names or contents"
    if not count:
        return
    shown = [f"{size} ({times})" for size, times in check.sizes.most_common(SIZES_SHOWN)]
    more = len(check.sizes) - len(shown)
    yield "sizes", ", ".join(shown) + (f" and {more} more" if more else "")
    bare = f", none of {_some(check.without_target)}" if check.targets and check.without_target else ""
    yield "targets", f"{check.targets} of {count}{bare}"
    for what, (low, high) in check.ranges.items():
        yield what, f"{low:.4g} to {high:.4g}"
    orientation = f"nearer below in {check.nearer_below} scenes, nearer above in {check.nearer_above}"
    yield "orientation", orientation + (": MAY BE INVERTED (larger must be nearer)" if check.may_be_inverted else "")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SCENES_SHOWN} more" if len(names) > SCENES_SHOWN else ""
    return ", ".join(names[:SCENES_SHOWN]) + more


def _blur(check: Check) -> Iterator[tuple[str, str]]:
    """Yield each scene's blur radii, of many scenes those with the least and the greatest."""
    if not check.radii:
        return
    if len(check.radii) <= SCENES_SHOWN:
        for name, (median, largest) in check.radii.items():
            yield f"  blur of {name}", f"median radius {median:.3g} px, largest {largest:.3g} px"
        return
    for index, what in enumerate(("median", "largest")):
        ordered = sorted(check.radii.items(), key=lambda entry: entry[1][index])
        (least, low), (greatest, high) = ordered[0], ordered[-1]
        yield f"{what} radius", f"{low[index]:.3g} px ({least}) to {high[index]:.3g} px ({greatest})"


def _note(check: Check, scene: Scene) -> None:
    check.states[OK] += 1
    check.sizes[f"{scene.width}x{scene.height}"] += 1
    check.targets += scene.target is not None
    if scene.target is None:
        check.without_target.append(scene.name)
    disparity = scene.disparity[0].numpy()
    half = scene.height // 2
    if half:
        above, below = float(np.median(disparity[:half])), float(np.median(disparity[half:]))
        check.nearer_below += below > above
        check.nearer_above += above > below
    _widen(check, "image", scene.image.numpy())
    if scene.target is not None:
        _widen(check, "target", scene.target.numpy())
    focus = np.array(scene.focus_disparity)
    if scene.is_metric:
        with np.errstate(divide="ignore"):
            _widen(check, "depth, m", 1.0 / disparity)
            _widen(check, "focus depth, m", 1.0 / focus)
    else:
        _widen(check, "disparity", disparity)
        _widen(check, "focus disparity", focus)
    _widen(check, "blur radius, px", np.abs(scene.defocus.numpy()).max())
    check.radii[scene.name] = measure_radii(scene)
    check.doubts += [(scene.name, doubt) for doubt in find_doubts(scene, check.photographs).values()]


def _widen(check: Check, what: str, values: np.ndarray | np.floating) -> None:
    low, high = check.ranges.get(what, (np.inf, -np.inf))
    check.ranges[what] = (min(low, float(values.min())), max(high, float(values.max())))


def _state(error: BaseException) -> str:
    if isinstance(error, IncompleteDataError):
        return UNSET
    return MISSING if isinstance(error, MissingDataError) and not isinstance(error, DamagedDataError) else DAMAGED
