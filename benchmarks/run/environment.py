"""What a number depends on besides the code: versions, commit, processor, GPU."""

import hashlib
import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "torch",
    "triton",
    "numpy",
    "numba",
    "llvmlite",
    "scipy",
    "opencv-python-headless",
    "opencv-python",
    "diffusers",
    "peft",
    "lpips",
    "pyiqa",
    "datasets",
    "pillow",
)
"""What pictures, scores or times may depend on."""


def describe_environment() -> tuple[str, dict[str, Any]]:
    """Return an id and the record it stands for; the same surroundings give the same id."""
    record = {
        "bokehbench": _version_of("bokehbench"),
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: _version_of(name) for name in PACKAGES},
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12], record


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit(root: Path = ROOT) -> str | None:
    """The checkout's commit, with ``+`` and a hash of the changes where its files differ; None outside a checkout."""
    try:
        answers = [
            subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=10, check=True).stdout  # noqa: S603, S607
            for arguments in (["rev-parse", "HEAD"], ["diff", "--binary", "HEAD"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    commit, changes = answers
    return commit.decode().strip()[:12] + (f"+{hashlib.sha256(changes).hexdigest()[:8]}" if changes else "")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
