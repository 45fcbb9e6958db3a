"""What the numbers depend on: processor, cores, versions. No date: the same machine writes the same lines."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from hyena_np.backend import cores, get_backend, thread_pools
from hyena_np.bench.memory import method
from hyena_np.errors import ConfigError
from hyena_np.fast.choose import gpu_name
from hyena_np.machine import processor, versions

_PACKAGES = ("numpy", "scipy", "torch", "cupy-cuda12x", "cupy-cuda13x", "cupy", "threadpoolctl")


def describe(backend: str = "numpy") -> dict[str, str]:
    """The machine and the libraries, by name.

    Parameters
    ----------
    backend : {"numpy", "cupy"}
        With "cupy" the GPU is named too.

    Returns
    -------
    dict

    Raises
    ------
    BackendError
        No GPU answers.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    found = {
        "processor": processor(),
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.machine()}",
        **versions(_PACKAGES),
    }
    found["BLAS"] = ", ".join(_blas())
    if backend == "cupy":
        found["GPU"] = _gpu()
    found["dtype"] = "float32"
    found["memory"] = method() if backend == "numpy" else "by the libraries' own pools on the device"
    return found


def check_machine(backend: str, counts: Sequence[int]) -> None:
    """Raise ConfigError unless this can be measured here: a known backend, no more threads than cores."""
    if backend not in ("numpy", "cupy"):
        raise ConfigError(f"backend: got {backend!r}, allowed are numpy and cupy")
    for count in counts:
        if not 1 <= count <= cores():
            raise ConfigError(f"threads: got {count}, allowed are 1 to {cores()}, the cores of this machine")


def thread_counts(words: Sequence[str], backend: str = "numpy") -> tuple[int, ...]:
    """Numbers of threads from the words of a user.

    Parameters
    ----------
    words : sequence of str
        Each a number or "all"; where there are none, 1 and all. On a GPU the host's threads do not matter,
        and one number is enough.
    backend : {"numpy", "cupy"}

    Returns
    -------
    tuple of int
        Without repetitions.

    Raises
    ------
    ConfigError
        A word is neither, or a number is below 1.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    if not words:
        words = ("all",) if backend == "cupy" else ("1", "all")
    for word in words:
        if word != "all" and not (word.isdecimal() and int(word) > 0):
            raise ConfigError(f"threads: got {word!r}, allowed are numbers from 1, and all")
    return tuple(dict.fromkeys(cores() if word == "all" else int(word) for word in words))


def _blas() -> list[str]:
    """Every BLAS that is loaded: NumPy's and SciPy's may be two."""
    libraries = [library for library in thread_pools().info() if library["user_api"] == "blas"]
    return sorted({f"{library['internal_api']} {library['version']}" for library in libraries})


def _gpu() -> str:
    cuda = get_backend("cupy").xp.cuda
    return f"{gpu_name(cuda.Device().id)}, CUDA {cuda.runtime.runtimeGetVersion()}"
