"""Sixteen float32 as one value, for kernels that go along rows: what LLVM's vectors do, written as arithmetic.

Inside compiled functions ``load``, ``fill`` and ``select`` make lanes, operators work lane by lane, comparisons give
masks. ``load`` from an array of int32 or int64 and ``truncate`` make whole lanes, which add and subtract. A processor
with AVX-512 holds sixteen float32 or int32 in one register, others in two or four.

Where the processor can, a multiplication and an addition become one instruction that rounds once. ``exact`` makes
lanes whose arithmetic never does: theirs are the bits of a plain loop, on any processor.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 16

_VECTOR, _BITS = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(ir.IntType(1), LANES)


class _Lanes(types.Type):
    def __init__(self, flags: Sequence[str]) -> None:
        super().__init__(name=f"Lanes{tuple(flags)}")
        self.flags = flags


class _Mask(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Mask")


class _WholeLanes(types.Type):
    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(name=f"WholeLanes{bits}")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)


@register_model(_WholeLanes)
class _WholeLanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(kind.bits), LANES))


_lanes, _exact, _mask = _Lanes(("contract",)), _Lanes(()), _Mask()
_of_numbers = {types.float32: _lanes, types.int32: _WholeLanes(32), types.int64: _WholeLanes(64)}
"""What sixteen numbers of an array are as one value."""


def _define(symbol: Callable, operand: types.Type, result: types.Type, build: Callable) -> None:
    """Let ``symbol``, an operator of two ``operand``, be what ``build(builder, one, other)`` emits."""

    def emit(typing_context: Any, one: Any, other: Any) -> Any:
        return result(operand, operand), lambda context, builder, signature, arguments: build(builder, *arguments)

    operation = intrinsic(emit)

    def choose(one, other):  # type: ignore[no-untyped-def]  # numba compares it with the lambda's signature
        return (lambda one, other: operation(one, other)) if one == operand and other == operand else None

    overload(symbol)(choose)


def _define_lanes(kind: _Lanes) -> None:
    flags = kind.flags
    _define(operator.add, kind, kind, lambda builder, one, other: builder.fadd(one, other, flags=flags))
    _define(operator.sub, kind, kind, lambda builder, one, other: builder.fsub(one, other, flags=flags))
    _define(operator.mul, kind, kind, lambda builder, one, other: builder.fmul(one, other, flags=flags))
    _define(operator.truediv, kind, kind, lambda builder, one, other: builder.fdiv(one, other))
    _define(operator.lt, kind, _mask, lambda builder, one, other: builder.fcmp_ordered("<", one, other))
    _define(operator.le, kind, _mask, lambda builder, one, other: builder.fcmp_ordered("<=", one, other))
    _define(operator.eq, kind, _mask, lambda builder, one, other: builder.fcmp_ordered("==", one, other))


_define_lanes(_lanes)
_define_lanes(_exact)
_define(operator.and_, _mask, _mask, lambda builder, one, other: builder.and_(one, other))
_define(operator.xor, _mask, _mask, lambda builder, one, other: builder.xor(one, other))
for _whole in (_of_numbers[types.int32], _of_numbers[types.int64]):
    _define(operator.add, _whole, _whole, lambda builder, one, other: builder.add(one, other))
    _define(operator.sub, _whole, _whole, lambda builder, one, other: builder.sub(one, other))


def _address(context: Any, builder: ir.IRBuilder, kind: Any, array: ir.Value, start: ir.Value) -> ir.Value:
    data = cgutils.create_struct_proxy(kind)(context, builder, array).data
    vector = context.get_value_type(_of_numbers[kind.dtype])
    return builder.bitcast(builder.gep(data, [start]), vector.as_pointer())


def _load(typing_context: Any, array: Any, start: Any) -> Any:
    """Return ``array[start : start + LANES]``; no bounds check. ``array``: contiguous 1-D float32, int32 or int64."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=array.dtype.bitwidth // 8)

    return _of_numbers[array.dtype](array, types.int64), emit


def _store(typing_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write ``array[start : start + LANES] = value``; no bounds check. ``array``: contiguous, 1-D."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        array_, start, value = arguments
        address = _address(context, builder, signature.args[0], array_, start)
        builder.store(value, address, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), emit


def _truncate(typing_context: Any, like: Any, value: Any) -> Any:
    """Return lanes without their fractions, as whole lanes of the kind of the array ``like``: int32 or int64."""
    whole = _of_numbers[like.dtype]

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        return builder.fptosi(arguments[1], context.get_value_type(whole))

    return whole(like, _lanes), emit


def _fill(typing_context: Any, number: Any) -> Any:
    """Return lanes that all hold ``number``."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, undefined, zeros)

    return _lanes(types.float32), emit


def _select(typing_context: Any, where: Any, one: Any, other: Any) -> Any:
    """Return ``one`` in the lanes that ``where`` marks, ``other`` elsewhere."""
    return one(_mask, one, one), lambda context, builder, signature, arguments: builder.select(*arguments)


def _any_of(typing_context: Any, where: Any) -> Any:
    """Return whether ``where`` marks any lane."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        bits = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(_mask), emit


def _smallest(typing_context: Any, value: Any) -> Any:
    """Return the smallest of sixteen numbers, none of them NaN."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        least, count = arguments[0], LANES
        while count > 1:
            halves = [
                builder.shuffle_vector(least, least, ir.Constant(ir.VectorType(ir.IntType(32), count // 2), places))
                for places in (list(range(count // 2)), list(range(count // 2, count)))
            ]
            least, count = builder.select(builder.fcmp_ordered("<", *halves), *halves), count // 2
        return builder.extract_element(least, ir.Constant(ir.IntType(32), 0))

    return types.float32(_lanes), emit


def _first_of(typing_context: Any, where: Any, value: Any) -> Any:
    """Return what ``value`` holds in the first lane that ``where`` marks; it must mark one."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        bits = builder.bitcast(arguments[0], ir.IntType(LANES))
        lane = builder.cttz(bits, ir.Constant(ir.IntType(1), 1))
        return builder.extract_element(arguments[1], builder.zext(lane, ir.IntType(32)))

    return types.float32(_mask, value), emit


def _exactly(typing_context: Any, value: Any) -> Any:
    """Return the same lanes; what is computed from them is rounded at each step."""
    return _exact(value), lambda context, builder, signature, arguments: arguments[0]


def _floor(typing_context: Any, value: Any) -> Any:
    """Return the largest whole numbers that are not above ``value``'s."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.floor.v{LANES}f32")
        return builder.call(function, arguments)

    return value(value), emit


def _add_doubles(typing_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Add lanes to ``array[start : start + LANES]``; no bounds check. ``array``: contiguous 1-D float64."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        array, start, value = arguments
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, array).data
        doubles = ir.VectorType(ir.DoubleType(), LANES)
        place = builder.bitcast(builder.gep(data, [start]), doubles.as_pointer())
        total = builder.fadd(builder.load(place, align=8), builder.fpext(value, doubles))
        builder.store(total, place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), emit


load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
fill: Any = intrinsic(_fill)
truncate: Any = intrinsic(_truncate)
select: Any = intrinsic(_select)
any_of: Any = intrinsic(_any_of)
smallest: Any = intrinsic(_smallest)
first_of: Any = intrinsic(_first_of)
exact: Any = intrinsic(_exactly)
floor: Any = intrinsic(_floor)
add_doubles: Any = intrinsic(_add_doubles)
