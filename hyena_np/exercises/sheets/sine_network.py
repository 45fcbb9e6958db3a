"""Exercise 6: the network that computes the filter, forward and backward."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Function, Mistake, Question, Sizes
from hyena_np.exercises.kinds import draw, precision, untouched, values
from hyena_np.ops import filters

GRADIENTS = ("dz", "dW1", "db1", "dW2", "dw")


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Features z (L, E), weights W1 (M, E), b1 (M,), W2 (C, M), frequency w."""
    L, E, M, C = (sizes[name] for name in "LEMC")
    z, W1, b1, W2 = (draw(rng, *shape, dtype=dtype) for shape in ((L, E), (M, E), (M,), (C, M)))
    return z, W1 / 4, b1 / 4, W2, 3.0


def backward_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The gradient dh (C, L) before them, such that dw is no small difference of large numbers."""
    while True:
        arguments = draw(rng, sizes["C"], sizes["L"], dtype=dtype), *inputs(rng, sizes, dtype)
        dh, z, W1, b1, W2, w = arguments
        x = W1 @ z.T + b1[:, None]
        terms = _slope(dh, x, W2, w) * x
        if abs(terms.sum()) > 0.3 * np.linalg.norm(terms):
            return arguments


def _params(W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, w: float) -> dict:
    freq = np.full((1, len(b1)), w, dtype=b1.dtype)
    return {"linear_0": {"weight": W1, "bias": b1}, "linear_1": {"weight": W2}, "freq": freq}


def forward(z: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, w: float) -> np.ndarray:
    """Raw filters (C, L)."""
    return filters.sine_network(z, _params(W1, b1, W2, w))[0]


def backward(
    dh: np.ndarray, z: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, w: float
) -> tuple:
    """Gradients of z, W1, b1, W2, w."""
    _, cache = filters.sine_network(z, _params(W1, b1, W2, w))
    dz, d = filters.sine_network_backward(dh, cache)
    return dz, d["linear_0"]["weight"], d["linear_0"]["bias"], d["linear_1"]["weight"], d["freq"].sum()


def _with(slope: Function) -> Function:
    """Backward with another slope of the activation."""

    def answer(dh, z, W1, b1, W2, w):
        x = W1 @ z.T + b1[:, None]
        dx = (W2.T @ dh) * slope(x, w)
        return dx.T @ W1, dx @ z, dx.sum(axis=1), dh @ np.sin(w * x).T, (_slope(dh, x, W2, w) * x).sum()

    return answer


def _slope(dh: np.ndarray, x: np.ndarray, W2: np.ndarray, w: float) -> np.ndarray:
    """The gradient by the product w x: times w it is dx, times x what each unit and position adds to dw."""
    return (W2.T @ dh) * np.cos(w * x)


def _changed(name: str, change: Function) -> Function:
    """Backward with one of the gradients computed in another way."""
    index = GRADIENTS.index(name)

    def answer(dh, z, W1, b1, W2, w):
        gradients = list(backward(dh, z, W1, b1, W2, w))
        x = W1 @ z.T + b1[:, None]
        gradients[index] = change(dh, x, w, _slope(dh, x, W2, w))
        return tuple(gradients)

    return answer


def _of(activation):
    return lambda z, W1, b1, W2, w: W2 @ activation(W1 @ z.T + b1[:, None], w)


FORWARD = Question(
    name="sine_network",
    arguments=("z", "W1", "b1", "W2", "w"),
    inputs=inputs,
    reference=forward,
    outputs=("h",),
    mistakes=(
        Mistake("the frequency w is missing: sin(w * x), not sin(x)", _of(lambda x, w: np.sin(x))),
        Mistake("the frequency stands outside: sin(w * x), not w * sin(x)", _of(lambda x, w: w * np.sin(x))),
        Mistake("the activation is missing: without it the network is linear", _of(lambda x, w: x)),
        Mistake("cosine instead of sine", _of(lambda x, w: np.cos(w * x))),
        Mistake("the bias is missing", lambda z, W1, b1, W2, w: W2 @ np.sin(w * (W1 @ z.T))),
    ),
)
BACKWARD = Question(
    name="sine_network_backward",
    arguments=("dh", "z", "W1", "b1", "W2", "w"),
    inputs=backward_inputs,
    reference=backward,
    outputs=GRADIENTS,
    axis=None,
    mistakes=(
        Mistake("the inner derivative is forgotten: w cos(w x)", _with(lambda x, w: np.cos(w * x))),
        Mistake(
            "the backward of another function: of sin(x), not of sin(w x)", _with(lambda x, w: np.cos(x))
        ),
        Mistake("the derivative of sine is cosine, not sine", _with(lambda x, w: w * np.sin(w * x))),
        Mistake("the sign: the derivative of sine is +cosine", _with(lambda x, w: -w * np.cos(w * x))),
        Mistake("the cosine is forgotten: w cos(w x)", _with(lambda x, w: w)),
        Mistake("the activation is skipped: dx = da * w cos(w x), not da", _with(lambda x, w: 1.0)),
        Mistake("db1 is not summed over time", _changed("db1", lambda dh, x, w, slope: w * slope)),
        Mistake(
            "db1 is a mean; it is a sum over time",
            _changed("db1", lambda dh, x, w, slope: (w * slope).mean(axis=1)),
        ),
        Mistake(
            "dW2 needs the sine's output a, not its input x",
            _changed("dW2", lambda dh, x, w, slope: dh @ x.T),
        ),
        Mistake(
            "dw is not summed: one w serves every unit and position",
            _changed("dw", lambda dh, x, w, slope: (slope * x).sum(axis=1)),
        ),
        Mistake(
            "dw needs the derivative by w, which is x cos(w x)",
            _changed("dw", lambda dh, x, w, slope: (w * slope).sum()),
        ),
        Mistake(
            "dw forgets the inner derivative, which is x",
            _changed("dw", lambda dh, x, w, slope: slope.sum()),
        ),
        Mistake(
            "the gradients are in another order; it is the one of the arguments: dz, dW1, db1, dW2, dw",
            lambda *a: (*backward(*a)[1:], backward(*a)[0]),
        ),
    ),
)

_SMALL = (
    {"L": 1, "E": 1, "M": 1, "C": 1},
    {"L": 2, "E": 1, "M": 2, "C": 1},
    {"L": 3, "E": 2, "M": 2, "C": 2},
)
_LARGE = ({"L": 17, "E": 5, "M": 8, "C": 6},)

SINE_NETWORK = Exercise(
    number=6,
    name="sine_network",
    title="The sine network, forward and backward",
    goal="Write a small network and its gradient, and see where every factor comes from.",
    minutes=40,
    paper=("Eq. (7)", "Algorithm 2", "App. D.3"),
    questions=(FORWARD, BACKWARD),
    parts=(
        values("forward", FORWARD, (*_SMALL, *_LARGE), points=2),
        values("backward, small", BACKWARD, _SMALL, points=3),
        values("backward, larger", BACKWARD, _LARGE),
        precision(FORWARD, (*_SMALL[-1:], *_LARGE), name="forward in float32 and float64"),
        precision(BACKWARD, (*_SMALL[-1:], *_LARGE), name="backward in float32 and float64"),
        untouched(BACKWARD, _SMALL[-1:]),
    ),
    hints=(
        "Give every step of the forward a name: x = W1 z^T + b1, a = sin(w x), h = W2 a. Then go back, step"
        " by step, and write the gradient of each name.",
        "dW2 = dh a^T and da = W2^T dh. Then dx = da * w * cos(w x), element by element: the inner "
        "derivative brings the w.",
        "dW1 = dx @ z, db1 = dx.sum(axis=1), dz = dx.T @ W1, and dw = (da * x * np.cos(w * x)).sum(). Check "
        "the shapes: a gradient has the shape of what it belongs to.",
    ),
    forbidden=tuple(
        f"hyena_np.{name}{form}"
        for name in ("sine_network", "hyena_filter", "long_filter")
        for form in ("", "_backward")
    ),
    needs=("positional_features",),
)
