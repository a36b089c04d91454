"""What a run keeps of finished cases' scenes, made again where it was lost or is another."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ...core.errors import CannotWriteError
from ...core.files import is_intact
from ...core.scene import Scene
from ...core.text import one_line
from ...datasets.interface import SceneDataset
from .cases import Case
from .scene_record import is_recorded, record_perturbed, record_scene
from .schema import Row

log = logging.getLogger(__name__)


def restore_scenes(
    folder: Path,
    finished: Iterable[tuple[Case, Row]],
    datasets: Mapping[str, SceneDataset],
    load: Callable[[Case], Scene],
    perturb: Callable[[Scene, Case], Scene] | None,
) -> None:
    """Write scene records with their pictures, and perturbed disparities, that are not as they were written.

    What cannot be made again is named in a warning: the gallery lacks it, and no case is lost. Raises CannotWriteError.
    """

    def restore_scene(case: Case) -> None:
        data = case.made_of.scene
        if not is_recorded(folder, case.dataset, case.scene, data):
            dataset = datasets[case.dataset]
            record_scene(folder, case.dataset, dataset.cluster(case.scene), load(case), data, dataset.photographs)

    def restore_disparity(case: Case, path: str, sha256: str | None) -> None:
        if perturb and not is_intact(folder / path, sha256):
            scene = load(case)
            record_perturbed(folder, case, scene, perturb(scene.without_target(), case))

    seen: set[object] = set()
    for case, row in finished:
        try:
            if (case.dataset, case.scene) not in seen:
                seen.add((case.dataset, case.scene))
                restore_scene(case)
            if row["disparity"] and row["disparity"] not in seen:
                seen.add(row["disparity"])
                restore_disparity(case, row["disparity"], row["disparity_sha256"])
        except CannotWriteError:
            raise
        except Exception as error:  # noqa: BLE001 - of a data set's code; see above
            log.warning("%s / %s: the gallery lacks its pictures: %s", case.dataset, case.scene, one_line(str(error)))
