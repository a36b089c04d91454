#!/usr/bin/env bash
# torchmetrics, pytorch-msssim: inside torch.autocast, SSIM of float32 pictures is computed in 16 bits, and far off.
#
# Guess before running it: mixed precision is for the network; the SSIM of two float32 pictures in [0, 1] is what it is
# without, or off in the third digit. A picture and itself have 1.
# Seen with torchmetrics 1.9.0, pytorch-msssim 1.0.0, kornia 0.9.0, torch 2.13.0 (Linux x86_64, CPU): a picture of
# 512x384 px against itself blurred by a box of 5 px, itself with noise of 0.02, and itself:
#                          float32               autocast to bfloat16   autocast to float16
#                          blur   noise  itself  blur   noise  itself   blur   noise  itself
#   torchmetrics SSIM      0.908  0.779  1       0.575  0.609  0.243    0.776  0.728  0.908
#   torchmetrics MS-SSIM   0.979  0.966  1       0.528  0.625  0.381    0.918  0.935  0.945
#   pytorch-msssim SSIM    0.908  0.779  1       0.918  0.918  1        0.859  0.749  1
#   kornia SSIM, PSNR      unchanged
# So the order of two renders turns over (torchmetrics) or is lost (pytorch-msssim). The convolutions that take local
# means and squares go to 16 bits, and a variance of 0.0005 is then the difference of two numbers near 0.3 that are
# rounded to 0.002. Pictures that are bfloat16 themselves, without autocast, lose as much: torchmetrics has 0.848, 0.828
# and 0.715 for them; with the pictures rounded so and the rest in float64, 0.906, 0.778 and 1. Leave the autocast, and
# call .float(), to score.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 torchmetrics==1.9.0 pytorch-msssim==1.0.0 kornia==0.9.0 \
  numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import kornia
import pytorch_msssim
import torch
import torchmetrics
from torch.nn.functional import avg_pool2d, pad
from torchmetrics.functional import image as functional


def soften(picture):
    """Return the picture blurred by a box of 5 px."""
    return avg_pool2d(pad(picture, (2, 2, 2, 2), mode="reflect"), 5, 1)


random = torch.manual_seed(0)
y, x = torch.meshgrid(torch.linspace(0, 1, 384), torch.linspace(0, 1, 512), indexing="ij")
scene = torch.stack([0.3 + 0.5 * x, 0.6 + 0.15 * torch.sin(20 * y) * torch.cos(15 * x), 0.8 - 0.3 * y])[None]
target = soften(scene + 0.1 * torch.randn(scene.shape, generator=random)).clamp(0, 1)
noisy = (target + 0.02 * torch.randn(target.shape, generator=random)).clamp(0, 1)
RENDERS = (soften(target), noisy, target)
ssim = functional.structural_similarity_index_measure
ms_ssim = functional.multiscale_structural_similarity_index_measure
SCORES = {
    "torchmetrics SSIM": lambda a, b: ssim(a, b, data_range=1.0),
    "torchmetrics MS-SSIM": lambda a, b: ms_ssim(a, b, data_range=1.0),
    "pytorch-msssim SSIM": lambda a, b: pytorch_msssim.ssim(a, b, data_range=1.0),
    "kornia SSIM": lambda a, b: kornia.metrics.ssim(a, b, 11).mean(),
    "torchmetrics PSNR": lambda a, b: functional.peak_signal_noise_ratio(a, b, data_range=1.0),
}
ssim_of_one = SCORES["torchmetrics SSIM"]


def measure(score, cast=None, dtype=torch.float32):
    """Return the scores of the blurred, the noisy and the true picture under an autocast, or as pictures of a dtype."""
    with torch.autocast("cpu", cast or torch.bfloat16, enabled=cast is not None):
        return [float(score(render.to(dtype), target.to(dtype))) for render in RENDERS]


print("torchmetrics", torchmetrics.__version__, "kornia", kornia.__version__)
found = {}
for name, score in SCORES.items():
    for cast in (None, torch.bfloat16, torch.float16):
        found[name, cast] = measure(score, cast)
        print(name, f"autocast to {cast}:", *(f"{value:.3f}" for value in found[name, cast]))
half = torch.bfloat16
pictures = measure(ssim_of_one, dtype=half)
rounded = [float(ssim_of_one(render.to(half).double(), target.to(half).double())) for render in RENDERS]
print("torchmetrics SSIM of bfloat16 pictures:", *(f"{value:.3f}" for value in pictures))
print("and of these in float64:", *(f"{value:.3f}" for value in rounded))
for name in SCORES:
    whole, bfloat, float16 = (found[name, cast] for cast in (None, half, torch.float16))
    if name in ("kornia SSIM", "torchmetrics PSNR"):
        assert whole == bfloat == float16, name
        continue
    assert 1 > whole[0] > whole[1] + 0.01 and abs(whole[2] - 1) < 1e-3, name  # blur is the better one
    assert bfloat[1] > bfloat[0] - 0.005, name  # and is no more
    assert (bfloat[2] < 0.6) if name.startswith("torchmetrics") else (abs(bfloat[2] - 1) < 1e-3), name
    assert abs(float16[0] - whole[0]) > 0.02, name
assert abs(rounded[0] - found["torchmetrics SSIM", None][0]) < 0.005 and abs(rounded[2] - 1) < 1e-3
assert abs(rounded[0] - pictures[0]) > 0.03 and pictures[2] < 0.9
PYTHON
echo "as described"
