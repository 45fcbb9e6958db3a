"""Do the input and the parameters of a mixer fit its config?"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hyena_np.backend import Array, check_ndim, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.checks import check_choice, check_integer
from hyena_np.ops.config import INITS
from hyena_np.ops.parameters import check_params


def check_mixer_config(config: Any) -> None:
    """Check the fields that the config of every rival mixer has: its width, its length and its init."""
    check_integer("d_model", config.d_model, 1)
    check_integer("l_max", config.l_max, 1)
    check_choice("init", config.init, INITS)


def check_mixer(u: Array, params: dict, shapes: dict[str, tuple[int, ...]], config: Any) -> ModuleType:
    """Raise unless the input u (B, L, D) and the parameters fit the config; return their namespace."""
    B, L, D = check_ndim("u", u, "B L D")
    if D != config.d_model or not 1 <= L <= config.l_max:
        raise ShapeError(f"u: got shape {(B, L, D)}, allowed is (B, L <= {config.l_max}, {config.d_model})")
    return namespace(u=u, **check_params(params, shapes))
