"""The array libraries that every op runs on, and a trap for code that would stall a GPU.

On a GPU, ``float(x)``, ``bool(x)``, iteration and ``numpy.asarray(x)`` wait for the device and copy. NumPy
does them silently, so nothing on a CPU would show the mistake. array-api-strict wraps NumPy on pretended
devices; with its implicit conversions patched to raise (:func:`forbid_host_conversions`), the same mistake
fails in any test run.
"""

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from support.trees import tree_map

CONVERSIONS = (
    "__bool__",
    "__int__",
    "__float__",
    "__complex__",
    "__index__",
    "__iter__",
    "__array__",
    "__buffer__",
)
"""Methods of an array that hand its values to Python or NumPy."""


@dataclass(frozen=True)
class Library:
    """One array library on one device with one floating dtype."""

    name: str
    module: str
    dtype: str
    device: str | None = None

    @functools.cached_property
    def xp(self) -> Any:
        return importlib.import_module(self.module)

    @functools.cached_property
    def float(self) -> Any:
        return getattr(self.xp, self.dtype)

    @functools.cached_property
    def device_object(self) -> Any:
        return self.xp.Device(self.device) if self.module == "array_api_strict" else self.device

    @property
    def rtol(self) -> float:
        """Relative error allowed against NumPy in float64: some hundred roundings."""
        return 1e-12 if self.dtype == "float64" else 2e-5

    def asarray(self, host: Any) -> Any:
        """A fresh array of this library; floats take its dtype, integers and booleans keep theirs."""
        host = np.array(host)
        if np.issubdtype(host.dtype, np.floating):
            host = host.astype(self.dtype)
        if self.module == "array_api_strict":
            return self.xp.asarray(host, device=self.device_object)
        return self.xp.asarray(host)

    def tree(self, host: Any) -> Any:
        """The same as :meth:`asarray` for every leaf of a tree."""
        return tree_map(self.asarray, host)

    def to_numpy(self, array: Any) -> np.ndarray:
        """Values on the host, copied, by a road that stays open while implicit conversions are forbidden."""
        if isinstance(array, np.ndarray | np.generic):
            return np.array(array)
        if self.module == "array_api_strict":
            return np.array(array._array)
        if self.module == "torch":
            return array.detach().cpu().numpy().copy()
        return self.xp.asnumpy(array)

    def owns(self, array: Any) -> bool:
        """Whether the array is of this library, on its device and of its dtype."""
        array_type = {"numpy": "ndarray", "cupy": "ndarray", "torch": "Tensor"}.get(self.module)
        if self.module == "array_api_strict":
            return (
                hasattr(array, "_array") and array.device == self.device_object and array.dtype == self.float
            )
        kinds = (getattr(self.xp, array_type), np.floating)  # NumPy's own 0-d results are scalars
        return isinstance(array, kinds if self.module == "numpy" else kinds[0]) and array.dtype == self.float


NUMPY64 = Library("numpy-float64", "numpy", "float64")

LIBRARIES = (
    Library("numpy-float32", "numpy", "float32"),
    NUMPY64,
    Library("strict-device1", "array_api_strict", "float64", "device1"),
    Library("strict-no-float64", "array_api_strict", "float32", "no_float64"),
    Library("torch-cpu", "torch", "float64"),
    Library("cupy-float32", "cupy", "float32"),
    Library("cupy-float64", "cupy", "float64"),
)


def gpu_missing() -> str | None:
    """Why no GPU can be used, or None where one answers: CuPy alone is no GPU."""
    try:
        import cupy
    except ImportError as error:
        return f"CuPy cannot be imported ({error})"
    return None if cupy.cuda.is_available() else "CuPy is installed, but no GPU answers"


def _raiser(name: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError(
            f"{name} inside an op: on a GPU this waits for the device and copies to the host"
        )

    return refuse


@contextlib.contextmanager
def forbid_host_conversions() -> Iterator[None]:
    """Make every conversion of an array-api-strict array to a host value fail, and shapes static."""
    import array_api_strict
    from array_api_strict._array_object import Array

    flags = array_api_strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False)
    with pytest.MonkeyPatch.context() as patch, flags:
        for name in CONVERSIONS:
            patch.setattr(Array, name, _raiser(name), raising=False)
        yield
