"""One operator, two forms: here it is decided which one runs."""

from __future__ import annotations

from typing import Any

from hyena_np.backend import Array, is_numpy
from hyena_np.fast.layout import FastHyenaCache
from hyena_np.fast.operator import fast_hyena, fast_hyena_backward
from hyena_np.fast.workspace import Workspace
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.hyena import HyenaCache, check_operator, hyena_reference, hyena_reference_backward


def hyena(
    u: Array,
    params: dict,
    config: HyenaConfig,
    workspace: Workspace | None = None,
    recompute: bool = False,
) -> tuple[Array, HyenaCache | FastHyenaCache]:
    r"""The Hyena operator: project, convolve shortly, then alternate long convolutions and gates.

    .. math:: (x^1, \dots, x^N, v) = \mathrm{ShortConv}(\mathrm{Linear}(u)), \qquad
              y = \mathrm{Linear}\big(H(x^1, \dots, x^N)\, v\big)

    NumPy arrays take the fast form, in threads over blocks of channels; all other libraries the readable
    one, `hyena_reference`. Both compute the same to rounding.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
        L at most ``config.l_max``.
    params : dict
        Parameter tree of `init_hyena`, or official weights through `unflatten`. The projection's blocks of D
        rows are the gates in order (x_0 first in the code, x^1 first in the paper) and the value last.
    config : HyenaConfig
    workspace : Workspace, optional
        Memory for what is kept, of a loop that has one. The output never lies in it.
    recompute : bool
        Keep no spectra, and transform again in the backward: per long filter about two activations less, and
        two transforms more, of the signal and of the filter.

        Neither of the two has a meaning for libraries other than NumPy.

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : HyenaCache or FastHyenaCache
        What the form keeps for `hyena_backward`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `u` does not fit `config` or `params`.
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, Algorithm 3; official code: ``HyenaOperator.forward``.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import HyenaConfig, hyena, init_hyena
    >>> config = HyenaConfig(d_model=8, l_max=32)
    >>> params = init_hyena(config, np.random.default_rng(0))
    >>> y, cache = hyena(np.ones((1, 20, 8), dtype=np.float32), params, config)
    >>> y.shape
    (1, 20, 8)
    """
    if not is_numpy(u):
        return hyena_reference(u, params, config)
    check_operator(u, params, config)
    return fast_hyena(u, params, config, workspace, recompute)


def hyena_backward(dy: Array, cache: Any) -> tuple[Array, dict]:
    r"""Gradients of `hyena`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : HyenaCache or FastHyenaCache

    Returns
    -------
    du : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`. The tables of the filter (positions, decay rates) have gradients too;
        which arrays are trained is the optimiser's decision.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.
    CacheError
        The workspace of the forward was reset since.

    Notes
    -----
    Source: Hyena paper, Algorithm 3, differentiated.
    """
    backward = fast_hyena_backward if isinstance(cache, FastHyenaCache) else hyena_reference_backward
    return backward(dy, cache)
