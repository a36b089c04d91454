"""Triton's kernels compiled to machine code for a card that is not here: ``python -m bokehbench.benchmarks.gpu.ahead``.

Prints the bytes of each kernel's machine code as JSON. A process of its own, since Triton is compiler or interpreter
from its import on.
"""

import json
import os
import subprocess
import sys

from ...core.errors import InvalidOutputError

CAPABILITIES = (80, 90)
"""Compute capabilities: Ampere's and Hopper's data-centre cards."""


def compile_apart(capability: int) -> dict[str, int]:
    """Return the bytes of machine code of each kernel for a compute capability (80 is 8.0), from a fresh process.

    Raises InvalidOutputError with the compiler's last line where a kernel does not compile.
    """
    command = [sys.executable, "-m", "bokehbench.benchmarks.gpu.ahead", str(capability)]
    surroundings = os.environ | {"TRITON_INTERPRET": "0"}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise InvalidOutputError(f"Triton's kernels do not compile for sm_{capability}: {said[0]}")
    sizes: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return sizes


def compile_here(capability: int) -> dict[str, int]:
    """Compile the kernels in this process, for which Triton must not be the interpreter."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from ...renderers.classical.device.triton_spans import CONSTANTS, _add_spans
    from . import literal_scatter

    maps = {"linear": "*fp32", "radius_px": "*fp32"}
    sizes = {"height": "i32", "width": "i32", "reach": "i32"}
    limits = {"largest_px": "fp32", "tolerance": "fp32", "scale": "fp32"}
    kernels = {
        _add_spans: (maps | {"steps": "*i64"} | sizes | limits, CONSTANTS),
        literal_scatter._add_pixels: (maps | {"sums": "*fp32"} | sizes, {"BLOCK": literal_scatter.BLOCK}),
    }
    found = {}
    for kernel, (signature, constants) in kernels.items():
        source = ASTSource(kernel, signature | dict.fromkeys(constants, "constexpr"), dict(constants))
        compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32))
        found[kernel.__name__] = len(compiled.asm["cubin"])
    return found


if __name__ == "__main__":
    print(json.dumps(compile_here(int(sys.argv[1]))))
