"""Array libraries: the only file of the mathematics that names one, but for ``fast/``, which is for NumPy.

A function in ``ops/`` asks its arrays which library they belong to (``xp = namespace(u=u, h=h)``) and uses
the functions of the array API standard. What the standard lacks, or what one library does much better than
its standard function, is here: transforms (``rfft``, ``rfft2``), ``index_add`` and the way between host and
device. Nothing falls back silently: where no GPU answers, ``get_backend("cupy")`` says so.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np
import scipy.fft
from threadpoolctl import ThreadpoolController

from hyena_np.errors import (
    BackendError,
    ConfigError,
    DTypeError,
    LibraryMismatchError,
    ShapeError,
    TokenError,
)

Array = Any  # an array of any library; its namespace is asked, never assumed

BACKENDS = ("numpy", "cupy", "torch", "array_api_strict")
DTYPES = ("float32", "float64")

_NUMPY = array_api_compat.array_namespace(np.empty(0))
_NUMPY_DTYPES = {np.dtype(name) for name in ("float32", "float64", "complex64", "complex128")}

# Two threads of one transform pay off only when there is enough of it.
_PARALLEL_FFT_SIZE = 1 << 18

_thread_limit: ContextVar[int | None] = ContextVar("thread_limit", default=None)


@dataclass(frozen=True)
class Backend:
    """An array library, a device of it and a float dtype: where the arrays of a model live.

    Attributes
    ----------
    name : str
        ``"numpy"``, ``"cupy"``, ``"torch"`` or ``"array_api_strict"``.
    xp : module
        The library's namespace, as array-api-compat presents it.
    device : object
        A device of that library.
    dtype : object
        The library's float32 or float64.

    See Also
    --------
    get_backend : makes one by name.
    """

    name: str
    xp: ModuleType
    device: Any
    dtype: Any

    def asarray(self, host_array) -> Array:
        """Copy a NumPy array (or a nested list) of any shape to the device, cast to the backend's dtype."""
        # Cast on the host: the bits are then the same on every library.
        host = np.array(host_array, dtype=self.dtype_name)
        return self.xp.asarray(host, dtype=self.dtype, device=self.device)

    @property
    def dtype_name(self) -> str:
        """``"float32"`` or ``"float64"``."""
        return "float32" if self.dtype == self.xp.float32 else "float64"


def get_backend(name: str, dtype: str = "float32") -> Backend:
    """Return the array library `name`, ready to hold a model.

    Parameters
    ----------
    name : {"numpy", "cupy", "torch", "array_api_strict"}
        The library. ``"cupy"`` takes the current CUDA device, ``"torch"`` the CPU.
    dtype : {"float32", "float64"}
        Precision of every parameter and activation.

    Returns
    -------
    Backend
        Frozen; arrays of any shape are made with ``Backend.asarray``.

    Raises
    ------
    ConfigError
        The name or the dtype is not in the lists above.
    BackendError
        The library is not installed, or it is CuPy and no GPU answers.

    Notes
    -----
    Source: no counterpart in the paper; the official code is tied to PyTorch.

    Examples
    --------
    >>> from hyena_np import get_backend
    >>> get_backend("numpy", "float64").asarray([1, 2]).dtype
    dtype('float64')
    """
    if name not in BACKENDS:
        raise ConfigError(f"backend: got {name!r}, allowed are {', '.join(BACKENDS)}")
    if dtype not in DTYPES:
        raise ConfigError(f"dtype: got {dtype!r}, allowed are {', '.join(DTYPES)}")
    if name == "cupy":
        _require_gpu()
    try:
        xp = _compat_namespace(name)
    except ImportError as error:
        raise BackendError(f"backend {name!r} is not installed ({error})") from error
    device = array_api_compat.device(xp.empty(0))
    return Backend(name, xp, device, getattr(xp, dtype))


