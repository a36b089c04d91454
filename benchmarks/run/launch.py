"""What a launcher (``accelerate launch``, ``torchrun``) tells this process; imports nothing heavy."""

import os


def is_shared() -> bool:
    """Whether several processes share this command."""
    count = os.environ.get("WORLD_SIZE", "1")
    return count.isdecimal() and int(count) > 1


def is_helper() -> bool:
    """Whether this process shares a command whose main process is another."""
    return is_shared() and os.environ.get("RANK", "0") != "0"
