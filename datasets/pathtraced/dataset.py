"""The data set ``pathtraced``: scenes that Mitsuba or Cycles rendered, in BLB's layout."""

from pathlib import Path

from ...core.errors import BokehBenchError
from ...core.text import one_line
from ..blb.dataset import BlbLayout
from ..blb.files import read_info

UNNAMED = "Mitsuba 3"
"""Rendered a scene whose description names no program."""

LONGEST_TITLE = 40


class PathTraced(BlbLayout):
    """``data_root``/pathtraced: every level and focus distance that its folders hold."""

    name = "pathtraced"
    about = f"path-traced by {UNNAMED} through a thin lens; a pixel's disparity is the mean over its area, by opacity"
    terms = "rendered by this program; textures from photographs in scikit-image and matplotlib, and from seeds"
    subfolder = "pathtraced"
    remedy = (
        "make it with  python -m bokehbench.datasets.pathtraced --output DIR/pathtraced  "
        "(needs pip install -c constraints.txt -e '.[pathtraced]')"
    )

    def prepare(self) -> None:
        """Index the folders, and name what rendered them in the protocol. Raises as BlbLayout's does."""
        if self._members.names:
            return
        super().prepare()
        engines = sorted({_read_engine(folder) for folder in {shot.folder for shot in self._members.found.values()}})
        self.protocol = self.protocol.replace(UNNAMED, " and ".join(engines) or UNNAMED, 1)


def _read_engine(folder: Path) -> str:
    """Return the program that rendered a scene and its version; Mitsuba where its description names none."""
    try:
        return one_line(str(read_info(folder).get("engine", UNNAMED)), LONGEST_TITLE)
    except BokehBenchError:  # raised again when one of its pictures is loaded
        return UNNAMED
