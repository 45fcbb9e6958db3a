# %% [markdown]
# # Exercise 2: convolution by loop
#
# **You will** write a causal convolution as the sum that it is. **You will learn** what every index means; all faster ways
# are tested against this one. **You need** loops, and exercise 1 for the picture. About 15 minutes, 7 points.
#
# ## The equation
#
# A filter of $K$ *taps* $h_0, \dots, h_{K-1}$ looks at the present and at $K - 1$ positions of the past (Sec. 2 of the paper):
#
# $$y_t = \sum_{k=0}^{\min(t,\, K-1)} h_k\, u_{t-k}, \qquad t = 0, \dots, L-1.$$
#
# $h_0$ weighs the present, $h_1$ what came one step before, and so on. Before position 0 there is nothing: these terms are
# left out. With $s = t - k$ it is the sum of exercise 1.
#
# ## A tiny example
#
# $u = (1, 0, -1)$, $h = (1, 2)$: $y_0 = 1 \cdot 1 = 1$, $y_1 = 1 \cdot 0 + 2 \cdot 1 = 2$, $y_2 = 1 \cdot (-1) + 2 \cdot 0 = -1$.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `u` | `(L,)` | float32 or float64 |
# | `h` | `(K,)`; K may be smaller than L, equal, or larger | the same dtype |
# | result | `(L,)` | the same dtype |
#
# Write loops; speed is the next exercise. Leave `u` and `h` as they are.


# %% tags=["answer"]
def causal_conv(u, h):
    """y[t] = sum of h[k] * u[t - k] over all k with t - k >= 0."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("causal_conv", causal_conv)
# hint("causal_conv")

# %% [markdown]
# ## Go further
#
# - How many multiplications does it take for $K = L$? Time $L = 500$ and $L = 1{,}000$: does the ratio fit?
# - Which $h$ delays a signal by three steps? Which one sums up everything so far? Which takes the difference of neighbours?
# - Exchange `u` and `h` (with $K = L$). What do you find, and why?
