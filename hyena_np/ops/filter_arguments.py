"""Do the parameters of a rival filter fit its config, and the number of lags its length?"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hyena_np.backend import Array, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.filter_configs import FilterConfig, check_filter_config
from hyena_np.ops.parameters import check_params


def check_lags(L: Any, l_max: int) -> None:
    """Raise ShapeError unless L is an int from 1 to l_max."""
    if isinstance(L, bool) or not isinstance(L, int) or not 1 <= L <= l_max:
        raise ShapeError(f"L: got {L!r}, allowed are 1 to l_max = {l_max}")


def check_filter(
    params: dict, L: int, l_max: int, config: FilterConfig, channels_of: str
) -> tuple[ModuleType, dict[str, Array]]:
    """Check what a rival filter is called with; return its namespace and its arrays by dotted name.

    `channels_of` names the parameter whose first axis is the number C of channels.
    """
    check_lags(L, l_max)
    check_filter_config(config, l_max)
    node: Any = params
    for key in channels_of.split("."):
        node = node.get(key, {})
    shape = getattr(node, "shape", ()) or (1,)
    found = check_params(params, config.shapes(shape[0], l_max))
    return namespace(**{name.replace(".", "_"): array for name, array in found.items()}), found
