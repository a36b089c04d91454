"""What one training sample is."""

from typing import NotRequired, TypedDict

from torch import Tensor


class TrainingSample(TypedDict):
    """A scene with its ground truth. Pictures are float32, display-encoded (gamma 2.2), [0,1].

    ``image`` (3,H,W), sharp; ``target`` (3,H,W), as the lens sees it; ``disparity`` (1,H,W) float32 in (0,1), larger =
    nearer; ``focus_disparity``, ``blur_strength`` (px per unit of disparity), float32 scalars; ``index``, which one it
    is. ``base`` (3,H,W), where there is one: what another renderer makes of the scene.
    """

    image: Tensor
    target: Tensor
    disparity: Tensor
    focus_disparity: Tensor
    blur_strength: Tensor
    index: Tensor
    base: NotRequired[Tensor]
