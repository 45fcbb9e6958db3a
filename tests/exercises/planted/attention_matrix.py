"""Wrong answers to exercise 16."""

import math

import numpy as np

from exercises.planted import Wrong


def softmax(scores, stable=True, axis=-1):
    e = np.exp(scores - (scores.max(axis=axis, keepdims=True) if stable else 0))
    return e / e.sum(axis=axis, keepdims=True)


def masked(q, k, scale=None, fill=-np.inf):
    scores = q @ k.T * (scale or 1 / math.sqrt(q.shape[1]))
    return np.where(np.tril(np.ones(scores.shape, bool)), scores, np.array(fill, scores.dtype))


def right(q, k):
    return softmax(masked(q, k))


def right_attend(q, k, v):
    return right(q, k) @ v


def unmasked(q, k):
    return softmax(q @ k.T / math.sqrt(q.shape[1]))


def masked_too_late(q, k):
    return np.tril(unmasked(q, k))


def masked_with_zero(q, k):
    return softmax(masked(q, k, fill=0))


def wrong_axis(q, k):
    return softmax(masked(q, k), axis=0)


def no_softmax(q, k):
    return np.tril(q @ k.T / math.sqrt(q.shape[1]))


def no_exponential(q, k):
    weights = no_softmax(q, k)
    with np.errstate(all="ignore"):
        return weights / weights.sum(axis=-1, keepdims=True)


def divided_by_width(q, k):
    return softmax(masked(q, k, scale=1 / q.shape[1]))


def always_the_mean(q, k):
    return right(np.zeros_like(q), k)


def no_scale(q, k):
    return softmax(masked(q, k, scale=1.0))


def exchanged(q, k):
    return right(k, q)


def overflows(q, k):
    with np.errstate(all="ignore"):
        return softmax(masked(q, k), stable=False)


def transposed(q, k, v):
    return right(q, k).T @ v


def sees_the_future(q, k, v):
    return unmasked(q, k) @ v


def double(q, k, v):
    return (right(q, k) @ v) * np.float64(1)


def overwrites(q, k):
    q /= math.sqrt(q.shape[1])
    return softmax(masked(q, k, scale=1.0))


MATRIX, ATTEND = {"attention_matrix": right}, {"attend": right_attend}
WRONG = (
    Wrong(unmasked, "not causal", points=3, others=ATTEND),
    Wrong(masked_too_late, "masked after the softmax", points=3, others=ATTEND),
    Wrong(masked_with_zero, "masked with 0", points=3, others=ATTEND),
    Wrong(wrong_axis, "wrong axis", points=3, others=ATTEND),
    Wrong(no_softmax, "the softmax is missing", points=3, others=ATTEND),
    Wrong(no_exponential, "makes weights positive", points=3, others=ATTEND),
    Wrong(no_scale, "the scale is missing", points=5, others=ATTEND),
    Wrong(divided_by_width, "not by its root", points=5, others=ATTEND),
    Wrong(exchanged, "queries and keys are exchanged", points=4, others=ATTEND),
    Wrong(always_the_mean, "has wrong values", points=4, others=ATTEND),
    Wrong(overflows, "the exponential overflows", points=8, others=ATTEND),
    Wrong(transposed, "the matrix is transposed", points=6, name="attend", others=MATRIX),
    Wrong(sees_the_future, "the future is not masked", points=6, name="attend", others=MATRIX),
    Wrong(double, "wrong dtype", points=8, name="attend", others=MATRIX),
    Wrong(overwrites, "argument overwritten", points=8, others=ATTEND),
)
