"""Wrong answers to exercise 6."""

import numpy as np

from exercises.planted import Wrong


def right(z, W1, b1, W2, w):
    return W2 @ np.sin(w * (W1 @ z.T + b1[:, None]))


def back(dh, z, W1, b1, W2, w, slope=lambda x, w: w * np.cos(w * x)):
    x = W1 @ z.T + b1[:, None]
    dx = (W2.T @ dh) * slope(x, w)
    dw = ((W2.T @ dh) * x * np.cos(w * x)).sum()
    return dx.T @ W1, dx @ z, dx.sum(axis=1), dh @ np.sin(w * x).T, dw


def no_frequency(z, W1, b1, W2, w):
    return W2 @ np.sin(W1 @ z.T + b1[:, None])


def linear(z, W1, b1, W2, w):
    return W2 @ (W1 @ z.T + b1[:, None])


def time_first(z, W1, b1, W2, w):
    return right(z, W1, b1, W2, w).T


def no_bias(z, W1, b1, W2, w):
    return W2 @ np.sin(w * (W1 @ z.T))


def double(z, W1, b1, W2, w):
    return right(z, W1, b1, W2, np.float64(w))


def no_inner_derivative(*a):
    return back(*a, slope=lambda x, w: np.cos(w * x))


def of_plain_sine(*a):
    return back(*a, slope=lambda x, w: np.cos(x))


def sine_again(*a):
    return back(*a, slope=lambda x, w: w * np.sin(w * x))


def no_cosine(*a):
    return back(*a, slope=lambda x, w: w + 0 * x)


def skips_the_sine(*a):
    return back(*a, slope=lambda x, w: 1.0)


def mean_of_bias(dh, z, *a):
    dz, dW1, db1, dW2, dw = back(dh, z, *a)
    return dz, dW1, db1 / len(z), dW2, dw


def another_order(*a):
    dz, dW1, db1, dW2, dw = back(*a)
    return dW1, db1, dW2, dw, dz


def bias_not_summed(*a):
    dz, dW1, _, dW2, dw = back(*a)
    dh, z, W1, b1, W2, w = a
    x = W1 @ z.T + b1[:, None]
    return dz, dW1, (W2.T @ dh) * w * np.cos(w * x), dW2, dw


def transposed_weight(*a):
    dz, dW1, db1, dW2, dw = back(*a)
    return dz, dW1.T, db1, dW2, dw


def frequency_of_each_unit(*a):
    dh, z, W1, b1, W2, w = a
    x = W1 @ z.T + b1[:, None]
    return *back(*a)[:-1], ((W2.T @ dh) * x * np.cos(w * x)).sum(axis=1)


def frequency_like_the_input(*a):
    dh, z, W1, b1, W2, w = a
    return *back(*a)[:-1], ((W2.T @ dh) * w * np.cos(w * (W1 @ z.T + b1[:, None]))).sum()


def no_frequency_gradient(*a):
    return back(*a)[:-1]


def overwrites(dh, *a):
    grads = back(dh, *a)
    dh[...] = 0
    return grads


FORWARD, BACKWARD = {"sine_network": right}, {"sine_network_backward": back}
WRONG = (
    Wrong(no_frequency, "the frequency w is missing", points=6, others=BACKWARD),
    Wrong(linear, "the activation is missing", points=6, others=BACKWARD),
    Wrong(time_first, "transposed", points=6, others=BACKWARD),
    Wrong(no_bias, "the bias is missing", points=6, others=BACKWARD),
    Wrong(double, "wrong dtype", points=8, others=BACKWARD),
    Wrong(no_inner_derivative, "inner derivative", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(
        of_plain_sine,
        "the backward of another function",
        points=3,
        name="sine_network_backward",
        others=FORWARD,
    ),
    Wrong(sine_again, "cosine, not sine", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(no_cosine, "the cosine is forgotten", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(
        skips_the_sine, "the activation is skipped", points=3, name="sine_network_backward", others=FORWARD
    ),
    Wrong(mean_of_bias, "db1 is a mean", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(another_order, "in another order", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(bias_not_summed, "not summed over time", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(transposed_weight, "transposed", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(frequency_of_each_unit, "dw is not summed", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(frequency_like_the_input, "x cos(w x)", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(no_frequency_gradient, "one by one", points=3, name="sine_network_backward", others=FORWARD),
    Wrong(overwrites, "argument overwritten", points=8, name="sine_network_backward", others=FORWARD),
)
