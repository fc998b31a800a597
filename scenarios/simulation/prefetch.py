"""A hint to the processor that a row of an array is used soon, so that it comes from memory while others are played."""

from typing import Any

from numba.core import cgutils as untyped
from numba.core import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

LINE = 64
"""Bytes of a line of the processor's cache."""
cgutils: Any = untyped


def wanted(array: NDArray[Any], place: int) -> None:
    """Element `place`, from 0, is used soon. Compiled, each line of the cache it lies in is asked for; else nothing."""


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    array = context.make_array(kind)(context, builder, arguments[0])
    first = cgutils.get_item_pointer(context, builder, kind, array, [arguments[1]])
    number, address = cgutils.int32_t, cgutils.voidptr_t
    form = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [address, number, number, number])
    hint = cgutils.get_or_insert_function(builder.module, form, "llvm.prefetch.p0")
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    for offset in {*range(0, size, LINE), size - 1}:
        # To be read, wanted in all caches, data.
        builder.call(hint, [cgutils.pointer_add(builder, first, offset, address), number(0), number(3), number(1)])
    return context.get_dummy_value()


def _typed(_context: Any, array: Any, _place: Any) -> Any:
    return types.void(array, types.intp), _generate


_fetch: Any = intrinsic(_typed)
overload(wanted, strict=False)(lambda array, place: lambda array, place: _fetch(array, place))
