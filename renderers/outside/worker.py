"""Renders with another repository's code, in that repository's Python: ``PYTHON -s worker.py ADAPTER.py FOLDER``.

Requests are JSON objects, one a line, on standard input; each is answered by one line with the same ``id``. Pictures
and maps lie in .npy files, which the lines name. What the repository prints goes to standard error.

Standard library and numpy alone, in the syntax of Python 3.7: this file imports nothing of bokehbench.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    import numpy as np
except ImportError as error:  # the last line is what the harness shows
    sys.exit(f"{sys.executable}: {error}: install numpy there")

PROTOCOL = 1
LONGEST_ERROR = 300
LONGEST_REPLY = 1 << 16  # in bytes, its end of line among them: the harness reads no more
MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


class Session:
    """One adapter, its repository's folder, and what it loaded."""

    def __init__(self, adapter: str, folder: str):
        self.adapter = adapter
        self.folder = folder
        self.module: Any = None
        self.state: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks. Whatever goes wrong is a reply with ``ok`` false, its kind, and one line."""
        op = request.get("op")
        try:
            reply: dict[str, Any] = {"ok": True}
            reply.update(getattr(self, f"op_{op}")(request))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - repositories call sys.exit, too
            traceback.print_exc()
            reply = {"ok": False, "kind": kind_of(error, op == "load", self.adapter), "error": describe(error)}
        if reply.get("kind") == "memory":  # here: the error's frames hold no tensors any more
            free_memory()
        return dict(reply, id=request.get("id"))

    def op_hello(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say which versions answer."""
        if request["protocol"] != PROTOCOL:
            raise ValueError(f"protocol: expected {PROTOCOL}, got {request['protocol']}")
        try:
            import torch
        except ImportError:
            return {"python": sys.version.split()[0], "numpy": np.__version__, "torch": None, "cuda": False}
        version, cuda = torch.__version__, torch.cuda.is_available()
        return {"python": sys.version.split()[0], "numpy": np.__version__, "torch": version, "cuda": cuda}

    def op_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Import the adapter and let it load its networks."""
        spec: Any = importlib.util.spec_from_file_location("bokehbench_adapter", self.adapter)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        use_device(request["device"])
        start = time.perf_counter()
        with one_process():
            self.state = self.module.load(self.folder, request["device"], request["options"])
        return {"seconds": time.perf_counter() - start}

    def op_render(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render one picture; only the adapter's own work is timed."""
        image = np.load(request["image"], allow_pickle=False)
        disparity = np.load(request["disparity"], allow_pickle=False) if request["disparity"] else None
        cuda = cuda_in_use()
        if cuda is not None:
            cuda.synchronize()
            cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        with one_process():
            made = self.module.render(self.state, image, disparity, request["params"], request["seed"])
        if cuda is not None:
            cuda.synchronize()
        seconds = time.perf_counter() - start
        if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], dict)):
            raise TypeError(f"render: expected (picture, what the method was given by name), got {type(made).__name__}")
        picture, used = made
        partial = request["out"] + ".part.npy"
        np.save(partial, np.ascontiguousarray(picture, np.float32), allow_pickle=False)
        os.replace(partial, request["out"])
        peak = cuda.max_memory_allocated() if cuda is not None else None
        return {"seconds": seconds, "peak_bytes": peak, "used": {str(name): value for name, value in used.items()}}

    def op_close(self, request: dict[str, Any]) -> dict[str, Any]:
        """End after this reply."""
        return {}


@contextmanager
def one_process() -> Iterator[None]:
    """End, at the end of the block, a process that the repository forked in it: it would answer a second time."""
    here = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != here:
            os.write(2, b"ended a process that render or load forked and that came back\n")
            os._exit(1)


def write_line(reply: dict[str, Any]) -> bytes:
    """Return a reply as a line; one that is too long is an error, which says so."""
    line = json.dumps(reply, default=str).encode() + b"\n"
    if len(line) <= LONGEST_REPLY:
        return line
    most = f"expected at most {LONGEST_REPLY} bytes as JSON, got {len(line)}"
    error = f"render: what the method was given: {most}: return numbers and names, no maps"
    return write_line({"ok": False, "kind": "failed", "error": error, "id": reply.get("id")})


def kind_of(error: BaseException, loading: bool, adapter: str) -> str:
    """Tell what the harness should make of an error: "memory", "missing", "unsupported" or "failed"."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "memory"
    if isinstance(error, RuntimeError) and any(words in text for words in MEMORY_WORDS):
        return "memory"
    if loading and isinstance(error, (ImportError, FileNotFoundError)):
        return "missing"
    # An adapter says so itself; PyTorch raises the same for an operation that it has not on a device.
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = not places or places[-1] == adapter
    return "unsupported" if own and isinstance(error, NotImplementedError) else "failed"


def describe(error: BaseException) -> str:
    """Return ``Type: text (file.py:line)`` on one line; the text alone where an adapter says what is wrong."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    message = text if type(error) in (NotImplementedError, FileNotFoundError) else f"{type(error).__name__}: {text}"
    return message[: LONGEST_ERROR - len(place)] + place


def use_device(device: str) -> None:
    """Make ``cuda:N`` the current device, which is what is synchronised and measured."""
    torch = sys.modules.get("torch")  # hello has imported it, where it is there
    if torch is not None and device.startswith("cuda:"):
        torch.cuda.set_device(device)


def cuda_in_use() -> Any:
    """Return torch.cuda where the repository uses it, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def free_memory() -> None:
    """Give back what a render left, so that a smaller picture can be tried."""
    gc.collect()
    cuda = cuda_in_use()
    if cuda is not None:
        cuda.empty_cache()


def main(adapter: str, folder: str) -> None:
    """Answer requests until one says close, or none can come any more."""
    replies, requests = os.fdopen(os.dup(1), "wb", 0), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)  # before anything is imported: repositories print, and may ask
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[0] = folder  # in place of this file's own
    session = Session(adapter, folder)
    for line in iter(requests.readline, b""):
        request = json.loads(line.decode())
        replies.write(write_line(session.answer(request)))
        if request.get("op") == "close":
            break
    sys.stderr.flush()
    os._exit(0)  # threads and handlers of the repository might keep an orderly end waiting


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
