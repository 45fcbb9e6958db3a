"""The state-space filter of an H3 or GSS layer: an S4D impulse response and a skip term at lag 0."""

from __future__ import annotations

from hyena_np.backend import Array, namespace, owned
from hyena_np.ops.filter_configs import S4DConfig
from hyena_np.ops.s4d import S4DCache, s4d_filter, s4d_filter_backward


def state_space_shapes(D: int, l_max: int, config: S4DConfig) -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of D state-space models: those of S4D, and ``skip``."""
    return config.shapes(D, l_max) | {"skip": (D,)}


def state_space_filter(params: dict, L: int, l_max: int, config: S4DConfig) -> tuple[Array, S4DCache]:
    """Impulse responses (D, L) of :math:`x_{t+1} = A x_t + B u_t, y_t = C x_t + D u_t`."""
    s4d = {name: leaf for name, leaf in params.items() if name != "skip"}
    h, cache = s4d_filter(s4d, L, l_max, config)
    return add_skip(h, params["skip"]), cache


def state_space_filter_backward(dh: Array, cache: S4DCache) -> dict:
    """Gradients of `state_space_filter` by its parameters."""
    return s4d_filter_backward(dh, cache) | {"skip": owned(dh[:, 0])}


def add_skip(h: Array, skip: Array) -> Array:
    """The filters h (D, L) with ``skip`` (D,) added at lag 0, whose gradient is that of the tap."""
    return namespace(h=h, skip=skip).concat([h[:, :1] + skip[:, None], h[:, 1:]], axis=1)
