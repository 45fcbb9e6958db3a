"""Exercise 15: convolution by blocks."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, untouched, values
from hyena_np.ops import blockconv


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Signals u (D, L), short filters h (D, K), the length of a block."""
    D = sizes.get("D", 1)
    return draw(rng, D, sizes["L"], dtype=dtype), draw(rng, D, sizes["K"], dtype=dtype), sizes["block"]


def reference(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    """(D, L)."""
    return blockconv.overlap_add(u[None], h, block=None)[0][0]


def _without_tails(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    """Every block by itself."""
    pieces = [u[:, start : start + block] for start in range(0, u.shape[-1], block)]
    return np.concatenate([reference(piece, h, block) for piece in pieces], axis=1)


def _wrapped(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    """Each block on a circle of its own length."""
    L, K = u.shape[-1], h.shape[-1]
    full = np.zeros((len(u), -(-L // block) * block), dtype=u.dtype)
    full[:, :L] = u
    y = np.zeros_like(full)
    for start in range(0, full.shape[1], block):
        for k in range(K):
            y[:, start : start + block] += h[:, k, None] * np.roll(full[:, start : start + block], k, axis=1)
    return y[:, :L]


QUESTION = Question(
    name="block_conv",
    arguments=("u", "h", "block"),
    inputs=inputs,
    reference=reference,
    mistakes=(
        Mistake(
            "the tails are dropped, or overwritten by the next block: overlap-add adds them",
            lambda u, h, block: _without_tails(u, h, block),
        ),
        Mistake("wrapped around within a block: pad each to at least block + K - 1", _wrapped),
        Mistake("the filter is reversed", lambda u, h, block: reference(u, h[:, ::-1], block)),
        Mistake("the last block is missing", lambda u, h, block: _without_last(u, h, block)),
    ),
)


def _without_last(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    kept = u.copy()
    kept[:, u.shape[-1] // block * block :] = 0
    return reference(kept, h, block)


BLOCK_CONV = Exercise(
    number=15,
    name="block_conv",
    title="Convolution by blocks",
    goal="Cut a long signal into blocks, convolve each, and put the pieces together.",
    minutes=30,
    paper=("Sec. 2",),
    questions=(QUESTION,),
    parts=(
        values(
            "whole blocks",
            QUESTION,
            (
                {"L": 2, "K": 1, "block": 1},
                {"L": 4, "K": 2, "block": 2},
                {"L": 32, "K": 5, "block": 8, "D": 2},
            ),
            points=2,
        ),
        values(
            "a last block that is shorter",
            QUESTION,
            ({"L": 3, "K": 2, "block": 2}, {"L": 37, "K": 4, "block": 8}),
        ),
        values(
            "filters longer than a block",
            QUESTION,
            ({"L": 6, "K": 3, "block": 1}, {"L": 8, "K": 5, "block": 2}, {"L": 5, "K": 2, "block": 16}),
            points=2,
        ),
        causal(QUESTION, ({"L": 8, "K": 3, "block": 4},)),
        precision(QUESTION, ({"L": 20, "K": 4, "block": 8},)),
        untouched(QUESTION, ({"L": 4, "K": 2, "block": 2},)),
    ),
    hints=(
        "Convolution is linear: the signal is a sum of blocks with zeros around them. How long is what one "
        "block turns into?",
        "A block at position s turns into block + K - 1 values, which begin at s. Add them to the result; "
        "the tail falls into the next blocks.",
        "Make y of length L + block + K, for start in range(0, L, block): take the piece, pad and transform"
        " it and h at n = block + K - 1 or more, y[:, start:start + m] += the first m = len(piece) + K - 1 "
        "values. Return y[:, :L].",
    ),
    forbidden=(
        "hyena_np.overlap_add",
        "hyena_np.overlap_save",
        "hyena_np.two_stage_conv",
        "hyena_np.fftconv",
        "hyena_np.causal_conv",
        "hyena_np.causal_conv_matrix",
        "hyena_np.monarch_conv",
        "numpy.convolve",
        "numpy.correlate",
        "scipy.signal",
    ),
    needs=("fftconv",),
)