def _compat_namespace(name: str) -> ModuleType:
    if name == "array_api_strict":
        return importlib.import_module(name)
    return importlib.import_module(f"array_api_compat.{name}")


def _require_gpu() -> None:
    try:
        import cupy
    except ImportError as error:
        raise BackendError(
            "backend 'cupy': CuPy is not installed; pip install 'hyena-np[gpu12]' (CUDA 12) "
            "or 'hyena-np[gpu13]' (CUDA 13)"
        ) from error
    if not cupy.cuda.is_available():
        raise BackendError(
            "backend 'cupy': CuPy is installed but no CUDA device answers; use backend 'numpy'"
        )


def namespace(**arrays: Array | None) -> ModuleType:
    """Return the namespace of float arrays that must agree in library, device and dtype.

    Parameters
    ----------
    **arrays
        Arrays by the names that an error message is to use; any shape; None is passed over.

    Returns
    -------
    module
        The array API namespace of the arrays.

    Raises
    ------
    LibraryMismatchError
        Two arrays belong to two libraries or devices, or one is no array at all.
    DTypeError
        An array is not float32 or float64 (or its complex counterpart), or two arrays differ.

    Notes
    -----
    Source: array API standard, ``array.__array_namespace__``.
    """
    # The common case, quickly: all are NumPy's own, of one float dtype.
    dtype = None
    for array in arrays.values():
        if array is None:
            continue
        if type(array) is not np.ndarray or (dtype is not None and array.dtype is not dtype):
            break
        dtype = array.dtype
    else:
        if dtype in _NUMPY_DTYPES:
            return _NUMPY
    return _agreed_namespace({name: array for name, array in arrays.items() if array is not None})


def _agreed_namespace(given: dict[str, Array]) -> ModuleType:
    if not given:
        raise LibraryMismatchError("namespace: no array was given")
    (first_name, first), *others = given.items()
    xp = _namespace_of(first_name, first)
    _check_float(xp, first_name, first)
    for name, array in others:
        this_xp = _namespace_of(name, array)
        if this_xp is not xp:
            raise LibraryMismatchError(
                f"{name}: got an array of {_library(this_xp)}, but {first_name} is of {_library(xp)}; "
                "all must agree"
            )
        if array.dtype != first.dtype:
            raise DTypeError(f"{name}: got {array.dtype}, but {first_name} is {first.dtype}; all must agree")
        here, there = array_api_compat.device(array), array_api_compat.device(first)
        if here != there:
            raise LibraryMismatchError(
                f"{name}: got an array on {here}, but {first_name} is on {there}; all must agree"
            )
    return xp


def _namespace_of(name: str, array: Array) -> ModuleType:
    try:
        return array_api_compat.array_namespace(array)
    except TypeError:
        raise LibraryMismatchError(
            f"{name}: got {type(array).__name__}, allowed is an array of one of {', '.join(BACKENDS)}"
        ) from None


def _library(xp: ModuleType) -> str:
    return xp.__name__.replace("array_api_compat.", "")


def _check_float(xp: ModuleType, name: str, array: Array) -> None:
    if array.dtype in (xp.float32, xp.float64, xp.complex64, xp.complex128):
        return
    raise DTypeError(f"{name}: got dtype {array.dtype}, allowed are float32 and float64")


def to_numpy(array: Array) -> np.ndarray:
    """Copy an array of any library, shape and dtype to a NumPy array on the host.

    Parameters
    ----------
    array : array of any shape
        NumPy arrays are returned as they are.

    Returns
    -------
    numpy.ndarray
        Same shape and dtype.

    Raises
    ------
    LibraryMismatchError
        The argument is not an array.

    Notes
    -----
    Source: no counterpart in the paper. On a GPU this waits for the device.
    """
    if isinstance(array, np.ndarray | np.generic):
        return np.asarray(array)
    if not array_api_compat.is_array_api_obj(array):
        raise LibraryMismatchError(
            f"array: got {type(array).__name__}, allowed is an array of one of {', '.join(BACKENDS)}"
        )
    if array_api_compat.is_cupy_array(array):
        return array.get()
    if array_api_compat.is_torch_array(array):
        return array.detach().cpu().numpy()
    xp = array_api_compat.array_namespace(array)
    if _library(xp) == "array_api_strict":
        array = array_api_compat.to_device(array, xp.Device("CPU_DEVICE"))
    return np.from_dlpack(array)


