#!/usr/bin/env bash
# FLIP for HDR pictures: one bright pixel, the same in both pictures, changes the score of all others, and their order.
#
# Guess before running it: where two pictures are equal they have no error; one lamp pixel that both have leaves the
# mean FLIP where it was, and which of two renders is the better one.
# Seen with flip-evaluator 1.7 (Linux x86_64), `evaluate(target, render, "HDR")` of a smooth scene of 192x128 px between
# 0.15 and 0.5, mean FLIP of three renders, and the exposures that it was taken over:
#                                   noise of 10 %  noise of 0.03  15 % too bright  exposures
#   no lamp                         0.0467         0.0476         0.104            2, from 2.1 to 2.5 stops
#   one pixel of 1 in all           0.067          0.061          0.131            2, from 1.1
#   one pixel of 100 in all         0.077          0.068          0.180            9, from -5.6
#   the same, exposures of no lamp  0.0467         0.0476         0.104
# So the score of the same errors is 1.4 to 1.7 times as high, and the better of two noisy renders becomes the worse. The
# range of exposures starts at the target's brightest pixel, and a pixel's error is the largest over all exposures. Means
# of scenes with lamps and without do not compare, nor those of crops: give startExposure, stopExposure, numExposures.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet flip-evaluator==1.7 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import flip_evaluator
import numpy as np

random = np.random.default_rng(0)
y, x = np.mgrid[:128, :192]
target = np.stack([0.2 + 0.3 * x / 192, 0.3 + 0.2 * y / 128, 0.25 + 0.1 * np.sin(x / 9)], 2)
RENDERS = {
    "noise of 10 %": target * (1 + 0.1 * random.normal(size=target.shape)),
    "noise of 0.03": np.clip(target + 0.03 * random.normal(size=target.shape), 0, None),
    "15 % too bright": target * 1.15,
}


def with_lamp(picture, value):
    """Return the picture as float32, with one pixel of that value unless it is None."""
    made = picture.astype(np.float32)
    if value is not None:
        made[60, 90] = value
    return made


def measure(lamp, exposures=None):
    """Return mean FLIP per render with a lamp in all pictures, the map of the first, and the exposures used."""
    means, maps = [], []
    for render in RENDERS.values():
        pictures = with_lamp(target, lamp), with_lamp(render, lamp)
        found, mean, used = flip_evaluator.evaluate(*pictures, "HDR", applyMagma=False, parameters=exposures or {})
        means.append(mean)
        maps.append(np.asarray(found))
    used = {name: used[name] for name in ("startExposure", "stopExposure", "numExposures")}
    print(f"lamp {lamp}:", *(f"{name} {mean:.4f}," for name, mean in zip(RENDERS, means)), used)
    return np.array(means), maps[0], used


plain, plain_map, exposures = measure(None)
faint, _, _ = measure(1.0)
bright, bright_map, more = measure(100.0)
fixed, _, _ = measure(100.0, exposures)
assert exposures["numExposures"] == 2 and more["numExposures"] == 9
assert more["startExposure"] < -5 < 2 < exposures["startExposure"]
assert plain[0] < plain[1] - 5e-4 and bright[0] > bright[1] + 0.005 and faint[0] > faint[1] + 0.003  # the order
assert (faint / plain > 1.2).all() and (bright / plain > 1.4).all()
assert bright_map[:30].mean() > 1.4 * plain_map[:30].mean()  # far from the lamp
assert np.abs(fixed / plain - 1).max() < 2e-3
PYTHON
echo "as described"
