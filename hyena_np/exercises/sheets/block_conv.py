"""Exercise 15: convolution by blocks."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.compare import close, compare
from hyena_np.exercises.exercise import Ask, Exercise, Failure, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import asked, causal, draw, precision, untouched, values
from hyena_np.exercises.sheets.blocks import cut_off, on_circles, reference, without_last


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Signals u (D, L), short filters h (D, K), the length of a block."""
    D = sizes.get("D", 1)
    return draw(rng, D, sizes["L"], dtype=dtype), draw(rng, D, sizes["K"], dtype=dtype), sizes["block"]


QUESTION = Question(
    name="block_conv",
    arguments=("u", "h", "block"),
    inputs=inputs,
    reference=reference,
    mistakes=(
        Mistake(
            "the tails are dropped, or overwritten by the next block: overlap-add adds them",
            lambda u, h, block: cut_off(u, h, block, block),
        ),
        Mistake(
            "a tail is cut where the next block ends: with K - 1 > block it reaches further",
            lambda u, h, block: cut_off(u, h, block, 2 * block),
        ),
        Mistake(
            "wrapped around within a block: pad each to at least block + K - 1",
            lambda u, h, block: on_circles(u, h, block, block),
        ),
        Mistake(
            "wrapped around where the filter is longer than a block: 2 * block is not enough, "
            "block + K - 1 is",
            lambda u, h, block: on_circles(u, h, block, 2 * block),
        ),
        Mistake("the filter is reversed", lambda u, h, block: reference(u, h[:, ::-1], block)),
        Mistake("the last block is missing: it may be shorter", without_last),
    ),
)


def _by_blocks(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """What is broken in block 1 spoils no output that this block does not reach."""
    for size in sizes:
        u, h, block = inputs(rng, size, "float64")
        compare(QUESTION, (u, h, block), asked(QUESTION, ask, (u, h, block)).value)
        broken = u.copy()
        broken[:, block] = np.nan
        got = asked(QUESTION, ask, (broken, h, block)).value
        # Those who cut the output into blocks lose the whole block that the tail ends in: that is allowed.
        end = -(-(2 * block + h.shape[-1] - 1) // block) * block
        spared = np.r_[0:block, end : u.shape[-1]]
        right = reference(u, h, block)[:, spared]
        if not isinstance(got, np.ndarray) or got.shape != u.shape or not close(right, got[:, spared]):
            got = got[:, spared] if isinstance(got, np.ndarray) and got.shape == u.shape else got
            raise Failure(
                f"y: one nan in block 1 spoils positions before {block} or from {end} on; these are:",
                inputs={"u": broken, "h": h, "block": block},
                expected=right,
                got=got,
                likely="the whole signal is transformed at once: convolve each block by itself",
            )


BLOCK_CONV = Exercise(
    number=15,
    name="block_conv",
    title="Convolution by blocks",
    goal="Cut a long signal into blocks, convolve each, and put the pieces together.",
    minutes=30,
    paper=("Eq. (1)",),
    questions=(QUESTION,),
    parts=(
        values(
            "whole blocks",
            QUESTION,
            (
                {"L": 2, "K": 1, "block": 1},
                {"L": 4, "K": 2, "block": 2},
                {"L": 6, "K": 3, "block": 3},
                {"L": 32, "K": 5, "block": 8, "D": 2},
            ),
            points=2,
        ),
        values(
            "a last block that is shorter",
            QUESTION,
            ({"L": 3, "K": 2, "block": 2}, {"L": 37, "K": 4, "block": 8, "D": 3}),
        ),
        values(
            "filters longer than a block",
            QUESTION,
            ({"L": 6, "K": 3, "block": 1}, {"L": 9, "K": 6, "block": 2}, {"L": 30, "K": 11, "block": 3}),
            points=2,
        ),
        values(
            "one block for all",
            QUESTION,
            ({"L": 3, "K": 2, "block": 3}, {"L": 6, "K": 3, "block": 16}, {"L": 20, "K": 4, "block": 20}),
        ),
        Part("block by block", 1, _by_blocks, ({"L": 12, "K": 2, "block": 3},)),
        causal(QUESTION, ({"L": 8, "K": 3, "block": 4},)),
        precision(QUESTION, ({"L": 6, "K": 3, "block": 3}, {"L": 20, "K": 4, "block": 8})),
        untouched(QUESTION, ({"L": 4, "K": 2, "block": 2},)),
    ),
    hints=(
        "Convolution is linear: the signal is a sum of blocks with zeros around them. How long is what one "
        "block turns into?",
        "A block at position s turns into block + K - 1 values, which begin at s. Add them to the result; "
        "the tail falls into the next blocks.",
        "Make y of length L + n with n = block + K - 1. For start in range(0, L, block): transform the piece "
        "and h with n=n (rfft pads), multiply, irfft with n=n, and y[:, start:start + n] += it. Return "
        "y[:, :L].",
    ),
    forbidden=(
        "hyena_np.overlap_add",
        "hyena_np.overlap_save",
        "hyena_np.two_stage_conv",
        "hyena_np.fftconv",
        "hyena_np.causal_conv",
        "hyena_np.causal_conv_matrix",
        "hyena_np.causal_conv_loop",
        "hyena_np.matrix_conv",
        "hyena_np.monarch_conv",
        "hyena_np.short_conv",
        "numpy.convolve",
        "numpy.correlate",
        "numpy.polymul",
        "scipy.signal",
        "scipy.ndimage",
    ),
    needs=("fftconv",),
)
