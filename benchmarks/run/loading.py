"""Scenes as the plan knows them: what is replaced while a run goes on is not taken for what was planned."""

from dataclasses import replace

from ...core.errors import DamagedDataError
from ...core.forks import one_process
from ...core.scene import Scene
from ...datasets.interface import SceneDataset, load_scene
from .cases import Case
from .reuse import digest_parts


def load_planned(dataset: SceneDataset, case: Case) -> Scene:
    """Load a case's scene; a row names the data that its key knows, and no others.

    It has the name that the plan knows it by, whatever ``load`` calls it. Raises DamagedDataError where they changed
    since the cases were planned, and what ``dataset`` raises.
    """
    with one_process(case.dataset):  # a fork of a thread that loads would wait there for more to load
        scene = load_scene(dataset, case.scene)
    if scene.name != case.scene:
        scene = replace(scene, name=case.scene)
    planned = case.made_of.data
    if planned and digest_parts(dataset.contents([case.scene])[case.scene]) != planned:
        raise DamagedDataError(f"scene '{case.scene}': its data changed during the run: give the command again")
    return scene
