#!/usr/bin/env bash
# PyTorch, JAX: least squares in float32 forget the shift between two disparity maps once these have many pixels.
#
# Guess before running it: scale and shift that bring a predicted disparity to the true one are a fit of two columns
# (the prediction, ones), far from singular; more pixels make it better, and float32 costs a few digits of it.
# Seen with torch 2.13.0, jax 0.10.2, numpy 2.4.6, scipy 1.17.1 (Linux x86_64, CPU): scale, shift of an exact fit, the
# scale times the range of the prediction; they should be 0.5, 2:
#   pixels            512x384     512x384     1024x1024   1024x1024   2048x1536   4000x3000
#   prediction, 0 to  20          255         1           20          1           1
#   torch lstsq       0.50, 2.00  3.50, 0.00  0.50, 2.00  3.48, 0.01  1.08, 1.62  1.08, 1.62
#   torch pinv        0.50, 2.00  3.50, 0.00  0.50, 2.00  3.49, 0.01  0.94, 1.76  0, 0
#   jax lstsq         0.50, 2.00  3.50, 0.00  0.50, 2.00  3.49, 0.01  0.94, 1.76  0, 0
#   jax pinv          3.49, 0.01  3.50, 0.00  0, 0        0, 0        0, 0        0, 0
#   numpy polyfit     0.50, 2.00  0.50, 2.00  0.50, 2.00  0.50, 2.00  1.98, 1.14  0.50, 2.00
#   jax polyfit       0.50, 2.00  0.50, 2.00  0.50, 2.00  0.50, 2.00  1.98, 1.14  0, 0
# numpy's and scipy's lstsq and torch's in float64 have 0.50, 2.00 everywhere. Only numpy's polyfit warns. The others
# take a singular value for zero below eps times the number of rows (jax's pinv: ten times that) of the largest, and in
# float32 that is 0.02 for 512x384, 0.13 for a megapixel and above 1 for 4000x3000. The second singular value is 0.23 of
# the first for a prediction from 0 to 1, 0.04 for one to 20, 0.003 for one to 255. torch's lstsq gave 0.90, 1.80 for
# 1.08, 1.62 in other processes: its order of columns depends on what memory held before (pytorch issue 187411). Align
# in float64.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PYTHON'
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import scipy
import torch

SIZES = ((512 * 384, 20), (512 * 384, 255), (1024 * 1024, 1), (1024 * 1024, 20), (2048 * 1536, 1), (4000 * 3000, 1))


def with_torch(design, truth, dtype):
    """Return scale and shift of torch's lstsq in one dtype."""
    columns, values = (torch.from_numpy(x).to(dtype) for x in (design, truth[:, None]))
    return torch.linalg.lstsq(columns, values).solution[:, 0].numpy()


RIGHT, WRONG = True, False
FITS = {  # of a design (N,2) and the truth (N,), and where they are right
    "torch lstsq": (lambda a, b: with_torch(a, b, torch.float32), (RIGHT, WRONG, RIGHT, WRONG, WRONG, WRONG)),
    "torch pinv": (
        lambda a, b: (torch.linalg.pinv(torch.from_numpy(a)) @ torch.from_numpy(b)).numpy(),
        (RIGHT, WRONG, RIGHT, WRONG, WRONG, WRONG),
    ),
    "jax lstsq": (lambda a, b: np.array(jnp.linalg.lstsq(a, b)[0]), (RIGHT, WRONG, RIGHT, WRONG, WRONG, WRONG)),
    "jax pinv": (lambda a, b: np.array(jnp.linalg.pinv(a) @ b), (WRONG,) * 6),
    "numpy polyfit": (lambda a, b: np.polyfit(a[:, 0], b, 1), (RIGHT,) * 4 + (WRONG, RIGHT)),
    "jax polyfit": (lambda a, b: np.array(jnp.polyfit(a[:, 0], b, 1)), (RIGHT,) * 4 + (WRONG, WRONG)),
    "numpy lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], (RIGHT,) * 6),
    "scipy lstsq": (lambda a, b: scipy.linalg.lstsq(a, b)[0], (RIGHT,) * 6),
    "torch lstsq in float64": (lambda a, b: with_torch(a, b, torch.float64), (RIGHT,) * 6),
}
print("torch", torch.__version__, "jax", jax.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
random = np.random.default_rng(0)
for index, (pixels, most) in enumerate(SIZES):
    share = random.random(pixels).astype(np.float32)
    truth = 0.5 * share + 2
    design = np.stack([most * share, np.ones_like(share)], 1)
    print(f"{pixels} pixels, prediction from 0 to {most}:")
    for name, (fit, right) in FITS.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = fit(design, truth) * (most, 1)
        print(f"  {name}: {found[0]:.4f}, {found[1]:.4f}", "with a warning" if caught else "")
        off = np.abs(found - (0.5, 2)).max()
        assert (off < 0.01) if right[index] else (off > 0.2), (name, off)
        assert bool(caught) == (name == "numpy polyfit" and not right[index])
PYTHON
echo "as described"
