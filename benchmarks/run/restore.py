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
from .schema import Row, pictures_of

log = logging.getLogger(__name__)


def restore_scenes(
    folder: Path,
    finished: Iterable[tuple[Case, Row]],
    datasets: Mapping[str, SceneDataset],
    load: Callable[[Case], Scene],
    perturb: Callable[[Scene, Case], Scene] | None,
) -> None:
    """Write scene records with their pictures, and perturbed inputs, that are not as they were written.

    What cannot be made again is named in a warning: the gallery lacks it, and no case is lost. Raises CannotWriteError.
    """

    def restore_scene(case: Case) -> None:
        data = case.made_of.scene
        if not is_recorded(folder, case.dataset, case.scene, data):
            dataset = datasets[case.dataset]
            record_scene(folder, case.dataset, dataset.cluster(case.scene), load(case), data, dataset.photographs)

    def restore_perturbed(case: Case, row: Row) -> None:
        given = [picture for name, picture in pictures_of(row).items() if name != "image"]
        if perturb and any(path and not is_intact(folder / path, sha256) for path, sha256 in given):
            scene = load(case)
            record_perturbed(folder, case, scene, perturb(scene.without_target(), case))

    seen: set[object] = set()
    for case, row in finished:
        try:
            if (case.dataset, case.scene) not in seen:
                seen.add((case.dataset, case.scene))
                restore_scene(case)
            perturbed = row["input"], row["disparity"]
            if any(perturbed) and perturbed not in seen:
                seen.add(perturbed)
                restore_perturbed(case, row)
        except CannotWriteError:
            raise
        except Exception as error:  # noqa: BLE001 - of a data set's code; see above
            log.warning("%s / %s: the gallery lacks its pictures: %s", case.dataset, case.scene, one_line(str(error)))
