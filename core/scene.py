"""Scene: one picture to blur, with its disparity and the lens.

Convention: images are display-encoded (gamma), channels first, float32 in [0,1]; disparity is larger = nearer; signed
defocus is in px of the scene's own resolution, positive in front of the focal plane.
"""

import copy
import math
import reprlib
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import InvalidSceneError, WithheldInputError
from .optics import signed_defocus

INPUT_FIELDS = {
    "picture": "image",
    "disparity": "disparity",
    "focus": "focus_disparity",
    "blur strength": "blur_strength",
    "gamma": "gamma",
    "f-number": "f_number",
}
"""What a renderer may ask for, and the field of Scene that holds it. Every scene has all but the f-number."""

MOST_DIAGONALS = 4.0
"""Largest blur radius, in diagonals of the picture. From one diagonal on every disc covers the whole picture, and what
is rendered is nearly its mean; larger radii come from settings in other units than the map, and cost hours."""

LARGEST_FLOAT = 3.4e38
"""Of float32, in which defocus is computed."""

_WORDS = {field: word for word, field in INPUT_FIELDS.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One picture to blur: an all-in-focus photograph, its disparity and the lens.

    - ``image``: (3,H,W) float32, display-encoded, [0,1]; HDR highlights may exceed 1.
    - ``disparity``: (1,H,W) float32, larger = nearer, any range whose blur float32 can hold.
    - ``focus_disparity``: the disparity that is rendered sharp.
    - ``blur_strength``: radius of the circle of confusion in px per unit of disparity, >= 0; no radius may exceed
      MOST_DIAGONALS diagonals of the image.
    - ``gamma``: of the display transfer, linear = image ** gamma.
    - ``f_number``: of the aperture that the target was taken at, > 0; None where the data set does not know it.
    - ``target``: (3,scale*H,scale*W) float32 ground truth, display-encoded as ``image``, or None.
    - ``scale``: how many times larger than the image a render is, >= 1; nearly always 1.
    - ``is_metric``: whether the disparity is 1/depth in 1/m: messages then speak of metres.
    - ``one_of_several``: whether the data set asks for other lenses over the same picture, too.

    The constructor, and so ``dataclasses.replace``, looks at every pixel; ``to`` and ``without_target`` do not again.
    Raises InvalidSceneError on the wrong shape, type, range, or on values that are not finite.
    """

    name: str
    image: Tensor
    disparity: Tensor
    focus_disparity: float
    blur_strength: float
    gamma: float = 2.2
    f_number: float | None = None
    target: Tensor | None = None
    scale: int = 1
    is_metric: bool = False
    one_of_several: bool = False

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[0] != 3 or 0 in self.image.shape:
            raise InvalidSceneError(f"scene '{self.name}': image: expected (3, H, W), got {tuple(self.image.shape)}")
        height, width = self.image.shape[1:]
        _check_tensor(self.name, "image", self.image, (3, height, width), minimum=0.0)
        farthest_and_nearest = _check_tensor(self.name, "disparity", self.disparity, (1, height, width))
        if not isinstance(self.scale, int) or self.scale < 1:
            raise InvalidSceneError(f"scene '{self.name}': scale: expected a whole number >= 1, got {self.scale!r}")
        if self.target is not None:
            _check_tensor(self.name, "target", self.target, self.render_shape, minimum=0.0)
        _check_number(self.name, "focus_disparity", self.focus_disparity, -float("inf"), float("inf"))
        _check_number(self.name, "blur_strength", self.blur_strength, 0.0, float("inf"))
        _check_number(self.name, "gamma", self.gamma, 1.0, 5.0)
        if self.f_number is not None:
            _check_number(self.name, "f_number", self.f_number, 0.01, 10000.0)
        self._check_radius(*farthest_and_nearest)

    @property
    def height(self) -> int:
        """Rows of the image."""
        return self.image.shape[1]

    @property
    def width(self) -> int:
        """Columns of the image."""
        return self.image.shape[2]

    @property
    def defocus(self) -> Tensor:
        """Signed radius of the circle of confusion, (1,H,W) float32 in px, positive in front of the focal plane."""
        return signed_defocus(self.disparity, self.focus_disparity, self.blur_strength)

    @property
    def render_shape(self) -> tuple[int, int, int]:
        """Shape of the target and of every render: (3, scale*H, scale*W)."""
        return 3, self.scale * self.height, self.scale * self.width

    @property
    def render_defocus(self) -> Tensor:
        """The defocus of the target's pixels, (1,scale*H,scale*W), in px of the target.

        Bilinear between the pixels of the input, so that a slope stays the slope that it is: radii and distances grow
        by the same factor.
        """
        if self.scale == 1:
            return self.defocus
        size = self.render_shape[1:]
        return self.scale * F.interpolate(self.defocus[None], size, mode="bilinear", align_corners=False)[0]

    @property
    def inputs(self) -> Set[str]:
        """Which of ``INPUT_FIELDS`` can be read here."""
        return {word for word in INPUT_FIELDS if word != "f-number" or self.f_number is not None}

    def without_target(self) -> Self:
        """Return the scene as a perturbation or a renderer may see it."""
        return self._changed(target=None)

    def to(self, device: str | torch.device, *, copy: bool = False) -> Self:
        """Move every tensor to ``device``; ``copy``: even those that are there already."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return self._changed(**{name: tensor.to(device, copy=copy) for name, tensor in tensors.items()})

    def given(self, inputs: Set[str]) -> "GivenScene":
        """Return the scene with nothing to read but ``inputs``, the name, the size and the scale."""
        given = object.__new__(GivenScene)
        fields = {field: getattr(self, field) for word, field in INPUT_FIELDS.items() if word in inputs}
        vars(given).update(name=self.name, target=None, scale=self.scale, _inputs=frozenset(inputs), **fields)
        return given

    def write_disparity(self, disparity: float) -> str:
        """Write a disparity for a reader: as its depth where it was made from one."""
        if not self.is_metric:
            return f"{disparity:.4g}"
        return f"{1.0 / disparity:.4g} m" if disparity > 0.0 else "infinity"

    def _check_radius(self, farthest: float, nearest: float) -> None:
        """Refuse blur beyond the limit between two disparities."""
        reach = max(abs(end - float(self.focus_disparity)) for end in (farthest, nearest))
        strength = float(self.blur_strength)
        largest = MOST_DIAGONALS * math.hypot(self.height, self.width)
        too_large, held = reach * strength > largest, max(reach, strength) <= LARGEST_FLOAT
        if held and not too_large:
            return
        focus, far, near = map(self.write_disparity, (float(self.focus_disparity), farthest, nearest))
        limit = f"at most {largest:.0f} px ({MOST_DIAGONALS:g} diagonals of the picture)"
        raise InvalidSceneError(
            f"scene '{self.name}': blur radius: expected {limit if too_large else 'numbers that float32 holds'}, got "
            f"{reach * strength:.4g} px, from a map of {far} to {near}, the focus at {focus} and a blur strength of "
            f"{strength:.4g} px per {'1/m' if self.is_metric else 'unit of disparity'}: bring "
            f"{'focus and strength to the unit of the map' if too_large else 'map and focus to a unit of common size'}"
        )

    def _changed(self, **fields: Any) -> Self:
        """Return a copy with other values, unchecked: they are those of a scene that was checked."""
        changed = copy.copy(self)
        vars(changed).update(fields)
        return changed


class GivenScene(Scene):
    """A scene as a renderer gets it: reading an input that the renderer does not name raises WithheldInputError.

    So "takes no disparity" is true of the pictures, not only of the table. There is no target, either. Another picture
    is put in by ``with_image``; ``dataclasses.replace`` reads every field and so refuses.
    """

    _inputs: frozenset[str] = frozenset(INPUT_FIELDS)

    def __getattribute__(self, name: str) -> Any:
        word = _WORDS.get(name)
        if word is not None and word not in object.__getattribute__(self, "_inputs"):
            scene = object.__getattribute__(self, "name")
            raise WithheldInputError(
                f"scene '{scene}': {name} was read by a renderer that does not ask for it: add '{word}' to the inputs"
                " of its Capabilities"
            )
        return object.__getattribute__(self, name)

    @property
    def inputs(self) -> Set[str]:
        """Which of ``INPUT_FIELDS`` can be read here."""
        return self._inputs

    def with_image(self, image: Tensor) -> "GivenScene":
        """Return the same with another picture of the same size, unchecked."""
        return self._changed(image=image)

    def with_disparity(self, disparity: Tensor) -> "GivenScene":
        """Return the same with another disparity map of the same size, unchecked."""
        return self._changed(disparity=disparity)

    def with_scale(self, scale: int) -> "GivenScene":
        """Return the same, to be rendered at another size."""
        return self._changed(scale=scale)


def find_range(tensor: Tensor) -> tuple[float, float]:
    """Return the lowest and the highest value in one pass; both are NaN where the tensor holds one."""
    low, high = torch.aminmax(tensor)
    return float(low), float(high)


def _check_tensor(
    scene: str, what: str, tensor: Tensor, shape: tuple[int, ...], minimum: float | None = None
) -> tuple[float, float]:
    """Return the lowest and the highest value."""
    if tuple(tensor.shape) != shape:
        raise InvalidSceneError(
            f"scene '{scene}': {what}: expected {shape}, got {tuple(tensor.shape)}: resample it in the loader"
        )
    if tensor.dtype != torch.float32:
        raise InvalidSceneError(f"scene '{scene}': {what}: expected float32, got {tensor.dtype}: convert it")
    low, high = find_range(tensor)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidSceneError(f"scene '{scene}': {what}: holds NaN or infinite values: repair or drop the file")
    if minimum is not None and low < minimum:
        raise InvalidSceneError(f"scene '{scene}': {what}: expected values >= {minimum:g}, got {low:g}")
    return low, high


def _check_number(scene: str, what: str, value: float, low: float, high: float) -> None:
    try:
        valid = low <= value <= high and math.isfinite(value)
    except (TypeError, OverflowError):  # of a text, or of 10**400
        valid = False
    if not valid:
        shown = reprlib.repr(value)
        raise InvalidSceneError(f"scene '{scene}': {what}: expected a number in [{low:g}, {high:g}], got {shown}")
