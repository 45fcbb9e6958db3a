"""Wrong answers to exercise 15."""

import numpy as np

from exercises.planted import Wrong


def right(u, h, block, n=None, tail="added", last=True):
    L, K = u.shape[-1], h.shape[-1]
    n = n or block + K - 1
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


def tail_into_the_next_only(u, h, block):
    """Carries the tail over, and forgets what does not fit into one block."""
    (D, L), n = u.shape, block + h.shape[-1] - 1
    pieces, carried = [], np.zeros((D, block), dtype=u.dtype)
    for start in range(0, L, block):
        part = np.fft.irfft(np.fft.rfft(u[:, start : start + block], n=n) * np.fft.rfft(h, n=n), n=n)
        part = np.pad(part, ((0, 0), (0, block)))
        pieces.append((part[:, :block] + carried).astype(u.dtype))
        carried = part[:, block : 2 * block]
    return np.concatenate(pieces, axis=1)[:, :L]


def circles(u, h, block):
    return right(u, h, block, n=block)


def twice_the_block(u, h, block):
    return right(u, h, block, n=2 * block)


def reversed_filter(u, h, block):
    return right(u, h[:, ::-1], block)


def last_block_missing(u, h, block):
    return right(u, h, block, last=False)


def not_cut(u, h, block):
    return right(np.pad(u, ((0, 0), (0, h.shape[1] - 1))), h, block)


def all_at_once(u, h, block):
    return right(u, h, u.shape[-1])


def double(u, h, block):
    return right(u.astype("float64"), h, block)


def in_place(u, h, block):
    u[...] = right(u, h, block)
    return u.copy()


WRONG = (
    Wrong(tails_dropped, "the tails are dropped", points=1),
    Wrong(tails_overwritten, "overwritten by the next block", points=1),
    Wrong(tail_into_the_next_only, "it reaches further", points=8),
    Wrong(circles, "wrapped around within a block", points=0),
    Wrong(twice_the_block, "longer than a block", points=8),
    Wrong(reversed_filter, "the filter is reversed", points=0),
    Wrong(last_block_missing, "the last block is missing", points=5),
    Wrong(not_cut, "not cut off", points=0),
    Wrong(all_at_once, "the whole signal is transformed at once", points=9),
    Wrong(double, "wrong dtype", points=9),
    Wrong(in_place, "argument overwritten", points=9),
)
