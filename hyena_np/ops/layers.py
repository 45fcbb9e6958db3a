"""What a model needs besides the operator: linear, layer norm, GELU, embedding, cross-entropy."""

from __future__ import annotations

import math
from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_ndim,
    check_shape,
    index_add,
    namespace,
    to_numpy,
    token_ids,
)
from hyena_np.errors import ShapeError, TokenError

IGNORE_INDEX = -100
"""Label of a position that the loss does not count (the value PyTorch's loss ignores)."""


class LinearCache(NamedTuple):
    """What `linear_backward` needs."""

    x: Array  # (..., in)
    weight: Array  # (out, in)
    has_bias: bool


def linear(x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, LinearCache]:
    r"""Dense layer, :math:`y = x W^\top + b`.

    Parameters
    ----------
    x : array (..., in), float32 or float64
    weight : array (out, in), dtype of `x`
        PyTorch's layout.
    bias : array (out,), optional

    Returns
    -------
    y : array (..., out)
        Same dtype.
    cache : LinearCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``torch.nn.Linear`` in every block.
    """
    xp = namespace(x=x, weight=weight, bias=bias)
    out_features, in_features = check_ndim("weight", weight, "out in")
    if x.ndim < 1 or x.shape[-1] != in_features:
        raise ShapeError(f"x: got shape {tuple(x.shape)}, allowed is (..., {in_features})")
    rows = xp.reshape(x, (-1, in_features))
    y = xp.matmul(rows, xp.matrix_transpose(weight))
    if bias is not None:
        check_shape("bias", bias, (out_features,))
        y += bias
    return xp.reshape(y, (*tuple(x.shape[:-1]), out_features)), LinearCache(x, weight, bias is not None)


