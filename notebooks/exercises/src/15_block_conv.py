# %% [markdown]
# # Exercise 15: convolution by blocks
#
# **You will** convolve a long signal with a short filter, one block at a time. **You will learn** the trick behind the fast convolutions
# that came after the paper. **You need** exercise 3. About 30 minutes, 8 points.
#
# ## The equation
#
# Cut the signal of Sec. 2 of the paper into blocks of $b$ positions, $u = \sum_i u^{(i)}$, where $u^{(i)}$ is zero outside block $i$.
# Convolution is linear:
#
# $$h * u = \sum_i h * u^{(i)}.$$
#
# With $K$ taps, $h * u^{(i)}$ is not zero at $b + K - 1$ positions only: its own block and a *tail* of $K - 1$ that reaches into the next
# ones. Each piece is a short convolution; the tails add up. The method is called *overlap-add*.
#
# ## A tiny example
#
# $u = (1, 2, 3, 4)$, $h = (1, 1)$, $b = 2$. Block 0 gives $(1, 3, 2)$ from position 0, block 1 gives $(3, 7, 4)$ from position 2. Together:
# $(1, 3, 2 + 3, 7)$, and the last 4 falls off the end.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `u` | `(D, L)` | float32 or float64 |
# | `h` | `(D, K)` | the same dtype |
# | `block` | an integer, at least 1; it need not divide L | positions of a block |
# | result | `(D, L)` | the same dtype |


# %% tags=["answer"]
def block_conv(u, h, block):
    """Causal convolution by overlap-add."""
    ### BEGIN SOLUTION
    L, n = u.shape[-1], block + h.shape[-1] - 1
    y = np.zeros((len(u), L + n), dtype=u.dtype)
    spectrum = np.fft.rfft(h, n=n)
    for start in range(0, L, block):
        piece = np.fft.rfft(u[:, start : start + block], n=n)
        y[:, start : start + n] += np.fft.irfft(piece * spectrum, n=n)
    return y[:, :L]
    ### END SOLUTION


# %% tags=["check"]
check("block_conv", block_conv)
# hint("block_conv")

# %% [markdown]
# ## Go further
#
# - For $K = 128$ and $L = 65{,}536$, which block is quickest? Count the FFTs' operations first, then measure.
# - *Overlap-save* reads overlapping blocks and throws away the first $K - 1$ values of each. Write it; which one needs no adding?
# - Which block makes the output of block $i$ available before block $i + 1$ has come: what does a model that generates text need?
