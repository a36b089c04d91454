"""The data set ``pathtraced``: scenes that Mitsuba rendered, in BLB's layout."""

from ..blb.dataset import BlbLayout


class PathTraced(BlbLayout):
    """``data_root``/pathtraced: every level and focus distance that its folders hold."""

    name = "pathtraced"
    about = "path-traced by Mitsuba 3 through a thin lens; a pixel's disparity is the mean over its area, by opacity"
    terms = "rendered by this program; textures from photographs in scikit-image and matplotlib, and from seeds"
    subfolder = "pathtraced"
    remedy = (
        "make it with  python -m bokehbench.datasets.pathtraced --output DIR/pathtraced  "
        "(needs pip install -c constraints.txt -e '.[pathtraced]')"
    )