def linear_backward(dy: Array, cache: LinearCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `linear`.

    .. math:: dx = dy\, W, \qquad dW = dy^\top x, \qquad db = \textstyle\sum dy

    Parameters
    ----------
    dy : array (..., out)
    cache : LinearCache

    Returns
    -------
    dx : array (..., in)
    dweight : array (out, in)
    dbias : array (out,) or None

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of a matrix product.
    """
    x, weight, has_bias = cache
    xp = namespace(dy=dy, x=x)
    check_shape("dy", dy, (*tuple(x.shape[:-1]), weight.shape[0]))
    drows = xp.reshape(dy, (-1, weight.shape[0]))
    # y = x @ weight^T + bias
    dx = xp.reshape(xp.matmul(drows, weight), tuple(x.shape))
    dweight = xp.matmul(xp.matrix_transpose(drows), xp.reshape(x, (-1, weight.shape[1])))
    return dx, dweight, xp.sum(drows, axis=0) if has_bias else None


class LayerNormCache(NamedTuple):
    """What `layer_norm_backward` needs."""

    normalised: Array  # (..., D)
    inverse_std: Array  # (..., 1)
    weight: Array  # (D,)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> tuple[Array, LayerNormCache]:
    r"""Layer normalisation of the last axis.

    .. math:: y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \odot w + b

    Parameters
    ----------
    x : array (..., D), float32 or float64
    weight, bias : array (D,), dtype of `x`
    eps : float
        Added to the variance.

    Returns
    -------
    y : array (..., D)
        Same dtype.
    cache : LayerNormCache
        The normalised input, one activation, and one number a row.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``norm1``, ``norm2``, ``ln_f``.
    """
    xp = namespace(x=x, weight=weight, bias=bias)
    (D,) = check_ndim("weight", weight, "D")
    check_shape("bias", bias, (D,))
    if x.ndim < 1 or x.shape[-1] != D:
        raise ShapeError(f"x: got shape {tuple(x.shape)}, allowed is (..., {D})")
    centred = x - _row_mean(x)
    variance = _row_mean(centred * centred)
    inverse_std = 1.0 / xp.sqrt(variance + eps)
    normalised = centred * inverse_std
    y = normalised * weight
    y += bias
    return y, LayerNormCache(normalised, inverse_std, weight)


def layer_norm_backward(dy: Array, cache: LayerNormCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `layer_norm`: mean and variance depend on every entry of a row.

    .. math:: dx = \frac{1}{\sqrt{\sigma^2+\epsilon}} \big(g - \overline{g} - n\,\overline{g \odot n}\big),
              \qquad g = w \odot dy

    with :math:`n` the normalised row and the bar a mean over it.

    Parameters
    ----------
    dy : array (..., D)
    cache : LayerNormCache

    Returns
    -------
    dx : array (..., D)
    dweight, dbias : array (D,)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the chain rule through mean and variance.
    """
    normalised, inverse_std, weight = cache
    xp = namespace(dy=dy, weight=weight)
    check_shape("dy", dy, tuple(normalised.shape))
    rows = tuple(range(dy.ndim - 1))
    # y = normalised * weight + bias
    g = dy * weight
    # normalised = (x - mean) * inverse_std
    along = xp.vecdot(g, normalised)[..., None] * (1 / weight.shape[0])
    g -= _row_mean(g)
    g -= normalised * along
    g *= inverse_std
    return g, xp.sum(dy * normalised, axis=rows), xp.sum(dy, axis=rows)


def _row_mean(x: Array) -> Array:
    xp = namespace(x=x)
    return xp.sum(x, axis=-1, keepdims=True) * (1 / x.shape[-1])


class GeluCache(NamedTuple):
    """What `gelu_backward` needs."""

    x: Array  # (...)
    tanh: Array  # (...)


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def gelu(x: Array) -> tuple[Array, GeluCache]:
    r"""GELU in its tanh form.

    .. math:: y = \tfrac{x}{2} \big(1 + \tanh\big(\sqrt{2/\pi}\,(x + 0.044715\, x^3)\big)\big)

    Parameters
    ----------
    x : array of any shape, float32 or float64

    Returns
    -------
    y : array of the same shape and dtype
    cache : GeluCache
        The input and the tanh.

    Raises
    ------
    DTypeError, LibraryMismatchError
        `x` is no float array.

    Notes
    -----
    Source: official code: ``F.gelu(approximate="tanh")`` in the MLP.
    """
    xp = namespace(x=x)
    inner = (_GELU_SCALE * _GELU_CUBIC) * (x * x)
    inner += _GELU_SCALE
    tanh = xp.tanh(inner * x)
    y = 0.5 * tanh
    y += 0.5
    return y * x, GeluCache(x, tanh)


def gelu_backward(dy: Array, cache: GeluCache) -> Array:
    r"""Gradient of `gelu`.

    .. math:: \frac{dy}{dx} = \tfrac12 (1 + \tanh s) + \tfrac{x}{2} (1 - \tanh^2 s)\, \sqrt{2/\pi}\,
              (1 + 3 \cdot 0.044715\, x^2)

    Parameters
    ----------
    dy : array of the shape of x
    cache : GeluCache

    Returns
    -------
    dx : array of the same shape

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the formula of `gelu`, differentiated.
    """
    x, tanh = cache
    namespace(dy=dy, x=x)
    check_shape("dy", dy, tuple(x.shape))
    # inner = scale * (x + cubic * x^3); here x * dinner/dx
    xdinner = (3 * _GELU_SCALE * _GELU_CUBIC) * (x * x)
    xdinner += _GELU_SCALE
    xdinner *= x
    # y = x/2 * (1 + tanh(inner)); in place, because a new array costs more than the arithmetic on it
    dx = 1.0 - tanh * tanh
    dx *= xdinner
    dx += tanh
    dx += 1.0
    dx *= 0.5
    dx *= dy
    return dx


class EmbeddingCache(NamedTuple):
    """What `embedding_backward` needs."""

    ids: Array  # (...) int64, on the device of the weight
    weight: Array  # (V, D), only for its shape and dtype


def embedding(ids: Array, weight: Array) -> tuple[Array, EmbeddingCache]:
    r"""Rows of a table, :math:`y_t = W_{\mathrm{id}_t}`.

    Parameters
    ----------
    ids : integer array (...)
        On the host (NumPy), where the check costs a GPU nothing, or on the device of `weight`.
    weight : array (V, D), float32 or float64

    Returns
    -------
    y : array (..., D)
        Dtype of `weight`.
    cache : EmbeddingCache

    Raises
    ------
    TokenError
        An id lies outside 0..V-1; on every library (CuPy alone would wrap it in silence).
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``word_embeddings``.
    """
    xp = namespace(weight=weight)
    V, D = check_ndim("weight", weight, "V D")
    ids = token_ids("ids", ids, V, weight)
    y = xp.take(weight, xp.reshape(ids, (-1,)), axis=0)
    return xp.reshape(y, (*tuple(ids.shape), D)), EmbeddingCache(ids, weight)


def embedding_backward(dy: Array, cache: EmbeddingCache) -> Array:
    r"""Gradient of `embedding` by the table: :math:`dW_i = \sum_{t:\, \mathrm{id}_t = i} dy_t`.

    Parameters
    ----------
    dy : array (..., D)
    cache : EmbeddingCache

    Returns
    -------
    dweight : array (V, D)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of a selection of rows.
    """
    ids, weight = cache
    xp = namespace(dy=dy, weight=weight)
    V, D = weight.shape
    check_shape("dy", dy, (*tuple(ids.shape), D))
    return index_add(xp.reshape(ids, (-1,)), xp.reshape(dy, (-1, D)), V)


def softmax(x: Array) -> Array:
    r"""Softmax of the last axis, :math:`e^{x_i} / \sum_j e^{x_j}`, shifted so that nothing overflows.

    Parameters
    ----------
    x : array (..., V), float32 or float64

    Returns
    -------
    array (..., V)
        Same dtype.

    Raises
    ------
    DTypeError, LibraryMismatchError
        `x` is no float array.

    Notes
    -----
    Source: Hyena paper, Sec. 2.2.
    """
    xp = namespace(x=x)
    exponentials = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return exponentials / xp.sum(exponentials, axis=-1, keepdims=True)


class CrossEntropyCache(NamedTuple):
    """What `cross_entropy_backward` needs."""

    probabilities: Array  # (..., V)
    target: Array  # (..., V), one-hot rows, zero where the label is ignored
    counted: Array  # (..., 1), 1 where a label counts
    labels: int  # how many labels count


def cross_entropy(
    logits: Array, labels: Array, ignore_index: int = IGNORE_INDEX
) -> tuple[Array, CrossEntropyCache]:
    r"""Mean cross-entropy, in nats, over the positions whose label counts.

    .. math:: \ell = -\frac{1}{n} \sum_{t:\ \mathrm{label}_t \ne \mathrm{ignore}}
              \log \mathrm{softmax}(z_t)_{\mathrm{label}_t}

    Parameters
    ----------
    logits : array (..., V), float32 or float64
    labels : integer array (...)
        On the host (NumPy) or on the device of `logits`; `ignore_index` masks a position.
    ignore_index : int
        The label that masks a position.

    Returns
    -------
    loss : array (), dtype of `logits`
        Stays on the device: ``float(loss)`` waits for it.
    cache : CrossEntropyCache

    Raises
    ------
    TokenError
        A label lies outside 0..V-1, or every position is masked.
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``torch.nn.CrossEntropyLoss``.
    """
    xp = namespace(logits=logits)
    if logits.ndim < 1:
        raise ShapeError("logits: got a number, allowed is an array (..., V)")
    V = logits.shape[-1]
    host_labels = labels
    labels = token_ids("labels", labels, V, logits, ignore_index)
    count = int((to_numpy(host_labels) != ignore_index).sum())
    check_shape("labels", labels, tuple(logits.shape[:-1]))
    if count == 0:
        raise TokenError(f"labels: every position is {ignore_index}, so there is nothing to average")
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    log_normaliser = xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    log_probabilities = shifted - log_normaliser
    target = xp.astype(labels[..., None] == arange_like(V, logits), logits.dtype)
    counted = xp.astype(labels != ignore_index, logits.dtype)[..., None]
    target = target * counted  # for the case that the ignored label is also a token
    loss = -xp.sum(log_probabilities * target) / count
    return loss, CrossEntropyCache(xp.exp(log_probabilities), target, counted, count)


def cross_entropy_backward(dloss: Array | float, cache: CrossEntropyCache) -> Array:
    r"""Gradient of `cross_entropy`: probability minus target, over the number of labels that count.

    .. math:: dz_t = \frac{d\ell}{n} \big(\mathrm{softmax}(z_t) - e_{\mathrm{label}_t}\big)

    Parameters
    ----------
    dloss : float or array ()
        Gradient by the loss; 1.0 for the loss itself.
    cache : CrossEntropyCache

    Returns
    -------
    dlogits : array (..., V)
        Zero where a position is masked.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dloss` does not fit.

    Notes
    -----
    Source: the derivative of the logarithm of a softmax.
    """
    probabilities, target, counted, count = cache
    if isinstance(dloss, int | float):
        dloss = float(dloss)  # a NumPy float64 is a float too, and would turn float32 into float64
    else:
        namespace(dloss=dloss, probabilities=probabilities)
        check_shape("dloss", dloss, ())
    return (probabilities * counted - target) * (dloss / count)
