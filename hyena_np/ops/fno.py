"""A rival filter: a few low frequencies of its spectrum, stored."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_shape,
    irfft,
    namespace,
    owned,
    rfft,
    zeros_like_device,
)
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import FNOConfig


class FNOCache(NamedTuple):
    """What `fno_filter_backward` needs."""

    real: Array  # (C, modes), the parameter itself
    L: int
    l_max: int


def fno_filter(params: dict, L: int, l_max: int, config: FNOConfig) -> tuple[Array, FNOCache]:
    r"""Filters whose spectrum over `l_max` points is zero from the frequency ``modes`` on.

    .. math:: h_t = \frac{1}{l_{max}} \sum_{k=0}^{\mathrm{modes}-1} c_k
              \big(R_k \cos\tfrac{2\pi k t}{l_{max}} - I_k \sin\tfrac{2\pi k t}{l_{max}}\big),
              \qquad c_0 = 1,\ c_k = 2

    and :math:`c_k = 1` too for the last frequency of an even `l_max`. These waves go on for ever. A Fourier
    neural operator convolves with them in a circle; here the lags 0..L-1 are taken and the convolution is
    causal, as for all other filters. :math:`I_0` has no influence.

    Parameters
    ----------
    params : dict
        ``{"real" (C, modes), "imag" (C, modes)}``, float32 or float64: :math:`R` and :math:`I`.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : FNOConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : FNOCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.
    ConfigError
        There are more modes than `l_max` has.

    Notes
    -----
    Source: Hyena paper, App. A.1, "FNO", which is silent on causality; Li et al. 2021.
    """
    xp, _ = check_filter(params, L, l_max, config, channels_of="real")
    real, imag = params["real"], params["imag"]
    rest = zeros_like_device((real.shape[0], l_max // 2 + 1 - config.modes), real)
    spectrum = xp.concat([real + 1j * imag, rest + 0j], axis=1)  # (C, l_max // 2 + 1)
    return owned(irfft(spectrum, l_max)[:, :L]), FNOCache(real, L, l_max)


def fno_filter_backward(dh: Array, cache: FNOCache) -> dict:
    r"""Gradients of `fno_filter`: the transform again, forwards.

    .. math:: dR_k + i\, dI_k = \frac{c_k}{l_{max}} \sum_{t<L} e^{-2\pi i k t / l_{max}}\, dh_t

    Parameters
    ----------
    dh : array (C, L)
    cache : FNOCache

    Returns
    -------
    dict
        Keys and shapes of the parameters.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: the sum in `fno_filter`, differentiated.
    """
    real, L, l_max = cache
    xp = namespace(dh=dh, real=real)
    C, modes = real.shape
    check_shape("dh", dh, (C, L))
    k = arange_like(modes, dh)
    once = (k == 0) | (2 * k == l_max)  # all other frequencies stand for their conjugates too
    weight = xp.where(once, xp.ones_like(dh[0, :1]), 2 * xp.ones_like(dh[0, :1])) / l_max
    dspectrum = rfft(dh, l_max)[:, :modes]
    return {"real": weight * xp.real(dspectrum), "imag": weight * xp.imag(dspectrum)}
