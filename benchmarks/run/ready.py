"""Before the first render: missing scenes are generated, and meanwhile another process compiles what cases need.

Neither runs beside a render, whose time is measured. Whatever fails here is met again by its case, which says why.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress

from ...core.progress import ProgressBar
from ...datasets.interface import SceneDataset
from ...renderers.compile_kernels import compiling, needs_compiling
from ...renderers.interface import Renderer
from .cases import Case

THREADS = 2
"""A scene's rays use every core and its painting one: two scenes at a time leave none idle."""


def make_ready(
    cases: Sequence[Case], datasets: Mapping[str, SceneDataset], load_renderer: Callable[[str], Renderer]
) -> None:
    """Generate the scenes of ``cases`` that have to be; compile kernels at the same time. Shows a progress bar."""
    missing = _missing_scenes(cases, datasets)
    if not missing:
        return
    names = [name for name in _used(cases) if _needs_compiling(load_renderer(name))]
    with ExitStack() as stack:
        progress = stack.enter_context(
            ProgressBar(
                total=len(missing) + len(names),
                desc="generating scenes, compiling kernels" if names else "generating",
                unit="item" if names else "scene",
                leave=bool(names),  # compiling takes minutes: a log says at once what it waits for
            )
        )
        compiled = stack.enter_context(compiling(names)) if names else ()
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        stack.callback(pool.shutdown, cancel_futures=True)
        for done in as_completed([pool.submit(datasets[dataset].load, scene) for dataset, scene in missing]):
            done.exception()
            progress.update()
        for _ in compiled:
            progress.update()


def _missing_scenes(cases: Sequence[Case], datasets: Mapping[str, SceneDataset]) -> list[tuple[str, str]]:
    scenes = dict.fromkeys((case.dataset, case.scene) for case in cases)
    missing = []
    for name, dataset in datasets.items():
        with suppress(Exception):  # of a plug-in
            missing += [(name, scene) for scene in dataset.to_generate([s for d, s in scenes if d == name])]
    return missing


def _needs_compiling(renderer: Renderer) -> bool:
    with suppress(Exception):  # of a plug-in
        return needs_compiling(renderer)
    return False


def _used(cases: Iterable[Case]) -> list[str]:
    return list(dict.fromkeys(case.renderer for case in cases if case.device == "cpu"))
