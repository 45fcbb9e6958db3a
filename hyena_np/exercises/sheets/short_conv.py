"""Exercise 8: the short convolution of the projections, forward and backward."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Ask, Exercise, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, untouched, values
from hyena_np.exercises.sheets.conv_backward import CONV_BACKWARD
from hyena_np.exercises.sheets.fftconv import FFTCONV
from hyena_np.ops import projection


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Signals x (D, L), taps weight (D, K), bias (D,)."""
    D, L, K = (sizes[name] for name in "DLK")
    return tuple(draw(rng, *shape, dtype=dtype) for shape in ((D, L), (D, K), (D,)))


def backward_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The gradient dz (D, L) before them."""
    return draw(rng, sizes["D"], sizes["L"], dtype=dtype), *inputs(rng, sizes, dtype)


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(D, L)."""
    return projection.short_conv(x[None], weight[:, None], bias)[0][0]


def backward(dz: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple:
    """Gradients of x, weight, bias."""
    _, cache = projection.short_conv(x[None], weight[:, None], bias)
    dx, dweight, dbias = projection.short_conv_backward(dz[None], cache)
    return dx[0], dweight[:, 0], dbias


def _centred(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    ahead = (weight.shape[-1] - 1) // 2
    padded = np.concatenate([x, np.zeros((len(x), ahead), dtype=x.dtype)], axis=1)
    return forward(padded, weight, bias)[:, ahead:]


def _ahead(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return forward(x[:, ::-1], weight, bias)[:, ::-1]


def _wrapped(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    K = weight.shape[1]
    return sum((weight[:, j, None] * np.roll(x, K - 1 - j, axis=1) for j in range(K)), bias[:, None])


def _mixed(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """All channels summed up."""
    z = forward(x, weight, np.zeros_like(bias))
    return np.zeros_like(z) + z.sum(axis=0) + bias[:, None]


FORWARD = Question(
    name="short_conv",
    arguments=("x", "weight", "bias"),
    inputs=inputs,
    reference=forward,
    outputs=("z",),
    mistakes=(
        Mistake(
            "the taps are reversed: the last one sees the present", lambda x, w, b: forward(x, w[:, ::-1], b)
        ),
        Mistake("not causal: padded on both sides, it sees the next position", _centred),
        Mistake("not causal: it looks ahead instead of back", _ahead),
        Mistake("wrapped around: before position 0 there are zeros, not the end", _wrapped),
        Mistake("not depthwise: channels do not mix", _mixed),
        Mistake("the bias is missing", lambda x, w, b: forward(x, w, np.zeros_like(b))),
    ),
)


def _with(dx=None, dweight=None, dbias=None):
    """Backward with other ways to compute one of the gradients."""

    def answer(dz: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple:
        pairs = zip(backward(dz, x, weight, bias), (dx, dweight, dbias), strict=True)
        return tuple(value if other is None else other(dz, x, weight) for value, other in pairs)

    return answer


def _forward_again(dz: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return forward(dz, weight, np.zeros_like(weight[:, 0]))


def _dx_wrapped(dz: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return _wrapped(dz[:, ::-1], weight, np.zeros_like(weight[:, 0]))[:, ::-1]


def _of_reversed(dz: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple:
    dx, dweight, dbias = backward(dz, x, weight[:, ::-1], bias)
    return dx, dweight[:, ::-1], dbias


BACKWARD = Question(
    name="short_conv_backward",
    arguments=("dz", "x", "weight", "bias"),
    inputs=backward_inputs,
    reference=backward,
    outputs=("dx", "dweight", "dbias"),
    mistakes=(
        Mistake("this is the forward again: a gradient looks ahead in time", _with(dx=_forward_again)),
        Mistake(
            "the taps' gradients are in reversed order",
            lambda *a: _with(dweight=lambda dz, x, w: backward(*a)[1][:, ::-1])(*a),
        ),
        Mistake("the backward of another function: of taps in reversed order", _of_reversed),
        Mistake("wrapped around: behind the end there are zeros, not the start", _with(dx=_dx_wrapped)),
        Mistake("dbias is not summed over time", _with(dbias=lambda dz, x, w: dz)),
        Mistake("dbias is a mean; it is a sum over time", _with(dbias=lambda dz, x, w: dz.mean(axis=1))),
    ),
)

_SMALL = ({"D": 1, "L": 2, "K": 1}, {"D": 1, "L": 3, "K": 2}, {"D": 2, "L": 4, "K": 3})
_SHORT = ({"D": 1, "L": 1, "K": 3}, {"D": 2, "L": 2, "K": 4})
_LARGE = ({"D": 5, "L": 16, "K": 3},)


def _judge_precision(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    for question in (FORWARD, BACKWARD):
        precision(question, sizes).judge(ask, sizes, rng)


SHORT_CONV = Exercise(
    number=8,
    name="short_conv",
    title="The short depthwise convolution, forward and backward",
    goal="Write the three-tap convolution of the projections in PyTorch's convention, and its gradients.",
    minutes=35,
    paper=("Algorithm 1",),
    questions=(FORWARD, BACKWARD),
    parts=(
        values("forward", FORWARD, (*_SMALL, *_LARGE), points=2),
        values("forward, fewer positions than taps", FORWARD, _SHORT),
        causal(FORWARD, ({"D": 1, "L": 4, "K": 3}, {"D": 2, "L": 9, "K": 3}), argument="x"),
        values("backward", BACKWARD, (*_SMALL, *_LARGE), points=3),
        values("backward, fewer positions than taps", BACKWARD, _SHORT),
        Part("float32 and float64", 1, _judge_precision, (*_SMALL[-1:], *_LARGE)),
        untouched(BACKWARD, _SMALL[-1:]),
    ),
    hints=(
        "For each tap j there is one lag, K - 1 - j. Shift x by the lag, multiply by the tap, add up.",
        "z[:, lag:] += weight[:, j, None] * x[:, :L - lag]. Backwards, each such line becomes two: one adds"
        " to dx[:, :L - lag], the other sums up dweight[:, j].",
        "dx[:, :L - lag] += weight[:, j, None] * dz[:, lag:] and dweight[:, j] = (dz[:, lag:] * x[:, :L - "
        "lag]).sum(axis=1); dbias = dz.sum(axis=1). Skip lags of L and more.",
    ),
    forbidden=(
        "hyena_np.short_conv",
        "hyena_np.short_conv_backward",
        *dict.fromkeys((*FFTCONV.forbidden, *CONV_BACKWARD.forbidden)),  # convolve with the reversed taps
        "scipy.ndimage",
    ),
    needs=("causal_conv", "conv_backward"),
)
