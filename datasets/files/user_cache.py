"""Where everything lies that can be made again: generated scenes, digests of files."""

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "BOKEHBENCH_CACHE"


def cache_root() -> Path:
    """Return the folder of everything that can be made again: $BOKEHBENCH_CACHE, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("bokehbench"))
