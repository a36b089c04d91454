"""``blur``: one photograph out of focus where a lens would have it, as a Python function.

from bokehbench.photograph.blur import blur

picture = blur("photo.jpg", disparity="map.png", focus=(0.4, 0.6), radius_px=24)
"""

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InvalidOptionError
from ..core.optics import GAMMA
from ..renderers.classical.aperture import Aperture, parse_blades
from .depth import ESTIMATOR, DepthMap, DepthSource, find_depth, open_with_depth
from .lens import Lens
from .reading import Photograph, read_photograph
from .request import Look, aim, choose_device, make_renderer

File = str | PathLike[str]


def blur(
    photograph: File | NDArray,
    *,
    disparity: File | NDArray | None = None,
    depth: File | None = None,
    estimate: bool = False,
    model: str = ESTIMATOR,
    focus: tuple[float, float] | None = None,
    focus_disparity: float | None = None,
    focus_depth: float | None = None,
    radius_px: float | None = None,
    f_number: float | None = None,
    renderer: str = "classical",
    aperture: str | int = "round",
    rotation_deg: float = 0.0,
    cat_eye: float = 0.0,
    highlights: float = 1.0,
    gamma: float = GAMMA,
    device: str | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return the photograph as a lens would take it: (H,W,3) float32, display-encoded in its own colours, [0,1].

    - ``photograph``: a file, or (H,W,3), display-encoded: floats in [0,1], or whole numbers over the largest of their
      type.
    - ``disparity``: a file or (H,W), larger = nearer; ``depth``: a file in metres; ``estimate``: by ``model``; with
      none of them the map that the photograph carries. Files of another size are scaled.
    - ``focus``: a point (x, y), shares of width and height if both are at most 1, else px; or ``focus_disparity``, or
      ``focus_depth`` in metres; else the nearest subject (``lens.nearest_subject``).
    - ``radius_px``: the largest blur radius in the picture; or ``f_number``, with a map in metres and the camera's
      focal lengths in EXIF; else 1 % of the diagonal.
    - ``renderer``: a name of ``run_bench.py --list``; ``aperture`` (``hexagon``, or a number of blades),
      ``rotation_deg``, ``cat_eye`` (0 to 1) and ``highlights`` (>= 1) are options of ``classical``.
    - ``device``: ``cpu`` or ``cuda``; None: cuda where there is one that the renderer can use.

    Raises a BokehBenchError in one line for whatever is missing, damaged or impossible.
    """
    lens = Lens(point=focus, disparity=focus_disparity, depth=focus_depth, radius_px=radius_px, f_number=f_number)
    shape = Aperture(blades=parse_blades(str(aperture)), rotation_deg=rotation_deg, cat_eye=cat_eye)
    look = Look(aperture=shape, highlights=highlights)
    for alternatives in (
        {"disparity": disparity, "depth": depth, "estimate": estimate or None},
        {"focus": focus, "focus_disparity": focus_disparity, "focus_depth": focus_depth},
        {"radius_px": radius_px, "f_number": f_number},
    ):
        if sum(value is not None for value in alternatives.values()) > 1:
            raise InvalidOptionError(f"{', '.join(alternatives)}: expected one of them at most")
    _check_file("photograph", photograph, or_array=True)
    if disparity is not None:
        _check_file("disparity", disparity, or_array=True)
    if depth is not None:
        _check_file("depth", depth, or_array=False)
    chosen = make_renderer(renderer, look)
    device = choose_device(device, chosen, look)
    source = DepthSource(
        disparity=Path(disparity) if isinstance(disparity, str | PathLike) else None,
        depth=None if depth is None else Path(depth),
        estimate=estimate,
        model=model,
    )
    given = disparity if isinstance(disparity, np.ndarray) else None
    picture, depth_map = _open(photograph, given, source, gamma, device)
    chosen.fetch()
    chosen.prepare(device)
    output = chosen.render(aim(picture, depth_map, lens, gamma).scene, seed)
    return np.ascontiguousarray(output.cpu().permute(1, 2, 0).numpy())


def _check_file(name: str, value: object, *, or_array: bool) -> None:
    """Raise InvalidOptionError for what is no file, nor an array where there may be one."""
    if not (isinstance(value, str | PathLike) or (or_array and isinstance(value, np.ndarray))):
        expected = "a file or an array of NumPy" if or_array else "a file"
        raise InvalidOptionError(f"{name}: expected {expected}, got {type(value).__name__}")


def _open(
    photograph: File | NDArray, disparity: NDArray | None, source: DepthSource, gamma: float, device: str
) -> tuple[Photograph, DepthMap]:
    """Return the photograph and its map: ``disparity``, else what ``source`` says."""
    if isinstance(photograph, np.ndarray):
        picture = _take_photograph(photograph)
        if disparity is None:
            return picture, find_depth(None, picture, source, device)
    elif disparity is None:
        return open_with_depth(Path(photograph), source, gamma, device)
    else:
        picture = read_photograph(Path(photograph), gamma)
    return picture, _take_disparity(disparity, picture)


def _take_photograph(photograph: NDArray) -> Photograph:
    if photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.dtype.kind not in "uf" or not photograph.size:
        raise InvalidOptionError(
            f"photograph: expected (H,W,3) of floats or of unsigned whole numbers, got {photograph.shape} of "
            f"{photograph.dtype}"
        )
    top = 1.0 if photograph.dtype.kind == "f" else float(np.iinfo(photograph.dtype).max)
    return Photograph(name="picture", pixels=photograph.astype(np.float32) / np.float32(top))


def _take_disparity(disparity: NDArray, picture: Photograph) -> DepthMap:
    if disparity.dtype.kind not in "uif":
        raise InvalidOptionError(f"disparity: expected numbers, got {disparity.dtype}")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(disparity, np.float32)
    if not np.isfinite(values).all():
        raise InvalidOptionError("disparity: holds NaN, or what is infinite in float32")
    if disparity.shape != picture.pixels.shape[:2] or float(np.ptp(values)) == 0.0:
        raise InvalidOptionError(
            f"disparity: expected {picture.pixels.shape[:2]} that varies in float32, got {disparity.shape}: resample it"
        )
    return DepthMap(values, False, "the array")
