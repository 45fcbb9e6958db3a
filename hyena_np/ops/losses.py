"""The loss of regression: the mean squared error, over the positions that count."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, is_numpy, like, namespace, to_numpy
from hyena_np.errors import DTypeError, ShapeError


class SquaredErrorCache(NamedTuple):
    """What `mean_squared_error_backward` needs."""

    error: Array  # (..., K), zero where a position does not count
    terms: int  # how many numbers the mean is taken over


def mean_squared_error(
    predictions: Array, targets: Array, mask: Array | None = None
) -> tuple[Array, SquaredErrorCache]:
    r"""Mean of the squared differences, over the positions that count.

    .. math:: \ell = \frac{1}{n K} \sum_{t:\ \mathrm{mask}_t} \lVert y_t - \mathrm{target}_t \rVert^2

    Parameters
    ----------
    predictions : array (..., K), float32 or float64
    targets : array (..., K)
        On the host (NumPy; cast to the dtype of `predictions`), or of the library, device and dtype of
        `predictions`. What they are where the mask is false does not matter, NaN included.
    mask : boolean array (...), optional
        True where a position counts, n times in all; all count by default. On the host, or on the device of
        `predictions`, which then has to wait for the count.

    Returns
    -------
    loss : array (), dtype of `predictions`
        In squared units of the targets; stays on the device.
    cache : SquaredErrorCache

    Raises
    ------
    ShapeError
        The shapes do not fit, or no position counts.
    DTypeError, LibraryMismatchError
        The arrays do not fit.

    Notes
    -----
    Source: Garg et al., "What can transformers learn in-context?", Sec. 2, which the Hyena paper's Sec. 4.1
    takes its in-context learning of linear functions from.
    """
    xp = namespace(predictions=predictions)
    if predictions.ndim < 1:
        raise ShapeError("predictions: got a number, allowed is an array (..., K)")
    if is_numpy(targets):
        targets = like(targets, predictions)
    namespace(predictions=predictions, targets=targets)
    shape = tuple(predictions.shape)
    check_shape("targets", targets, shape)
    error, terms = predictions - targets, 1
    for size in shape:
        terms *= size
    if mask is not None:
        counted, terms = _counted(mask, predictions), int(to_numpy(mask).sum()) * shape[-1]
        error = xp.where(counted, error, xp.zeros_like(error))
    if terms == 0:
        raise ShapeError("mask: no position counts, so there is nothing to average")
    return xp.sum(error * error) / terms, SquaredErrorCache(error, terms)


def _counted(mask: Array, predictions: Array) -> Array:
    """A mask (...) as booleans (..., 1) where the predictions are."""
    xp = namespace(predictions=predictions)
    if str(getattr(mask, "dtype", None)).rsplit(".", 1)[-1] != "bool":
        got = getattr(mask, "dtype", type(mask).__name__)
        raise DTypeError(f"mask: got {got}, allowed is a boolean array")
    check_shape("mask", mask, tuple(predictions.shape[:-1]))
    if is_numpy(mask):
        mask = like(mask, predictions) != 0.0
    return xp.broadcast_to(mask[..., None], tuple(predictions.shape))


def mean_squared_error_backward(dloss: Array | float, cache: SquaredErrorCache) -> Array:
    r"""Gradient of `mean_squared_error` by the predictions.

    .. math:: dy_t = d\ell\, \frac{2}{n K} (y_t - \mathrm{target}_t)

    Parameters
    ----------
    dloss : float or array ()
        Gradient by the loss; 1.0 for the loss itself.
    cache : SquaredErrorCache

    Returns
    -------
    dpredictions : array (..., K)
        Zero where a position does not count.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dloss` does not fit.

    Notes
    -----
    Source: the derivative of a square.
    """
    error, terms = cache
    if isinstance(dloss, int | float):
        dloss = float(dloss)  # a NumPy float64 is a float too, and would turn float32 into float64
    else:
        namespace(dloss=dloss, predictions=error)
        check_shape("dloss", dloss, ())
    return error * (2.0 * dloss / terms)
