"""Scene: one picture to blur, with its disparity and the lens.

Convention: images are display-encoded (gamma), channels first, float32 in [0,1]; disparity is larger = nearer; signed
defocus is in px of the scene's own resolution, positive in front of the focal plane.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import InvalidSceneError
from .optics import signed_defocus


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One picture to blur: an all-in-focus photograph, its disparity and the lens.

    - ``image``: (3,H,W) float32, display-encoded, [0,1]; HDR highlights may exceed 1.
    - ``disparity``: (1,H,W) float32, larger = nearer, any finite range.
    - ``focus_disparity``: the disparity that is rendered sharp.
    - ``blur_strength``: radius of the circle of confusion in px per unit of disparity, >= 0.
    - ``gamma``: of the display transfer, linear = image ** gamma.
    - ``target``: (3,H,W) float32 ground truth, display-encoded as ``image``, or None.

    Raises InvalidSceneError on the wrong shape, type, range, or on values that are not finite.
    """

    name: str
    image: Tensor
    disparity: Tensor
    focus_disparity: float
    blur_strength: float
    gamma: float = 2.2
    target: Tensor | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[0] != 3 or 0 in self.image.shape:
            raise InvalidSceneError(f"scene '{self.name}': image: expected (3, H, W), got {tuple(self.image.shape)}")
        height, width = self.image.shape[1:]
        _check_tensor(self.name, "image", self.image, (3, height, width), minimum=0.0)
        _check_tensor(self.name, "disparity", self.disparity, (1, height, width))
        if self.target is not None:
            _check_tensor(self.name, "target", self.target, (3, height, width), minimum=0.0)
        _check_number(self.name, "focus_disparity", self.focus_disparity, -float("inf"), float("inf"))
        _check_number(self.name, "blur_strength", self.blur_strength, 0.0, float("inf"))
        _check_number(self.name, "gamma", self.gamma, 1.0, 5.0)

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

    def without_target(self) -> "Scene":
        """Return the scene as a renderer may see it."""
        return dataclasses.replace(self, target=None)

    def to(self, device: str | torch.device) -> "Scene":
        """Move every tensor to ``device``."""
        target = None if self.target is None else self.target.to(device)
        return dataclasses.replace(
            self, image=self.image.to(device), disparity=self.disparity.to(device), target=target
        )

    def resized(self, height: int, width: int) -> "Scene":
        """Resample to another size and rescale the blur strength with it, so that the picture stays the same.

        Images are area-averaged when they shrink and bilinear when they grow; disparity is bilinear. The blur strength
        follows the geometric mean of both factors. Only this method changes a scene's resolution.
        """
        scale = ((height / self.height) * (width / self.width)) ** 0.5
        return dataclasses.replace(
            self,
            image=_resample(self.image, height, width),
            disparity=F.interpolate(self.disparity[None], (height, width), mode="bilinear", align_corners=False)[0],
            target=None if self.target is None else _resample(self.target, height, width),
            blur_strength=self.blur_strength * scale,
        )


def find_range(tensor: Tensor) -> tuple[float, float]:
    """Return the lowest and the highest value in one pass; both are NaN where the tensor holds one."""
    low, high = torch.aminmax(tensor)
    return float(low), float(high)


def _resample(image: Tensor, height: int, width: int) -> Tensor:
    smaller = height <= image.shape[1] and width <= image.shape[2]
    if smaller:
        return F.interpolate(image[None], (height, width), mode="area")[0]
    return F.interpolate(image[None], (height, width), mode="bilinear", align_corners=False)[0]


def _check_tensor(scene: str, what: str, tensor: Tensor, shape: tuple[int, ...], minimum: float | None = None) -> None:
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


def _check_number(scene: str, what: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high) or value in (-float("inf"), float("inf")):
        raise InvalidSceneError(f"scene '{scene}': {what}: expected a number in [{low:g}, {high:g}], got {value!r}")
