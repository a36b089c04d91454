"""1 - SSIM between pictures, as a loss: square windows, which cost less than Gaussian ones."""

import torch.nn.functional as F
from torch import Tensor

SIDE_PX = 7
C1, C2 = 0.01**2, 0.03**2


def ssim_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Return 1 - SSIM, a scalar, of pictures (B,3,H,W) in [0,1], H and W at least SIDE_PX.

    Source: Wang et al., "Image quality assessment", IEEE TIP 2004, Eq. 13, with the covariance of whole populations.
    """
    first, second = _mean(predicted), _mean(target)
    variances = _mean(predicted**2) - first**2 + _mean(target**2) - second**2
    covariance = _mean(predicted * target) - first * second
    similarity = (2.0 * first * second + C1) * (2.0 * covariance + C2)
    return 1.0 - (similarity / ((first**2 + second**2 + C1) * (variances + C2))).mean()


def _mean(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture, SIDE_PX, stride=1)
