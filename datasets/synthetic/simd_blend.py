"""One processor instruction that numba does not find by itself: blend four RGBA texels as 4-wide vectors."""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _blend_texels(
    typing_context: Any, texels: Any, top: Any, bottom: Any, w00: Any, w01: Any, w10: Any, w11: Any
) -> Any:
    """Return w00 a + w01 b + w10 c + w11 d, four floats, where a, b lie at ``top``, c, d at ``bottom``.

    ``texels``: contiguous 1-D array of floats, four a texel; ``top``, ``bottom``: index of the left texel's first
    float. No bounds check. Sums run from left to right and fuse nothing, as in the scalar loop.
    """
    number = texels.dtype
    signature = types.UniTuple(number, 4)(texels, types.int64, types.int64, number, number, number, number)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        array, top, bottom, *weights = arguments
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, array).data
        vector = ir.VectorType(context.get_value_type(number), 4)
        total = None
        for start, offset, weight in zip((top, top, bottom, bottom), (0, 4, 0, 4), weights, strict=True):
            place = builder.add(start, ir.Constant(start.type, offset))
            address = builder.bitcast(builder.gep(data, [place]), vector.as_pointer())
            texel = builder.load(address, align=number.bitwidth // 8)
            step = builder.fmul(_repeat(builder, vector, weight), texel)
            total = step if total is None else builder.fadd(total, step)
        lanes = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in range(4)]
        return context.make_tuple(builder, signature.return_type, lanes)

    return signature, generate


def _repeat(builder: ir.IRBuilder, vector: ir.VectorType, value: ir.Value) -> ir.Value:
    packed = ir.Constant(vector, ir.Undefined)
    for lane in range(4):
        packed = builder.insert_element(packed, value, ir.Constant(ir.IntType(32), lane))
    return packed


blend_texels: Any = intrinsic(_blend_texels)
