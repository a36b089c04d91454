"""Runs G'MIC's Python package in a process of its own: pictures from .npy files, one command, the result to another."""

import sys

import numpy as np


def main(command: str, result: str, *files: str) -> None:
    """Run ``command`` on the (H,W,C) arrays in ``files``; the first picture of what comes out is the ``result``."""
    import gmic

    pictures = []
    for file in files:
        picture = gmic.Image()  # columns come first in G'MIC, and a depth lies between rows and channels
        picture.assign_ndarray(np.ascontiguousarray(np.load(file).transpose(1, 0, 2)[:, :, None]))
        pictures.append(picture)
    blurred = gmic.run(command, gmic.ImageList(pictures))[0].to_numpy()
    np.save(result, blurred[:, :, 0].transpose(1, 0, 2))


if __name__ == "__main__":
    main(*sys.argv[1:])