def is_numpy(array: Array) -> bool:
    """Whether an array is NumPy's own: what the fast form is written for."""
    return isinstance(array, np.ndarray)


def like(host_array: np.ndarray, reference: Array) -> Array:
    """Copy a host array to the library, device and dtype of `reference`."""
    xp = array_api_compat.array_namespace(reference)
    return xp.asarray(host_array, dtype=reference.dtype, device=array_api_compat.device(reference))


def host_range(n: int) -> np.ndarray:
    """The float64 numbers 0..n-1 on the host, for tables that have the same bits on every library."""
    return np.arange(n, dtype=np.float64)


def owned(array: Array) -> Array:
    """A copy that lets go of the larger buffer behind a slice."""
    if array_api_compat.is_torch_array(array):
        return array.clone()  # asarray would cut the graph that the tests differentiate
    return array_api_compat.array_namespace(array).asarray(array, copy=True)


def arange_like(n: int, reference: Array) -> Array:
    """The integers 0..n-1 on the device of `reference`."""
    xp = array_api_compat.array_namespace(reference)
    return xp.arange(n, dtype=_index_dtype(xp), device=array_api_compat.device(reference))


def _index_dtype(xp: ModuleType) -> Any:
    """The dtype of indices: int64, or for NumPy what its ``take`` asks for: in a browser 32 bits."""
    return np.intp if xp is _NUMPY else xp.int64


def zeros_like_device(shape: tuple[int, ...], reference: Array) -> Array:
    """Zeros of `shape` with the library, device and dtype of `reference`."""
    xp = array_api_compat.array_namespace(reference)
    return xp.zeros(shape, dtype=reference.dtype, device=array_api_compat.device(reference))


# --- transforms ---------------------------------------------------------------------------------------------


def fft_length(n: int) -> int:
    """The shortest length >= n whose real transform is quick (a product of 2, 3 and 5)."""
    return scipy.fft.next_fast_len(n, real=True)


def rfft(x: Array, n: int) -> Array:
    """Real FFT of the last axis, zero-padded to n; float32 in, complex64 out, on every library."""
    if isinstance(x, np.ndarray):
        # NumPy's own transform is several times slower than SciPy's in float32.
        return scipy.fft.rfft(x, n, axis=-1, workers=_workers(x))
    xp = array_api_compat.array_namespace(x)
    return xp.fft.rfft(x, n=n, axis=-1)


def irfft(x: Array, n: int) -> Array:
    """Inverse of `rfft`: real, length n."""
    if isinstance(x, np.ndarray):
        return scipy.fft.irfft(x, n, axis=-1, workers=_workers(x))
    xp = array_api_compat.array_namespace(x)
    return xp.fft.irfft(x, n=n, axis=-1)


def rfft2(x: Array, shape: tuple[int, int]) -> Array:
    """Real FFT of the last two axes, zero-padded to `shape`; the last axis is the one cut in half."""
    if isinstance(x, np.ndarray):
        return scipy.fft.rfft2(x, shape, axes=(-2, -1), workers=_workers(x))
    xp = array_api_compat.array_namespace(x)
    return xp.fft.rfftn(x, s=shape, axes=(-2, -1))


def irfft2(x: Array, shape: tuple[int, int]) -> Array:
    """Inverse of `rfft2`: real, of size `shape` in the last two axes."""
    if isinstance(x, np.ndarray):
        return scipy.fft.irfft2(x, shape, axes=(-2, -1), workers=_workers(x))
    xp = array_api_compat.array_namespace(x)
    return xp.fft.irfftn(x, s=shape, axes=(-2, -1))


