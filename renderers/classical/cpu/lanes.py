"""Sixteen float32 as one value, for kernels that go along rows: what LLVM's vectors do, written as arithmetic.

Inside compiled functions ``load``, ``fill`` and ``select`` make lanes, operators work lane by lane, comparisons give
masks. A processor with AVX-512 holds them in one register, others in two or four.
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
_FUSE = ("contract",)
"""Multiplication and addition become one instruction where the processor has it."""


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


class _Mask(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Mask")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)


_lanes, _mask = _Lanes(), _Mask()


def _define(symbol: Callable, operand: types.Type, result: types.Type, build: Callable) -> None:
    """Let ``symbol``, an operator of two ``operand``, be what ``build(builder, one, other)`` emits."""

    def emit(typing_context: Any, one: Any, other: Any) -> Any:
        return result(operand, operand), lambda context, builder, signature, arguments: build(builder, *arguments)

    operation = intrinsic(emit)

    def choose(one, other):  # type: ignore[no-untyped-def]  # numba compares it with the lambda's signature
        return (lambda one, other: operation(one, other)) if one == operand and other == operand else None

    overload(symbol)(choose)


_define(operator.add, _lanes, _lanes, lambda builder, one, other: builder.fadd(one, other, flags=_FUSE))
_define(operator.sub, _lanes, _lanes, lambda builder, one, other: builder.fsub(one, other, flags=_FUSE))
_define(operator.mul, _lanes, _lanes, lambda builder, one, other: builder.fmul(one, other, flags=_FUSE))
_define(operator.truediv, _lanes, _lanes, lambda builder, one, other: builder.fdiv(one, other))
_define(operator.lt, _lanes, _mask, lambda builder, one, other: builder.fcmp_ordered("<", one, other))
_define(operator.le, _lanes, _mask, lambda builder, one, other: builder.fcmp_ordered("<=", one, other))
_define(operator.and_, _mask, _mask, lambda builder, one, other: builder.and_(one, other))


def _address(context: Any, builder: ir.IRBuilder, kind: Any, array: ir.Value, start: ir.Value) -> ir.Value:
    data = cgutils.create_struct_proxy(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


def _load(typing_context: Any, array: Any, start: Any) -> Any:
    """Return ``array[start : start + LANES]``; no bounds check. ``array``: contiguous 1-D float32."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=4)

    return _lanes(array, types.int64), emit


def _store(typing_context: Any, array: Any, start: Any, value: Any) -> Any:
    """Write ``array[start : start + LANES] = value``; no bounds check. ``array``: contiguous 1-D float32."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        array, start, value = arguments
        builder.store(value, _address(context, builder, signature.args[0], array, start), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, _lanes), emit


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
    return _lanes(_mask, _lanes, _lanes), lambda context, builder, signature, arguments: builder.select(*arguments)


def _any_of(typing_context: Any, where: Any) -> Any:
    """Return whether ``where`` marks any lane."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        bits = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(_mask), emit


load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
fill: Any = intrinsic(_fill)
select: Any = intrinsic(_select)
any_of: Any = intrinsic(_any_of)
