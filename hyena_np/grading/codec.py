"""Messages between the grader and a submission's process: plain data, in a format that can do nothing.

A message is a header in JSON and the bytes of its arrays. Reading one runs no code of the sender's, and what
is too large, too deep or makes no sense is a `MessageError`.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

from hyena_np.exercises.exercise import Value

LARGEST_HEADER, LARGEST_BODY = 1 << 22, 1 << 26  # bytes
PREFIX = struct.Struct(">IQ")  # their lengths, before them
DEPTH = 10
DTYPES = frozenset(
    np.dtype(name).str
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)


class MessageError(Exception):
    """What came is no message, or what is to be sent cannot be."""


def pack(message: dict[str, Value]) -> bytes:
    """A message as bytes.

    Raises
    ------
    MessageError
        It is too large, or holds something that is no plain data.
    """
    arrays: list[np.ndarray] = []
    header = json.dumps(_encode(message, arrays, 0)).encode("ascii")
    body = b"".join(array.tobytes() for array in arrays)
    _check_lengths(len(header), len(body))
    return PREFIX.pack(len(header), len(body)) + header + body


def lengths(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and body, from the prefix; `MessageError` where they are not allowed."""
    header, body = PREFIX.unpack(prefix)
    _check_lengths(header, body)
    return header, body


def unpack(header: bytes, body: bytes) -> dict[str, Value]:
    """The message of these bytes.

    Raises
    ------
    MessageError
        They are none.
    """
    try:
        message = _decode(json.loads(header), _Body(body), 0)
    except MessageError:
        raise
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, MemoryError) as error:
        raise MessageError(f"no message ({type(error).__name__})") from None
    if not isinstance(message, dict):
        raise MessageError("no message")
    return message


def _check_lengths(header: int, body: int) -> None:
    if header > LARGEST_HEADER or body > LARGEST_BODY:
        raise MessageError(f"larger than {LARGEST_BODY >> 20} MiB")


def _encode(value: Value, arrays: list[np.ndarray], depth: int) -> Any:
    """As JSON: truth values, None and texts as they are, all else as a list with its kind in front."""
    if depth > DEPTH:
        raise MessageError(f"nested more than {DEPTH} deep")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int and -(2**63) <= value < 2**64:
        return ["int", value]
    if kind is float:
        return ["float", value.hex()]
    if kind is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if kind is np.ndarray:
        if value.dtype.str not in DTYPES:
            raise MessageError(f"an array of dtype {value.dtype}")
        arrays.append(value)
        return ["array", value.dtype.str, list(value.shape)]
    if kind is tuple:
        return ["tuple", *(_encode(item, arrays, depth + 1) for item in value)]
    if kind is dict:
        return ["dict", *([str(key), _encode(item, arrays, depth + 1)] for key, item in value.items())]
    raise MessageError("a number of more than 64 bits" if kind is int else f"a {kind.__name__}")


class _Body:
    """The bytes of the arrays, taken one array after the other."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = memoryview(content), 0

    def take(self, dtype: str, shape: list[int]) -> np.ndarray:
        if dtype not in DTYPES or len(shape) > 16 or not all(type(n) is int and n >= 0 for n in shape):
            raise MessageError("no array")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        part = self._content[self._at : self._at + size]
        if len(part) != size:
            raise MessageError("fewer numbers than its shape says")
        self._at += size
        return np.frombuffer(part, dtype).reshape(shape).copy()


def _decode(item: Any, body: _Body, depth: int) -> Value:
    if depth > DEPTH:
        raise MessageError(f"nested more than {DEPTH} deep")
    if item is None or isinstance(item, bool | str):
        return item
    kind, *rest = item
    if kind == "int" and type(rest[0]) is int and -(2**63) <= rest[0] < 2**64:
        return rest[0]
    if kind == "float":
        return float.fromhex(rest[0])
    if kind == "complex":
        return complex(float.fromhex(rest[0]), float.fromhex(rest[1]))
    if kind == "array":
        return body.take(*rest)
    if kind == "tuple":
        return tuple(_decode(inner, body, depth + 1) for inner in rest)
    if kind == "dict" and all(type(key) is str for key, _ in rest):
        return {key: _decode(inner, body, depth + 1) for key, inner in rest}
    raise MessageError("no value")
