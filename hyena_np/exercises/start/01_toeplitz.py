# %% [markdown]
# # Exercise 1: a causal convolution is a matrix
#
# **You will** write the matrix of a causal convolution. **You will learn** to know it by sight, which every later
# exercise relies on. **You need** NumPy's broadcasting and indexing. About 15 minutes, 5 points.
#
# ## The equation
#
# A *filter* $h = (h_0, \dots, h_{L-1})$ turns a *signal* $u = (u_0, \dots, u_{L-1})$ into
#
# $$y_t = \sum_{s=0}^{t} h_{t-s}\, u_s, \qquad t = 0, \dots, L-1.$$
#
# Position $t$ sees only what came before it, and itself: the convolution is *causal*. Each $y_t$ is a sum of the $u_s$
# with fixed weights, so the whole is a product with a matrix, $y = S_h u$ (Sec. 2 of the paper):
#
# $$(S_h)_{ts} = \begin{cases} h_{t-s} & s \le t \\ 0 & s > t \end{cases}$$
#
# A matrix whose entries depend on $t - s$ alone is called a *Toeplitz matrix*.
#
# ## A tiny example
#
# For $L = 3$ and $h = (1, 2, 3)$:
#
# $$S_h = \begin{pmatrix} 1 & 0 & 0 \\ 2 & 1 & 0 \\ 3 & 2 & 1 \end{pmatrix}, \qquad
# S_h \begin{pmatrix} 1 \\ 0 \\ -1 \end{pmatrix} = \begin{pmatrix} 1 \\ 2 \\ 2 \end{pmatrix}.$$
#
# The first column is the filter itself: what a single 1 at position 0 turns into. Each further column is the same,
# one step later.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `h` | `(L,)`, or `(D, L)`: one filter for each of D channels | any real dtype |
# | result | `(L, L)`, or `(D, L, L)` | the dtype of `h` |
#
# No loop is needed. Leave `h` as it is.


# %% tags=["answer"]
def toeplitz(h):
    """The matrix S with S[t, s] = h[t - s] for s <= t, and 0 above the diagonal."""
    raise NotImplementedError("your turn")


# %% [markdown]
# The check tries small matrices first and shows the smallest one that is wrong. Stuck? Take the comment sign away.

# %% tags=["check"]
check("toeplitz", toeplitz)
# hint("toeplitz")

# %% [markdown]
# ## Go further
#
# - `np.linalg.inv(toeplitz(h))` is again lower-triangular and Toeplitz where $h_0 \ne 0$. Which filter undoes
#   $h = (1, -\tfrac12, 0, 0, \dots)$?
# - Multiply two of these matrices. Does the order matter? What does that say of convolving twice?
# - How many numbers does $S_h$ store, and how many does it take to know it? With $L = 65{,}536$, how many gigabytes is
#   the one, and how many kilobytes the other?
