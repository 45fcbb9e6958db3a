"""A rival filter: the impulse response of a diagonal state-space model (S4D), as in H3."""

from __future__ import annotations

import math
from typing import NamedTuple

from hyena_np.backend import Array, arange_like, check_shape, namespace, owned, zeros_like_device
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import S4DConfig


class S4DCache(NamedTuple):
    """What `s4d_filter_backward` needs; P is the number of conjugate pairs, all but the first are complex."""

    log_dt: Array  # (C,), the parameter itself
    A: Array  # (C, P), the continuous poles
    c: Array  # (C, P), what the states are read with
    coarse: Array  # (C, R, P), powers of the discrete poles at the lags 0, K, 2K, ...
    fine: Array  # (C, P, K), and at the lags 0..K-1
    L: int


def s4d_filter(params: dict, L: int, l_max: int, config: S4DConfig) -> tuple[Array, S4DCache]:
    r"""Impulse responses of diagonal state-space models, one for each channel.

    With :math:`A_n = -e^{\alpha_n} + i\,\omega_n`, the step :math:`\Delta` and the bilinear transform,

    .. math:: \bar A_n = \frac{1 + \Delta A_n / 2}{1 - \Delta A_n / 2}, \qquad
              \bar B_n = \frac{\Delta}{1 - \Delta A_n / 2}, \qquad
              h_t = 2\,\mathrm{Re} \sum_n C_n\, \bar B_n\, \bar A_n^{\,t}

    is what :math:`x_{t+1} = \bar A x_t + \bar B u` answers to an impulse: every decay is below 1, because the
    real part of :math:`A` is negative. The sum over states is one product of matrices: with t = K r + s the
    power is :math:`\bar A^{K r}\, \bar A^{s}`, so that :math:`2\sqrt L` powers give all L lags.

    Parameters
    ----------
    params : dict
        ``{"log_dt" (C,), "log_decay", "frequency", "c_real", "c_imag" (C, P)}``, float32 or float64:
        :math:`\ln\Delta`, :math:`\alpha`, :math:`\omega` and :math:`C`. B is 1.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : S4DConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : S4DCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, App. A.1, "H3"; Gu et al. 2022, Sec. 3; its skip term is the operator's.
    """
    xp, _ = check_filter(params, L, l_max, config, channels_of="log_dt")
    log_dt = params["log_dt"]
    A = -xp.exp(params["log_decay"]) + 1j * params["frequency"]
    c = params["c_real"] + 1j * params["c_imag"]
    _, half, amplitude = _discrete(log_dt, A, c)
    log_pole = 2 * xp.atanh(half)  # ln((1 + half) / (1 - half)), exact where half is small
    _, r, s = _lags(L, log_dt)
    coarse = xp.exp(r[:, None] * log_pole[:, None, :])  # (C,R,P)
    fine = xp.exp(log_pole[:, :, None] * s)  # (C,P,K)
    h = xp.real(xp.matmul(amplitude[:, None, :] * coarse, fine))  # (C,R,P) @ (C,P,K)
    h = xp.reshape(h, (log_dt.shape[0], -1))[:, :L]
    return owned(h), S4DCache(log_dt, A, c, coarse, fine, L)


def s4d_filter_backward(dh: Array, cache: S4DCache) -> dict:
    r"""Gradients of `s4d_filter`.

    For a complex number :math:`z` that is stored as two real ones, :math:`dz = d\mathrm{Re}\,z + i\,
    d\mathrm{Im}\,z`; through an analytic function :math:`f` it passes as :math:`dz = \overline{f'(z)}\, df`.

    Parameters
    ----------
    dh : array (C, L)
    cache : S4DCache

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
    Source: Gu et al. 2022, differentiated.
    """
    log_dt, A, c, coarse, fine, L = cache
    xp = namespace(dh=dh, log_dt=log_dt)
    (C, R, _), conj = coarse.shape, xp.conj
    check_shape("dh", dh, (C, L))
    K, r, s = _lags(L, dh)
    dh = xp.reshape(xp.concat([dh, zeros_like_device((C, R * K - L), dh)], axis=1), (C, R, K)) + 0j
    dt, half, amplitude = _discrete(log_dt, A, c)
    # h = real((amplitude * coarse) @ fine); coarse and fine are exponentials, whose derivative is themselves
    dproduct = xp.matmul(dh, xp.matrix_transpose(conj(fine))) * conj(coarse)  # (C,R,P)
    damplitude = xp.sum(dproduct, axis=1)
    dfine = xp.matmul(xp.matrix_transpose(conj(amplitude[:, None, :] * coarse)), dh) * conj(fine)
    dlog_pole = conj(amplitude) * xp.sum(r[:, None] * dproduct, axis=1) + xp.sum(dfine * s, axis=2)
    # log_pole = 2 * atanh(half), amplitude = 2 * c * dt / (1 - half)
    dhalf = dlog_pole * conj(2 / (1 - half * half)) + damplitude * conj(amplitude / (1 - half))
    dc = damplitude * conj(2 * dt / (1 - half))
    # half = dt * A / 2, dt = exp(log_dt)
    dA = dhalf * dt / 2
    dlog_dt = xp.sum(xp.real(damplitude * conj(amplitude) + dhalf * conj(half)), axis=1)
    return {
        "log_dt": dlog_dt,
        "log_decay": xp.real(dA) * xp.real(A),  # A = -exp(log_decay) + i frequency
        "frequency": owned(xp.imag(dA)),
        "c_real": owned(xp.real(dc)),
        "c_imag": owned(xp.imag(dc)),
    }


def _discrete(log_dt: Array, A: Array, c: Array) -> tuple[Array, Array, Array]:
    """The step (C, 1), half a step times the poles (C, P), and the amplitudes 2 C B of the states (C, P)."""
    dt = namespace(log_dt=log_dt).exp(log_dt)[:, None]
    half = dt * A / 2
    return dt, half, 2 * c * dt / (1 - half)


def _lags(L: int, reference: Array) -> tuple[int, Array, Array]:
    """K, the lags 0, K, 2K, ... at which blocks begin, and the lags 0..K-1 within one."""
    xp = namespace(reference=reference)
    K = math.isqrt(L - 1) + 1
    r, s = (xp.astype(arange_like(n, reference), reference.dtype) for n in (-(-L // K), K))
    return K, K * r, s