def _workers(x: np.ndarray) -> int | None:
    return thread_count() if x.size >= _PARALLEL_FFT_SIZE else None


# --- threads ------------------------------------------------------------------------------------------------


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use at most `count` threads: in dense products (BLAS), in transforms, and over blocks of channels.

    Parameters
    ----------
    count : int
        At least 1.

    Yields
    ------
    None
        While the context lasts, in this thread.

    Raises
    ------
    ConfigError
        `count` is no such number.

    Notes
    -----
    Without it, every core that the process may use is used, or ``OMP_NUM_THREADS`` of them where that is set.
    Source: PyTorch, ``set_num_threads``. No arrays, so no shapes.

    Examples
    --------
    >>> from hyena_np.backend import thread_count, threads
    >>> with threads(1):
    ...     thread_count()
    1
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigError(f"threads: got {count!r}, allowed are integers >= 1")
    token = _thread_limit.set(count)
    try:
        with thread_pools().limit(limits=count):
            yield
    finally:
        _thread_limit.reset(token)


def thread_pools() -> ThreadpoolController:
    """The thread pools of every library that is loaded by now.

    They are looked for in a thread of its own: Python runs the callbacks of the search, and an interrupt
    (Ctrl-C reaches the main thread alone) that falls into one of them would be lost.
    """
    if sys.platform == "emscripten":
        return ThreadpoolController()  # a browser gives Python no threads
    with ThreadPoolExecutor(1, thread_name_prefix="hyena_np") as aside:
        return aside.submit(ThreadpoolController).result()


@contextmanager
def single_thread() -> Iterator[None]:
    """For code that is itself one of several threads: it starts no more, and leaves BLAS alone."""
    token = _thread_limit.set(1)
    try:
        yield
    finally:
        _thread_limit.reset(token)


def thread_count() -> int:
    """Number of threads that transforms and blocks of channels are spread over; see `threads`."""
    if sys.platform == "emscripten":
        return 1  # a browser gives Python none
    limit = _thread_limit.get()
    return _available_threads() if limit is None else limit


