"""Which form of the causal convolution: the one that was measured to be the fastest, never a guess."""

from __future__ import annotations

from functools import cache
from math import log2
from pathlib import Path
from typing import Any, NamedTuple

from hyena_np.backend import Array, check_convolution, get_backend, is_numpy
from hyena_np.errors import ConfigError
from hyena_np.fast.conv_forms import FORMS, too_many_taps
from hyena_np.fast.conv_table import Point, measured_points
from hyena_np.ops.checks import check_choice, check_integer


class ConvChoice(NamedTuple):
    """What `choose_conv` found: the form, and the measurement that speaks for it."""

    form: str
    L: int  # where it was measured, as the taps
    taps: int
    seconds: dict[str, float]  # forward and backward there, of every form that was measured
    device: str


def choose_conv(L: int, taps: int, device: str = "cpu", table: str | Path | None = None) -> ConvChoice:
    r"""The form of the causal convolution that was measured to be the fastest.

    The rule: the measured point :math:`(L', t')` that is nearest,

    .. math:: (\log_2 L' - \log_2 L)^2 + (\log_2 t' - \log_2 t)^2 \to \min,

    of two equally near ones the shorter, then the one with fewer taps; then the form that took the least time
    there, of those that are allowed at (L, t). Not allowed are the two-stage product with more than L/2 + 1
    taps, and, far beyond the end of a table, what grows with the square: the matrix at more than twice L',
    the two-stage product with more than twice t'.

    Parameters
    ----------
    L : int
        Length of the sequence.
    taps : int
        Length of the filter; taps past L never count.
    device : str
        ``"cpu"``, or the name of a GPU as its driver gives it.
    table : str or Path, optional
        A file that ``hyena-np bench --forms`` wrote; by default the package's own, float32.

    Returns
    -------
    ConvChoice
        ``form``, one of "matrix", "fft", "monarch", "overlap_add", "overlap_save" and "two_stage"; ``L`` and
        ``taps`` of the measured point; ``seconds`` there by form; ``device``.

    Raises
    ------
    ConfigError
        L or taps is no integer >= 1; nothing was measured on this device; the table cannot be read.

    Notes
    -----
    Source: measured, not derived; no counterpart in the paper. Shapes: u (B, D, L), h (D, taps). The table
    has one B, one D, one number of threads and float32; with others, forms that differ little may change
    places.

    Examples
    --------
    >>> from hyena_np import choose_conv
    >>> choice = choose_conv(5000, 100)
    >>> choice.L, choice.taps
    (4096, 64)
    >>> choice.form == min(choice.seconds, key=choice.seconds.get)
    True
    """
    check_integer("L", L, 1)
    check_integer("taps", taps, 1)
    taps = min(L, taps)
    measured = measured_points(None if table is None else Path(table))
    if device not in measured:
        raise ConfigError(
            f"device: got {device!r}, measured are {', '.join(map(repr, measured)) or 'none'}; "
            "'hyena-np bench --forms --out FILE' measures the one it runs on (a GPU with --backend cupy), "
            "and table=FILE chooses from that"
        )
    point = min(measured[device], key=lambda p: log2(p.L / L) ** 2 + log2(p.taps / taps) ** 2)
    allowed = [form for form in point.seconds if _allowed(form, L, taps, point)]
    form = min(allowed, key=lambda name: point.seconds[name])
    return ConvChoice(form, point.L, point.taps, dict(point.seconds), device)


def _allowed(form: str, L: int, taps: int, point: Point) -> bool:
    if form == "matrix":
        return L <= 2 * point.L
    return form != "two_stage" or (taps <= 2 * point.taps and not too_many_taps(form, L, taps))


class CausalConvCache(NamedTuple):
    """What `causal_conv_backward` needs: the form that ran, and its own cache."""

    form: str
    inner: Any


def causal_conv(
    u: Array,
    h: Array,
    skip: Array | None = None,
    form: str | None = None,
    table: str | Path | None = None,
) -> tuple[Array, CausalConvCache]:
    r"""`fftconv` in the form that `choose_conv` names for these sizes on this device.

    .. math:: y_t = \sum_{s=0}^{t} h_{t-s}\, u_s + \mathrm{skip} \cdot u_t

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.
    form : {"matrix", "fft", "monarch", "overlap_add", "overlap_save", "two_stage"}, optional
        Run this one, whatever was measured.
    table : str or Path, optional
        Measurements to choose from, as in `choose_conv`; without meaning where `form` is given.

    Returns
    -------
    y : array (B, D, L)
        Same dtype; equal in all forms up to rounding.
    cache : CausalConvCache
        What the form keeps.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.
    ConfigError
        `form` is unknown; or there is none, and nothing was measured on this device.

    Notes
    -----
    Source: Hyena paper, Sec. 2, the definition of the causal linear convolution.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import causal_conv
    >>> y, _ = causal_conv(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]))
    >>> np.round(y[0, 0], 9) + 0.0
    array([ 1., 10.,  0.,  2.])
    """
    _, taps = check_convolution(u, h, skip)
    if form is None:
        form = choose_conv(u.shape[2], taps, device_name(u), table).form
    check_choice("form", form, tuple(FORMS))
    y, inner = FORMS[form].forward(u, h, skip)
    return y, CausalConvCache(form, inner)


def causal_conv_backward(dy: Array, cache: CausalConvCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `causal_conv`, in the form of the forward.

    .. math::
        du_s = \sum_{t \ge s} h_{t-s}\, dy_t, \qquad
        dh_k = \sum_{b,t} dy_{b,t+k}\, u_{b,t}, \qquad
        d\mathrm{skip} = \sum_{b,t} dy_{b,t}\, u_{b,t}

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : CausalConvCache

    Returns
    -------
    du : array (B, D, L)
    dh : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of the Toeplitz matrix of the paper's Sec. 2.
    """
    return FORMS[cache.form].backward(dy, cache.inner)


def device_name(array: Array) -> str:
    """The device of an array under its name in a table: "cpu", or what the driver calls the GPU."""
    if is_numpy(array):
        return "cpu"
    if hasattr(array.device, "id"):  # CuPy's
        return gpu_name(array.device.id)
    return getattr(array.device, "type", "cpu")  # PyTorch's; the rest is on the host


@cache
def gpu_name(number: int) -> str:
    """What the driver calls a GPU, by its number."""
    properties = get_backend("cupy").xp.cuda.runtime.getDeviceProperties(number)
    return properties["name"].decode()
