"""A helper ends with its owner."""

import subprocess
import sys

BUSY = """
import sys, time
from bokehbench.core.owner import end_after

end_after(sys.stdin.read)
print("busy", flush=True)
time.sleep(60)
"""


def test_a_helper_ends_with_its_owner_whatever_it_is_at() -> None:
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        assert process.poll() is None
        process.stdin.close()  # as the system does when the owner is killed
        assert process.wait(30) == 1
