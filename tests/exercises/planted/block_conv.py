"""Wrong answers to exercise 15."""

import numpy as np

from exercises.planted import Wrong


def right(u, h, block, tail="added", last=True):
    L, K = u.shape[-1], h.shape[-1]
    n = block + K - 1
    y = np.zeros((len(u), L + n), dtype=u.dtype)
    spectrum = np.fft.rfft(h, n=n)
    for start in range(0, L if last else L // block * block, block):
        part = np.fft.irfft(np.fft.rfft(u[:, start : start + block], n=n) * spectrum, n=n)
        if tail == "dropped":
            part = part[:, :block]
        if tail == "overwritten":
            y[:, start : start + part.shape[1]] = part
        else:
            y[:, start : start + part.shape[1]] += part
    return y[:, :L]


def tails_dropped(u, h, block):
    return right(u, h, block, tail="dropped")


def tails_overwritten(u, h, block):
    return right(u, h, block, tail="overwritten")


def circles(u, h, block):
    L, K = u.shape[-1], h.shape[-1]
    full = np.pad(u, ((0, 0), (0, -L % block)))
    y = np.zeros_like(full)
    for start in range(0, full.shape[1], block):
        for k in range(K):
            y[:, start : start + block] += h[:, k, None] * np.roll(full[:, start : start + block], k, axis=1)
    return y[:, :L]


def reversed_filter(u, h, block):
    return right(u, h[:, ::-1], block)


def last_block_missing(u, h, block):
    return right(u, h, block, last=False)


def not_cut(u, h, block):
    return right(np.pad(u, ((0, 0), (0, h.shape[1] - 1))), h, block)


def double(u, h, block):
    return right(u.astype("float64"), h, block)


def in_place(u, h, block):
    u[...] = right(u, h, block)
    return u.copy()


WRONG = (
    Wrong(tails_dropped, "the tails are dropped", points=0),
    Wrong(tails_overwritten, "overwritten by the next block", points=0),
    Wrong(circles, "wrapped around", points=0),
    Wrong(reversed_filter, "the filter is reversed", points=0),
    Wrong(last_block_missing, "the last block is missing", points=4),
    Wrong(not_cut, "not cut off", points=0),
    Wrong(double, "wrong dtype", points=7),
    Wrong(in_place, "argument overwritten", points=7),
)
