"""Products of four rows with a matrix, sixteen columns at a time: vector code that numba does not find by itself.

The sums stay in registers while the loop runs. Rows are found through a list of row numbers, so that features need not
be gathered before they are multiplied.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ROWS = 4
LANES = 16


def _multiply_four_rows(
    typing_context: Any,
    x: Any,
    x_rows: Any,
    x_step: Any,
    y: Any,
    y_rows: Any,
    y_pitch: Any,
    y_first: Any,
    out: Any,
    out_rows: Any,
    add: Any,
) -> Any:
    """Write or ``add`` to ``out[out_rows[r] + c]`` the sum over k of x[x_rows[r] + k x_step] y[y_k + c].

    For r < 4 and c < 16, where ``y_k = y_first + y_rows[k] * y_pitch`` and ``y_rows`` is (K,) int32. ``x``, ``y`` and
    ``out`` are contiguous arrays of one floating type, of any shape: places count their numbers from the first, and are
    not checked. ``x_rows`` and ``out_rows``: four places each; two rows of ``out`` may be one if so are those of ``x``.
    """
    signature = types.void(x, x_rows, x_step, y, y_rows, y_pitch, y_first, out, out_rows, add)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        def unpack(number: int) -> Any:
            return cgutils.create_struct_proxy(signature.args[number])(context, builder, arguments[number])

        x_data, y_data, y_list, out_data = unpack(0).data, unpack(3).data, unpack(4), unpack(7).data
        x_places, out_places = (cgutils.unpack_tuple(builder, arguments[i], ROWS) for i in (1, 8))
        x_step, y_pitch, y_first, add = arguments[2], arguments[5], arguments[6], arguments[9]
        size = x.dtype.bitwidth // 8
        vector = ir.VectorType(context.get_value_type(x.dtype), LANES)
        outs = [builder.bitcast(builder.gep(out_data, [place]), vector.as_pointer()) for place in out_places]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * LANES)) for _ in range(ROWS)]
        with builder.if_then(add):
            for total, place in zip(sums, outs, strict=True):
                builder.store(builder.load(place, align=size), total)
        with cgutils.for_range(builder, builder.extract_value(y_list.shape, 0)) as loop:
            row = builder.sext(builder.load(builder.gep(y_list.data, [loop.index])), y_pitch.type)
            y_place = builder.gep(y_data, [builder.add(builder.mul(row, y_pitch), y_first)])
            columns = builder.load(builder.bitcast(y_place, vector.as_pointer()), align=size)
            step = builder.mul(loop.index, x_step)
            for total, place in zip(sums, x_places, strict=True):
                factor = _repeat(builder, vector, builder.load(builder.gep(x_data, [builder.add(place, step)])))
                product = builder.fmul(factor, columns, flags=("contract",))
                builder.store(builder.fadd(product, builder.load(total), flags=("contract",)), total)
        for total, place in zip(sums, outs, strict=True):
            builder.store(builder.load(total), place, align=size)
        return context.get_dummy_value()

    return signature, generate


def _repeat(builder: ir.IRBuilder, vector: ir.VectorType, value: ir.Value) -> ir.Value:
    undefined, index = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, value, ir.Constant(index, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))


multiply_four_rows: Any = intrinsic(_multiply_four_rows)
