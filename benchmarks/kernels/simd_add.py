"""One processor instruction that numba does not find by itself: add a scaled colour and weight as a 4-wide vector."""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _add_scaled(
    typing_context: Any, sums: Any, start: Any, gain: Any, red: Any, green: Any, blue: Any, weight: Any
) -> Any:
    """Add ``gain * (red, green, blue, weight)`` to ``sums[start : start + 4]``; no bounds check.

    ``sums``: contiguous 1-D array of floats; the scalars are of its type. Multiplication and addition fuse where the
    processor can (``contract``).
    """
    number = sums.dtype
    signature = types.void(sums, types.int64, number, number, number, number, number)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        array, start, gain, *colour = arguments
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, array).data
        vector = ir.VectorType(context.get_value_type(number), 4)
        address = builder.bitcast(builder.gep(data, [start]), vector.as_pointer())
        step = builder.fmul(_pack(builder, vector, [gain] * 4), _pack(builder, vector, colour), flags=("contract",))
        total = builder.fadd(builder.load(address, align=number.bitwidth // 8), step, flags=("contract",))
        builder.store(total, address, align=number.bitwidth // 8)
        return context.get_dummy_value()

    return signature, generate


def _pack(builder: ir.IRBuilder, vector: ir.VectorType, values: Sequence[ir.Value]) -> ir.Value:
    packed = ir.Constant(vector, ir.Undefined)
    for lane, value in enumerate(values):
        packed = builder.insert_element(packed, value, ir.Constant(ir.IntType(32), lane))
    return packed


add_scaled: Any = intrinsic(_add_scaled)
