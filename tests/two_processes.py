"""Processes of one command, started as a launcher does, without one."""

import os
import socket
import subprocess
import sys

import pytest

__all__ = ["start_one"]


@pytest.fixture
def start_one():
    """Start Python with ``code`` as process ``rank`` of two; what is left of them at the end is killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []

    def start_one(rank, *code, minutes=10):
        ours = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        ours |= {"BOKEHBENCH_WAIT_MINUTES": minutes, "OMP_NUM_THREADS": 1}
        environment = os.environ | {name: str(value) for name, value in ours.items()}
        process = subprocess.Popen(
            [sys.executable, *map(str, code)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()
