"""The memory ledger: what a forward keeps for its backward, predicted from shapes and measured."""

from __future__ import annotations

import sys
from math import isqrt
from typing import Any

from hyena_np.backend import BACKENDS, fft_length, owning_buffer
from hyena_np.errors import ConfigError
from hyena_np.fast.layout import convolves_as_matrix
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.params import tree_leaves
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.checks import check_choice, check_integer
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filter_configs import (
    CKConvConfig,
    FilterConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
)
from hyena_np.ops.transfer_function import transform_length

_FLOAT_BYTES = {"float32": 4, "float64": 8}
_ID_BYTES = 8 if sys.maxsize > 2**32 else 4  # an index; in a browser, addresses have 32 bits


def saved_bytes(
    config: LanguageModelConfig,
    B: int,
    L: int,
    dtype: str = "float32",
    remat: bool = False,
    backend: str = "numpy",
) -> dict[str, int]:
    r"""Bytes that `language_model` keeps for its backward, by part, from the shapes alone.

    Parameters
    ----------
    config : LanguageModelConfig
    B, L : int
        Batch and length.
    dtype : {"float32", "float64"}
    remat : bool
        As in `language_model`.
    backend : str
        NumPy's operator is the fast form, which keeps less than the readable one of all other libraries.

    Returns
    -------
    dict
        Part to bytes, with the sum under ``"total"``. Parameters are not counted.

    Raises
    ------
    ConfigError
        `dtype` or `backend` is unknown, or `B` or `L` is no size, or the mixer is neither Hyena nor
        attention and a block keeps more than its input (`remat` is false).

    Notes
    -----
    Source: the caches of the ops; a test holds it equal to what `cache_nbytes` measures.
    """
    if dtype not in _FLOAT_BYTES:
        raise ConfigError(f"dtype: got {dtype!r}, allowed are {', '.join(_FLOAT_BYTES)}")
    check_choice("backend", backend, BACKENDS)
    check_integer("B", B, 1)
    check_integer("L", L, 1)
    D, width = config.d_model, config.mlp_width
    rows = B * L
    norm = rows * (D + 1)  # the normalised rows and one inverse deviation each
    if remat:
        block = {"block inputs": rows * D}
    else:
        block = {
            "layer norms": 2 * norm,
            **_mixer_floats(config.mixer, B, L, readable=backend != "numpy"),
            # input of fc1, input of the GELU, its tanh, input of fc2
            "mlp": rows * (D + 3 * width),
        }
    floats = {name: config.n_layer * count for name, count in block.items()}
    floats["head"] = norm + rows * D
    ledger = {name: count * _FLOAT_BYTES[dtype] for name, count in floats.items()}
    ledger["token ids"] = rows * _ID_BYTES
    return ledger | {"total": sum(ledger.values())}


def _mixer_floats(config: MixerConfig, B: int, L: int, readable: bool) -> dict[str, int]:
    rows = B * L
    if isinstance(config, AttentionConfig):
        # input, the projected branches (q, k and v are views of them), the matrix, input of the output
        # projection
        return {"mixer": rows * config.d_model * 5, "attention matrix": B * config.num_heads * L * L}
    if not isinstance(config, HyenaConfig):
        raise ConfigError(f"mixer: got {type(config).__name__}, allowed are HyenaConfig and AttentionConfig")
    return _hyena_floats(config, B, L, readable)


def _hyena_floats(config: HyenaConfig, B: int, L: int, readable: bool) -> dict[str, int]:
    D, N, filters = config.d_model, config.order, config.num_filters
    activation = B * L * D
    spectra = filters * D * (B + 1) * 2 * (fft_length(2 * L - 1) // 2 + 1)  # a complex number is two floats
    if readable:
        return {
            # the operator's input, and the branches before and after the short convolution
            "projections": activation + 2 * (N + 1) * activation,
            # what each convolution read and gave, or the value branch itself (a view), and the output
            "recurrence": (2 * filters + 1 - (config.variant == "paper")) * activation,
            "spectra": spectra,
            **_filter_floats(config, L, readable),
        }
    return {
        # the operator's input, and the branches before the short convolution
        "projections": activation + (N + 1) * activation,
        # what each convolution gave
        "recurrence": filters * activation,
        "spectra": 0 if convolves_as_matrix(B, L) else spectra,
        **_filter_floats(config, L, readable),
    }


def _filter_floats(config: HyenaConfig, L: int, readable: bool) -> dict[str, int]:
    M, C = config.filter_order, config.filter_channels
    if config.filter is not None:
        rival = _rival_floats(config.filter, C, L, config.l_max)
        return {"filters": rival if readable else rival + C * L}  # the fast form keeps the filters themselves
    network = 2 * (config.num_inner_mlps + 1) * M * L  # two arrays a sine layer
    # and the raw filter; in the readable form the window and its decay too
    return {"filter network": network + (3 if readable else 1) * C * L}


def _rival_floats(rival: FilterConfig, C: int, L: int, l_max: int) -> int:
    """What a rival filter keeps beside its parameters; a complex number is two floats."""
    match rival:
        case LongConvConfig():
            return C * L  # which taps are over the threshold
        case S4DConfig(state=state):
            K = isqrt(L - 1) + 1  # powers of the poles at every K-th lag, and at the first K
            return C * state // 2 * 2 * (2 + K + -(-L // K))
        case TransferFunctionConfig(order=order):
            return 2 * 2 * C * (transform_length(l_max, order) // 2 + 1)
        case CKConvConfig(width=width):
            return L + 4 * width * L  # the positions, and two arrays a sine layer
    return 0  # FIR, FNO


def cache_nbytes(cache: Any, params: dict | None = None) -> int:
    """Bytes that a cache keeps alive: the buffers behind its arrays, each counted once.

    A view counts as the whole buffer that it holds on to, which is the mistake that this function is to find.

    Parameters
    ----------
    cache : nested tuples, lists and dictionaries of arrays of any shape
    params : dict, optional
        Parameter tree whose buffers are not counted.

    Returns
    -------
    int

    Raises
    ------
    LibraryMismatchError
        Not raised for the caches of this package.

    Notes
    -----
    Source: no counterpart in the paper; compare its App. A on memory.
    """
    own = {owning_buffer(leaf)[0] for leaf in tree_leaves(params).values()} if params else set()
    buffers: dict[int, int] = {}
    _collect(cache, buffers)
    return sum(size for key, size in buffers.items() if key not in own)


def _collect(node: Any, buffers: dict[int, int]) -> None:
    if isinstance(node, dict):
        node = tuple(node.values())
    if isinstance(node, tuple | list):
        for child in node:
            _collect(child, buffers)
    elif hasattr(node, "dtype"):
        key, size = owning_buffer(node)
        buffers[key] = size
