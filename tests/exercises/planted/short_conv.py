"""Wrong answers to exercise 8."""

import numpy as np

from exercises.planted import Wrong


def right(x, weight, bias):
    L, K = x.shape[1], weight.shape[1]
    z = np.zeros_like(x) + bias[:, None]
    for lag in range(min(K, L)):
        z[:, lag:] += weight[:, K - 1 - lag, None] * x[:, : L - lag]
    return z


def back(dz, x, weight, bias):
    L, K = x.shape[1], weight.shape[1]
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for lag in range(min(K, L)):
        dx[:, : L - lag] += weight[:, K - 1 - lag, None] * dz[:, lag:]
        dweight[:, K - 1 - lag] = (dz[:, lag:] * x[:, : L - lag]).sum(axis=1)
    return dx, dweight, dz.sum(axis=1)


def reversed_taps(x, weight, bias):
    return right(x, weight[:, ::-1], bias)


def centred(x, weight, bias):
    ahead = (weight.shape[1] - 1) // 2
    return right(np.pad(x, ((0, 0), (0, ahead))), weight, bias)[:, ahead:]


def mixes_channels(x, weight, bias):
    z = right(x, weight, np.zeros_like(bias))
    return np.zeros_like(z) + z.sum(axis=0) + bias[:, None]


def no_bias(x, weight, bias):
    return right(x, weight, np.zeros_like(bias))


def looks_ahead(x, weight, bias):
    return right(x[:, ::-1], weight, bias)[:, ::-1]


def wraps(x, weight, bias):
    K = weight.shape[1]
    return sum(weight[:, j, None] * np.roll(x, K - 1 - j, axis=1) for j in range(K)) + bias[:, None]


def double_forward(x, weight, bias):
    return right(x, weight, bias).astype("float64")


def late(x, weight, bias):
    return np.pad(right(x, weight, bias), ((0, 0), (1, 0)))[:, :-1]


def forward_again(dz, x, weight, bias):
    _, dweight, dbias = back(dz, x, weight, bias)
    return right(dz, weight, np.zeros_like(bias)), dweight, dbias


def of_reversed_taps(dz, x, weight, bias):
    dx, dweight, dbias = back(dz, x, weight[:, ::-1], bias)
    return dx, dweight[:, ::-1], dbias


def reversed_gradient(dz, x, weight, bias):
    dx, dweight, dbias = back(dz, x, weight, bias)
    return dx, dweight[:, ::-1], dbias


def gradient_wraps(dz, x, weight, bias):
    _, dweight, dbias = back(dz, x, weight, bias)
    return wraps(dz[:, ::-1], weight, np.zeros_like(bias))[:, ::-1], dweight, dbias


def bias_not_summed(dz, x, weight, bias):
    dx, dweight, _ = back(dz, x, weight, bias)
    return dx, dweight, dz


def mean_of_bias(dz, x, weight, bias):
    dx, dweight, _ = back(dz, x, weight, bias)
    return dx, dweight, dz.mean(axis=1)


def double(dz, x, weight, bias):
    return tuple(d.astype("float64") for d in back(dz, x, weight, bias))


def overwrites(dz, x, weight, bias):
    grads = back(dz, x, weight, bias)
    x += 1
    return grads


FORWARD, BACKWARD = {"short_conv": right}, {"short_conv_backward": back}
WRONG = (
    Wrong(reversed_taps, "the taps are reversed", points=5, others=BACKWARD),
    Wrong(centred, "not causal", points=5, others=BACKWARD),
    Wrong(mixes_channels, "not depthwise", points=5, others=BACKWARD),
    Wrong(no_bias, "the bias is missing", points=5, others=BACKWARD),
    Wrong(late, "shifted by one", points=5, others=BACKWARD),
    Wrong(looks_ahead, "it looks ahead", points=5, others=BACKWARD),
    Wrong(wraps, "wrapped around", points=5, others=BACKWARD),
    Wrong(double_forward, "wrong dtype", points=9, others=BACKWARD),
    Wrong(gradient_wraps, "wrapped around", points=4, name="short_conv_backward", others=FORWARD),
    Wrong(bias_not_summed, "not summed over time", points=4, name="short_conv_backward", others=FORWARD),
    Wrong(forward_again, "the forward again", points=4, name="short_conv_backward", others=FORWARD),
    Wrong(
        of_reversed_taps,
        "the backward of another function",
        points=4,
        name="short_conv_backward",
        others=FORWARD,
    ),
    Wrong(reversed_gradient, "in reversed order", points=4, name="short_conv_backward", others=FORWARD),
    Wrong(mean_of_bias, "dbias is a mean", points=4, name="short_conv_backward", others=FORWARD),
    Wrong(double, "wrong dtype", points=9, name="short_conv_backward", others=FORWARD),
    Wrong(overwrites, "argument overwritten", points=9, name="short_conv_backward", others=FORWARD),
)
