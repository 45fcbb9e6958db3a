"""The long convolution over an image: every pixel sees every other, on all four sides."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    check_ndim,
    check_shape,
    fft_length,
    irfft2,
    namespace,
    owned,
    rfft2,
    zeros_like_device,
)
from hyena_np.errors import DTypeError, ShapeError


def conv2d_loop(u: Array, h: Array) -> Array:
    r"""Two-dimensional convolution by its definition, one product at a time.

    .. math:: y_{t_1 t_2} = \sum_{s_1=0}^{H-1} \sum_{s_2=0}^{W-1} h_{t_1-s_1,\, t_2-s_2}\, u_{s_1 s_2}

    Parameters
    ----------
    u : array (B, D, H, W), float32 or float64
    h : array (D, 2H-1, 2W-1), dtype of `u`
        As in `fftconv2d`.

    Returns
    -------
    array (B, D, H, W)
        Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2, the definition of the convolution, with two times.
    """
    xp = _check(u, h, None)
    _, _, H, W = u.shape
    rows = []
    for t1 in range(H):
        row = []
        for t2 in range(W):
            y_t = zeros_like_device(tuple(u.shape[:2]), u)
            for s1 in range(H):
                for s2 in range(W):
                    y_t = y_t + h[:, H - 1 + t1 - s1, W - 1 + t2 - s2] * u[:, :, s1, s2]
            row.append(y_t)
        rows.append(xp.stack(row, axis=-1))
    return xp.stack(rows, axis=-2)


class FFTConv2DCache(NamedTuple):
    """What `fftconv2d_backward` needs; (n1, n2) is the size of the transform, F = n2//2 + 1."""

    u_f: Array  # (B, D, n1, F) complex, spectrum of the images
    h_f: Array  # (D, n1, F) complex, spectrum of the filter
    u: Array | None  # (B, D, H, W), kept only for the gradient of the skip term
    skip: Array | None  # (D,)
    grid: tuple[int, int]
    shape: tuple[int, int]


def fftconv2d(u: Array, h: Array, skip: Array | None = None) -> tuple[Array, FFTConv2DCache]:
    r"""Two-dimensional convolution through the fast Fourier transform, plus a skip term.

    .. math:: y_{t_1 t_2} = \sum_{s_1, s_2} h_{t_1-s_1,\, t_2-s_2}\, u_{s_1 s_2}
              + \mathrm{skip} \cdot u_{t_1 t_2}

    The filter has a tap for every lag at which two pixels can stand: all four quadrants. The image is zero
    outside. A transform of 2H-1 by 2W-1 is enough: what wraps around falls on lines that are cut off.

    Parameters
    ----------
    u : array (B, D, H, W), float32 or float64
        Images, one plane a channel.
    h : array (D, 2H-1, 2W-1), dtype of `u`
        One filter a channel, the lag (0, 0) in its middle, at (H-1, W-1).
    skip : array (D,), dtype of `u`, optional
        An extra tap at the lag (0, 0).

    Returns
    -------
    y : array (B, D, H, W)
        Same dtype.
    cache : FFTConv2DCache
        The two spectra, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    A filter that is an outer product, as in S4ND, is two `bidirectional_conv`, one an axis. This one takes
    any filter. Source: Hyena paper, Sec. 4.5 (two-dimensional Hyena, after S4ND).

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import fftconv2d
    >>> u, h = np.array([[[[0.0, 1.0], [0.0, 0.0]]]]), np.arange(9.0).reshape(1, 3, 3)
    >>> np.round(fftconv2d(u, h)[0][0, 0], 9)
    array([[3., 4.],
           [6., 7.]])
    """
    _check(u, h, skip)
    H, W = u.shape[2:]
    shape = (fft_length(2 * H - 1), fft_length(2 * W - 1))
    u_f = rfft2(u, shape)  # (B,D,H,W) -> (B,D,n1,F)
    h_f = rfft2(h, shape)  # (D,2H-1,2W-1) -> (D,n1,F)
    # the filter's middle stands at (H-1, W-1), and so does the first output
    y = irfft2(u_f * h_f, shape)[..., H - 1 : 2 * H - 1, W - 1 : 2 * W - 1]
    if skip is None:
        return owned(y), FFTConv2DCache(u_f, h_f, None, None, (H, W), shape)
    return y + skip[:, None, None] * u, FFTConv2DCache(u_f, h_f, u, skip, (H, W), shape)


def fftconv2d_backward(dy: Array, cache: FFTConv2DCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `fftconv2d`: correlations, as in one dimension.

    .. math:: du_{s_1 s_2} = \sum_{t_1, t_2} h_{t_1-s_1,\, t_2-s_2}\, dy_{t_1 t_2}, \qquad
              dh_{k_1 k_2} = \sum_{b, s_1, s_2} dy_{b,\, s_1+k_1,\, s_2+k_2}\, u_{b,\, s_1 s_2}

    Parameters
    ----------
    dy : array (B, D, H, W)
        Gradient of a scalar by `y`.
    cache : FFTConv2DCache

    Returns
    -------
    du : array (B, D, H, W)
    dh : array (D, 2H-1, 2W-1)
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of `fftconv2d`, which is linear in each argument.
    """
    u_f, h_f, u, skip, (H, W), shape = cache
    xp = namespace(dy=dy, skip=skip)
    B, D = u_f.shape[:2]
    check_shape("dy", dy, (B, D, H, W))
    # y = irfft2(u_f * h_f)[..., H-1:2H-1, W-1:2W-1]: zeros stand in for what was cut off in front
    above, left = zeros_like_device((B, D, H - 1, W), dy), zeros_like_device((B, D, 2 * H - 1, W - 1), dy)
    dy_f = rfft2(xp.concat([left, xp.concat([above, dy], axis=2)], axis=3), shape)
    namespace(u_f=u_f, dy_f=dy_f)  # without a skip term, the only witness of dtype and library
    du = irfft2(dy_f * xp.conj(h_f), shape)[..., :H, :W]
    dh = owned(irfft2(xp.sum(dy_f * xp.conj(u_f), axis=0), shape)[..., : 2 * H - 1, : 2 * W - 1])
    if skip is None:
        return owned(du), dh, None
    return du + skip[:, None, None] * dy, dh, xp.sum(dy * u, axis=(0, 2, 3))


def _check(u: Array, h: Array, skip: Array | None):
    xp = namespace(u=u, h=h, skip=skip)
    _, D, H, W = check_ndim("u", u, "B D H W")
    if H < 1 or W < 1:
        raise ShapeError(f"u: got a grid of {H} by {W}, allowed are sides >= 1")
    check_ndim("h", h, "D 2H-1 2W-1")
    check_shape("h", h, (D, 2 * H - 1, 2 * W - 1))
    if not xp.isdtype(u.dtype, "real floating"):
        raise DTypeError(f"u: got dtype {u.dtype}, allowed are float32 and float64")
    if skip is not None:
        check_shape("skip", skip, (D,))
    return xp
