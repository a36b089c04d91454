"""Winograd's transforms of sixteen channels at a time, and the products between them: vector code for numba.

F(4 x 4, 3 x 3) over the points 0, 1, -1, 2, -2 and infinity: 36 products in place of 144 for 16 pixels, at ten times
the rounding of float32, 3e-5 of values around 1. Arrays are float32 and contiguous, of any shape; places count their
numbers from the first, and are not checked. Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks
(CVPR 2016), section 4.1 and its matrices B, G and A.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

OUTPUTS, INPUTS = 4, 6
"""Pixels along the side of a tile that it writes, and that it reads."""

POSITIONS = INPUTS**2
LANES = 16

_WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
ROWS, VECTORS = (8, 2) if _WIDE else (4, 1)
"""What a product keeps in registers: tiles, and vectors of output channels. Sums have the same order with either."""

PANEL = VECTORS * LANES

WEIGHTS = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
"""G: a row of a kernel becomes six numbers."""

Values = list[ir.Value]
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


class _Block:
    """Writes vector instructions."""

    def __init__(self, builder: ir.IRBuilder):
        self.builder = builder

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fadd(a, b)

    def subtract(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fsub(a, b)

    def add_product(self, total: ir.Value, factor: float, b: ir.Value) -> ir.Value:
        product = self.builder.fmul(ir.Constant(_VECTOR, [factor] * LANES), b, flags=("contract",))
        return self.builder.fadd(total, product, flags=("contract",))

    def load(self, data: ir.Value, place: ir.Value) -> ir.Value:
        return self.builder.load(self._pointer(data, place), align=4)

    def store(self, value: ir.Value, data: ir.Value, place: ir.Value) -> None:
        self.builder.store(value, self._pointer(data, place), align=4)

    def repeat(self, value: ir.Value) -> ir.Value:
        undefined, index = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)
        first = self.builder.insert_element(undefined, value, ir.Constant(index, 0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))

    def _pointer(self, data: ir.Value, place: ir.Value) -> ir.Value:
        return self.builder.bitcast(self.builder.gep(data, [place]), _VECTOR.as_pointer())


def _transform_six(block: _Block, x: Values) -> Values:
    """Return B^T x."""
    even, odd = block.add_product(x[4], -4.0, x[2]), block.add_product(x[3], -4.0, x[1])
    evener, odder = block.subtract(x[4], x[2]), block.subtract(x[3], x[1])
    return [
        block.add_product(block.add_product(x[4], -5.0, x[2]), 4.0, x[0]),
        block.add(even, odd),
        block.subtract(even, odd),
        block.add_product(evener, 2.0, odder),
        block.add_product(evener, -2.0, odder),
        block.add_product(block.add_product(x[5], -5.0, x[3]), 4.0, x[1]),
    ]


def _transform_back(block: _Block, m: Values) -> Values:
    """Return A^T m."""
    even, odd, evener, odder = (f(m[i], m[i + 1]) for i in (1, 3) for f in (block.add, block.subtract))
    return [
        block.add(block.add(m[0], even), evener),
        block.add_product(odd, 2.0, odder),
        block.add_product(even, 4.0, evener),
        block.add(block.add_product(odd, 8.0, odder), m[5]),
    ]


def _transform_both_ways(block: _Block, x: list[Values], transform: Callable[[_Block, Values], Values]) -> list[Values]:
    columns = [transform(block, list(column)) for column in zip(*x, strict=True)]
    return [transform(block, list(row)) for row in zip(*columns, strict=True)]


def _place(builder: ir.IRBuilder, first: ir.Value, *steps: tuple[int, ir.Value]) -> ir.Value:
    for count, pitch in steps:
        first = builder.add(first, builder.mul(ir.Constant(first.type, count), pitch))
    return first


def _data(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value], number: int) -> ir.Value:
    return cgutils.create_struct_proxy(signature.args[number])(context, builder, arguments[number]).data


def _transform_tile(
    typing_context: Any,
    x: Any,
    first: Any,
    row_pitch: Any,
    pixel_pitch: Any,
    v: Any,
    v_first: Any,
    v_pitch: Any,
    channels: Any,
) -> Any:
    """Write B^T x B of the 6 x 6 pixels from x[first] on, of each channel, to v[v_first + position * v_pitch + c]."""
    signature = types.void(x, first, row_pitch, pixel_pitch, v, v_first, v_pitch, channels)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        _, first, row_pitch, pixel_pitch, _, v_first, v_pitch, channels = arguments
        x_data, v_data = (_data(context, builder, signature, arguments, i) for i in (0, 4))
        block, zero, step = _Block(builder), ir.Constant(channels.type, 0), ir.Constant(channels.type, LANES)
        with cgutils.for_range_slice(builder, zero, channels, step, channels.type) as (c, _):
            start = builder.add(first, c)
            pixels = [
                [block.load(x_data, _place(builder, start, (i, row_pitch), (j, pixel_pitch))) for j in range(INPUTS)]
                for i in range(INPUTS)
            ]
            values = itertools.chain(*_transform_both_ways(block, pixels, _transform_six))
            for position, value in enumerate(values):
                block.store(value, v_data, _place(builder, builder.add(v_first, c), (position, v_pitch)))
        return context.get_dummy_value()

    return signature, generate


def _transform_tile_back(
    typing_context: Any,
    m: Any,
    first: Any,
    m_pitch: Any,
    y: Any,
    y_first: Any,
    row_pitch: Any,
    pixel_pitch: Any,
    channels: Any,
) -> Any:
    """Write A^T m A to the 4 x 4 pixels from y[y_first] on; ``m[first + position * m_pitch + c]``."""
    signature = types.void(m, first, m_pitch, y, y_first, row_pitch, pixel_pitch, channels)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        _, first, m_pitch, _, y_first, row_pitch, pixel_pitch, channels = arguments
        m_data, y_data = (_data(context, builder, signature, arguments, i) for i in (0, 3))
        block, zero, step = _Block(builder), ir.Constant(channels.type, 0), ir.Constant(channels.type, LANES)
        with cgutils.for_range_slice(builder, zero, channels, step, channels.type) as (c, _):
            start = builder.add(first, c)
            values = [
                [block.load(m_data, _place(builder, start, (INPUTS * i + j, m_pitch))) for j in range(INPUTS)]
                for i in range(INPUTS)
            ]
            for i, row in enumerate(_transform_both_ways(block, values, _transform_back)):
                for j, pixel in enumerate(row):
                    block.store(
                        pixel, y_data, _place(builder, builder.add(y_first, c), (i, row_pitch), (j, pixel_pitch))
                    )
        return context.get_dummy_value()

    return signature, generate


def _multiply_panel(
    typing_context: Any, v: Any, v_first: Any, count: Any, u: Any, u_first: Any, m: Any, m_first: Any, m_pitch: Any
) -> Any:
    """Write the sum over k of v[v_first + r * count + k] u[u_first + k * PANEL + c] to m[m_first + r * m_pitch + c].

    For r < ROWS, c < PANEL and k < ``count``.
    """
    signature = types.void(v, v_first, count, u, u_first, m, m_first, m_pitch)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        _, v_first, count, _, u_first, _, m_first, m_pitch = arguments
        v_data, u_data, m_data = (_data(context, builder, signature, arguments, i) for i in (0, 3, 5))
        block = _Block(builder)
        zeros = ir.Constant(_VECTOR, [0.0] * LANES)
        sums = [[cgutils.alloca_once_value(builder, zeros) for _ in range(VECTORS)] for _ in range(ROWS)]
        with cgutils.for_range(builder, count) as loop:
            u_place = _place(builder, u_first, (PANEL, loop.index))
            columns = [
                block.load(u_data, _place(builder, u_place, (i, ir.Constant(u_first.type, LANES))))
                for i in range(VECTORS)
            ]
            for r, totals in enumerate(sums):
                place = builder.add(_place(builder, v_first, (r, count)), loop.index)
                factor = block.repeat(builder.load(builder.gep(v_data, [place])))
                for total, column in zip(totals, columns, strict=True):
                    product = builder.fmul(factor, column, flags=("contract",))
                    builder.store(builder.fadd(product, builder.load(total), flags=("contract",)), total)
        for r, totals in enumerate(sums):
            for i, total in enumerate(totals):
                place = _place(builder, m_first, (r, m_pitch), (i, ir.Constant(m_first.type, LANES)))
                block.store(builder.load(total), m_data, place)
        return context.get_dummy_value()

    return signature, generate


transform_tile: Any = intrinsic(_transform_tile)
transform_tile_back: Any = intrinsic(_transform_tile_back)
multiply_panel: Any = intrinsic(_multiply_panel)
