# %% [markdown]
# # Exercise 15: convolution by blocks
#
# **You will** convolve a long signal with a short filter, one block at a time. **You will learn** the trick behind the
# fast convolutions that came after the paper. **You need** exercise 3. About 30 minutes, 10 points.
#
# ## The equation
#
# The convolution is that of equation (1) of the paper, with a filter of $K$ taps, many fewer than the $L$ positions of
# the signal. Cut the signal into blocks of $b$ positions: $u = \sum_i u^{(i)}$, where $u^{(i)}$ is block $i$ at its
# place, and zero elsewhere. Convolution is linear, so
#
# $$h * u = \sum_i h * u^{(i)}.$$
#
# A piece $h * u^{(i)}$ differs from zero at $b + K - 1$ positions only: the block itself, and a *tail* of $K - 1$ that
# reaches into the next ones. Each piece is a short convolution, by an FFT of length $b + K - 1$; where pieces overlap,
# they are added. The method is called *overlap-add*.
#
# ## A tiny example
#
# $u = (1, 2, 3, 4)$, $h = (1, 1)$, $b = 2$. Block 0 gives $(1, 3, 2)$ from position 0, block 1 gives $(3, 7, 4)$ from
# position 2. Together: $(1, 3, 2 + 3, 7)$, and the last 4 falls off the end.
#
# The picture shows a longer signal. Where two colours overlap, the result is their sum.

# %%
import matplotlib.pyplot as plt
import numpy as np

from hyena_np.exercises import check, hint

signal, taps, b = np.sin(np.arange(24) / 2) + 1.2, np.array([0.4, 0.3, 0.2, 0.1, 0.05]), 8
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), sharex=True, layout="constrained")
total = np.zeros(28)
for i, color in enumerate(("#0072B2", "#E69F00", "#009E73")):
    t = np.arange(i * b, (i + 1) * b)
    panels[0].bar(t, signal[t], color=color, label=f"block {i}")
    reach = np.arange(i * b, (i + 1) * b + 4)
    piece = sum(np.pad(weight * signal[t], (k, 4 - k)) for k, weight in enumerate(taps))
    panels[1].bar(reach, piece, color=color, alpha=0.6)
    total[reach] += piece
panels[1].step(np.arange(28), total, where="mid", color="black", label="sum of the pieces")
panels[0].set(title="the signal, cut", xlabel="position t", ylabel="u[t]", ylim=(0, 3))
panels[1].set(title="every piece has a tail", xlabel="position t", ylabel="y[t]", ylim=(0, 3))
for axes in panels:
    axes.legend(fontsize="small", loc="upper right")
plt.show()

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `u` | `(D, L)` | float32 or float64 |
# | `h` | `(D, K)` | the same dtype |
# | `block` | an integer, at least 1: positions of a block. It need not divide L, and K may be larger | |
# | result | `(D, L)` | the same dtype |
#
# Convolve each block by itself. One check puts a broken value (nan, "not a number") into a block: only this block and
# its tail may suffer. An FFT of the whole signal would spread it everywhere.


# %% tags=["answer"]
def block_conv(u, h, block):
    """Causal convolution by overlap-add."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("block_conv", block_conv)
# hint("block_conv")

# %% [markdown]
# ## Go further
#
# - For $K = 128$ and $L = 65{,}536$, which block is quickest? Count the operations of the FFTs first, then measure.
# - *Overlap-save* reads overlapping blocks and throws away the first $K - 1$ values of each. Write it; why does it need
#   no adding?
# - A model that generates text gets one position after the other. How long must it wait for the output of a position
#   with blocks of $b$? What would you change?
