"""Processes of one command, started as a launcher does, without one."""

import os
import socket
import subprocess
import sys

import pytest

__all__ = ["one_of_two", "start_one"]


@pytest.fixture
def one_of_two():
    """Return the variables that a launcher sets for process ``rank`` of two."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def one_of_two(rank, minutes=10):
        ours = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        ours |= {"BOKEHBENCH_WAIT_MINUTES": minutes, "OMP_NUM_THREADS": 1}
        return {name: str(value) for name, value in ours.items()}

    return one_of_two


@pytest.fixture
def start_one(one_of_two):
    """Start Python with ``code`` as process ``rank`` of two; what is left of them at the end is killed."""
    started = []

    def start_one(rank, *code, minutes=10):
        process = subprocess.Popen(
            [sys.executable, *map(str, code)],
            env=os.environ | one_of_two(rank, minutes),
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
