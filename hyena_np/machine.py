"""What numbers depend on: the processor, the versions of the libraries, and whether a browser runs them."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def in_browser() -> bool:
    """Whether Python runs inside a browser: one thread, no processes, 2 GB of memory, a quarter of the speed.

    Notebooks ask, and fall back to smaller sizes there.
    """
    return sys.platform == "emscripten"


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


_OF_BACKEND = {
    "cupy": ("cupy-cuda12x", "cupy-cuda13x", "cupy"),
    "torch": ("torch",),
    "array_api_strict": ("array-api-strict",),
}


def versions_with(backend: str) -> dict[str, str]:
    """Versions of everything that the numbers of a training on a backend depend on."""
    packages = ("numpy", "scipy", "array-api-compat", "safetensors")
    return versions((*packages, *_OF_BACKEND.get(backend, ())))


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of Python, of this package, and of those named packages that are installed."""
    from hyena_np import __version__

    found = {"python": platform.python_version(), "hyena_np": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