@cache
def _available_threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return cores()


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- memory -------------------------------------------------------------------------------------------------

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Ask the C library to keep the memory of arrays that are gone, for the next ones.

    By default it returns large blocks to the system, which clears every page before it hands one out again.
    In a training step of many arrays of half a megabyte, that is a quarter of the time. The setting is the
    whole process's, and lasts: a program that owns its process makes it, a library must not.

    Returns
    -------
    bool
        Whether the C library (glibc's, on Linux) took the setting.

    Notes
    -----
    Source: mallopt(3). No arrays, so no shapes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


# --- integers: token ids and labels -------------------------------------------------------------------------


def token_ids(name: str, ids: Array, size: int, reference: Array, ignore_index: int | None = None) -> Array:
    """Check that integers lie in 0..size-1 (or equal `ignore_index`) and put them where `reference` lives.

    NumPy integers are checked on the host, so that a GPU need not stop; integers that are on the device
    already are checked there, which waits for it once.
    """
    xp = array_api_compat.array_namespace(reference)
    if not array_api_compat.is_array_api_obj(ids):
        raise DTypeError(f"{name}: got {type(ids).__name__}, allowed is an integer array")
    ids_xp = array_api_compat.array_namespace(ids)
    if not ids_xp.isdtype(ids.dtype, "integral"):
        raise DTypeError(f"{name}: got dtype {ids.dtype}, allowed are integers")
    on_host = isinstance(ids, np.ndarray)
    if not on_host and ids_xp is not xp:
        raise LibraryMismatchError(
            f"{name}: got an array of {_library(ids_xp)}, allowed are numpy and {_library(xp)}"
        )
    outside = (ids < 0) | (ids >= size)
    if ignore_index is not None:
        outside = outside & (ids != ignore_index)
    if bool(ids_xp.any(outside)):
        bad = int(to_numpy(ids)[to_numpy(outside)][0])
        raise TokenError(f"{name}: got {bad}, allowed are 0 to {size - 1}")
    if on_host:
        return xp.asarray(ids, dtype=_index_dtype(xp), device=array_api_compat.device(reference))
    if array_api_compat.device(ids) != array_api_compat.device(reference):
        raise LibraryMismatchError(f"{name}: got an array on another device than the weights")
    return ids


def index_add(ids: Array, values: Array, n: int) -> Array:
    """Sum the rows of `values` (R, D) that share an id: out[i] = sum of values[r] with ids[r] = i; (n, D)."""
    if isinstance(values, np.ndarray):
        # Runs of equal ids, summed one by one: several times quicker than np.add.at.
        out, order = np.zeros((n, values.shape[1]), dtype=values.dtype), np.argsort(ids, kind="stable")
        present, starts = np.unique(ids[order], return_index=True)
        out[present] = np.add.reduceat(values[order], starts, axis=0)
        return out
    if array_api_compat.is_cupy_array(values):
        out = zeros_like_device((n, values.shape[1]), values)
        array_api_compat.array_namespace(values).add.at(out, ids, values)
        return out
    if array_api_compat.is_torch_array(values):
        return zeros_like_device((n, values.shape[1]), values).index_add(0, ids, values)
    xp = array_api_compat.array_namespace(values)
    one_hot = xp.astype(arange_like(n, values)[:, None] == ids[None, :], values.dtype)
    return xp.matmul(one_hot, values)


def owning_buffer(array: Array) -> tuple[int, int]:
    """Identity and size in bytes of the memory that an array, or the array that it is a view of, owns."""
    if array_api_compat.is_torch_array(array):
        storage = array.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    while getattr(array, "base", None) is not None and hasattr(array.base, "dtype"):
        array = array.base
    return id(array), array.nbytes


def check_ndim(name: str, array: Array, axes: str) -> tuple[int, ...]:
    """Return the shape of an array that must have the axes `axes`, written like "B D L"."""
    if not array_api_compat.is_array_api_obj(array):
        raise LibraryMismatchError(
            f"{name}: got {type(array).__name__}, allowed is an array of one of {', '.join(BACKENDS)}"
        )
    if array.ndim != len(axes.split()):
        allowed = f"({', '.join(axes.split())})"
        raise ShapeError(f"{name}: got shape {tuple(array.shape)}, allowed is {allowed}")
    return tuple(array.shape)


def check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise ShapeError unless the array has exactly this shape."""
    if tuple(array.shape) != tuple(shape):
        raise ShapeError(f"{name}: got shape {tuple(array.shape)}, allowed is {tuple(shape)}")


def check_convolution(u: Array, h: Array, skip: Array | None = None) -> tuple[ModuleType, int]:
    """Check u (B, D, L), h (D, Lh) and skip (D,); return their namespace and the number of taps that count.

    Taps at lags past L-1 never meet the signal.
    """
    xp = namespace(u=u, h=h, skip=skip)
    _, D, L = check_ndim("u", u, "B D L")
    Dh, Lh = check_ndim("h", h, "D Lh")
    if Dh != D:
        raise ShapeError(f"h: got {Dh} channels, allowed are the {D} of u")
    if L < 1 or Lh < 1:
        raise ShapeError(f"u, h: got lengths {L} and {Lh}, allowed are lengths >= 1")
    if not xp.isdtype(u.dtype, "real floating"):
        raise DTypeError(f"u: got dtype {u.dtype}, allowed are float32 and float64")
    if skip is not None:
        check_shape("skip", skip, (D,))
    return xp, min(L, Lh)
