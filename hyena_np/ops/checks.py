"""Is a configuration value allowed? One error, in one form, for every config of the package."""

from __future__ import annotations

import math
from typing import Any

from hyena_np.errors import ConfigError


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ConfigError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f"{name}: got {value!r}, allowed are {', '.join(map(repr, allowed))}")


def check_integer(name: str, value: object, smallest: int, where: str = "") -> None:
    """Raise ConfigError unless `value` is an int (no bool, no float) and at least `smallest`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
        raise ConfigError(f"{name}: got {value!r}, allowed are integers >= {smallest}{where}")


def check_odd(name: str, value: Any, smallest: int) -> None:
    """Raise ConfigError unless `value` is an odd int and at least `smallest`."""
    check_integer(name, value, smallest)
    if value % 2 == 0:
        raise ConfigError(
            f"{name}: got {value}, allowed are odd integers >= {smallest} (time, cosines, sines)"
        )


def check_real(name: str, value: Any, positive: bool = False) -> None:
    """Raise ConfigError unless `value` is a finite number (above zero if `positive`)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (positive and value <= 0):
        raise ConfigError(
            f"{name}: got {value!r}, allowed are finite numbers{' above 0' if positive else ''}"
        )
