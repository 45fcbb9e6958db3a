# %% [markdown]
# # Exercise 16: attention as a matrix
#
# **You will** write causal self-attention. **You will learn** what Hyena keeps of it, and what it gives up. **You need** matrix products,
# and exercise 11 to compare. About 25 minutes, 8 points.
#
# ## The equation
#
# Attention (Sec. 2 of the paper) makes from the input *queries* $q_t$, *keys* $k_s$ and *values* $v_s$, vectors of length $D$. The
# *score* of a pair of positions is a scalar product; the *softmax* turns the scores of a row into weights that are positive and sum to
# one:
#
# $$A_{ts} = \frac{e^{q_t \cdot k_s / \sqrt{D}}}{\sum_{r \le t} e^{q_t \cdot k_r / \sqrt{D}}} \ \text{ for } s \le t, \qquad
# A_{ts} = 0 \ \text{ for } s > t, \qquad y = A v.$$
#
# As with Hyena, the input makes the matrix and the matrix is lower-triangular. Unlike there, it is formed in full, all $L^2$ entries.
#
# ## A tiny example
#
# $D = 1$, $q = (0, 0)$: all scores are 0, so $A = \begin{pmatrix} 1 & 0 \\ \frac12 & \frac12 \end{pmatrix}$, the mean so far.

# %%
import math

import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `q`, `k`, `v` | `(L, D)` | float32 or float64 |
# | result | `attention_matrix`: `(L, L)`; `attend`: `(L, D)` | the same dtype |
#
# Scores may be as large as 10,000: their exponential must not overflow.


# %% tags=["answer"]
def attention_matrix(q, k):
    """Causal softmax of the scores q k^T / sqrt(D)."""
    raise NotImplementedError("your turn")


# %% tags=["answer"]
def attend(q, k, v):
    """y = A v."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("attention_matrix", attention_matrix, attend)
# hint("attention_matrix")

# %% [markdown]
# ## Go further
#
# - Draw $A$ beside the Hyena matrix of exercise 11, each with its own colour scale. Which one has negative entries? Which one has rows
#   that sum to one?
# - Multiply all queries by 10. What happens to a row of $A$? And what happens to $H$ when a gate grows tenfold?
# - Count operations and memory of both for $L = 65{,}536$, $D = 64$.
