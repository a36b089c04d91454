"""Between PyTorch's (B,C,H,W) and the kernels' channels last."""

from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """(B,C,H,W) to (B,H,W,C), contiguous."""
    return x.permute(0, 2, 3, 1).contiguous()


def channels_first(x: Tensor) -> Tensor:
    """(B,H,W,C) to (B,C,H,W), a view."""
    return x.permute(0, 3, 1, 2)
