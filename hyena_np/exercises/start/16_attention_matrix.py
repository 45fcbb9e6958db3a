# %% [markdown]
# # Exercise 16: attention as a matrix
#
# **You will** write causal self-attention. **You will learn** what Hyena keeps of it, and what it gives up.
# **You need** matrix products, and exercise 11 to compare. About 25 minutes, 9 points.
#
# ## The equation
#
# Attention (equation (3) of the paper) makes from its input *queries* $q_t$, *keys* $k_s$ and *values* $v_s$, vectors
# of length $D$, one of each for every position. The *score* of positions $t$ and $s$ is a scalar product,
#
# $$Z_{ts} = \frac{q_t \cdot k_s}{\sqrt{D}}.$$
#
# The *softmax* turns the scores of row $t$ into weights that are positive and sum to one. Causal attention leaves out
# the positions after $t$; the result is a mean of values with these weights:
#
# $$A_{ts} = \frac{e^{Z_{ts}}}{\sum_{r \le t} e^{Z_{tr}}} \ \text{ for } s \le t, \qquad
# A_{ts} = 0 \ \text{ for } s > t, \qquad y_t = \sum_{s \le t} A_{ts}\, v_s, \ \text{ or } \ y = A v.$$
#
# As with Hyena, the input makes the matrix, and the matrix is lower-triangular. Unlike there, all its $L^2$ entries are
# computed.
#
# ## A tiny example
#
# $D = 1$, $L = 2$. With $q = (0, 0)$ all scores are 0, and $A = \begin{pmatrix} 1 & 0 \\ \frac12 & \frac12
# \end{pmatrix}$: every output is the mean so far. With $q = (0, \log 3)$ and $k = (0, 1)$, row 1 has scores
# $(0, \log 3)$, exponentials $(1, 3)$ and so weights $(\frac14, \frac34)$.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

import hyena_np  # hyena_np.toeplitz is exercise 1: (D, L) -> (D, L, L)
from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `q`, `k`, `v` | `(L, D)` | float32 or float64 |
# | result | `attention_matrix`: `(L, L)`; `attend`: `(L, D)` | the same dtype |
#
# Scores may be as large as 100,000, and $e^{100{,}000}$ is no number that a computer holds. It never has to be
# computed: adding the same number to all scores of a row leaves its weights as they are.


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
# ## Beside the Hyena matrix
#
# Run this cell when `attention_matrix` is written. It draws your matrix beside a Hyena matrix of order 2 (exercise 11),
# both from random inputs, each with a colour scale of its own.

# %%
rng = np.random.default_rng(0)
L = 24
x1, x2 = rng.standard_normal((2, L))  # gates
S = hyena_np.toeplitz(np.exp(-np.arange(L) / 5)[None])[0]
H = np.diag(x2) @ S @ np.diag(x1) @ S
try:
    matrices = {"attention: A": attention_matrix(*rng.standard_normal((2, L, 4))), "Hyena: H": H}
except NotImplementedError:
    matrices = {"Hyena: H": H}  # attention is yours to write
figure, panels = plt.subplots(1, len(matrices), figsize=(8, 3.2), squeeze=False, layout="constrained")
for axes, (title, matrix) in zip(panels[0], matrices.items(), strict=True):
    limit = np.abs(matrix).max()
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set(title=title, xlabel="input position s", ylabel="output position t")
    figure.colorbar(image, ax=axes, label="entry")
    low, high = matrix.sum(axis=1).min(), matrix.sum(axis=1).max()
    print(f"{title:<14} smallest entry {matrix.min():6.2f}   sums of rows {low:6.2f} to {high:6.2f}")
plt.show()

# %% [markdown]
# Both are zero above the diagonal, and both depend on the input. The rows of $A$ are *weights*: positive, with sum one,
# so that an output of attention is a mean of values. Hyena's entries have both signs, and its rows sum to anything: an
# output can be a difference, or larger than every value.
#
# ## Go further
#
# - Multiply all queries by 10. What happens to a row of $A$? And what happens to $H$ when a gate grows tenfold?
# - Which matrices can be reached: can $A$ be the matrix of a delay by one step? Of a difference of neighbours? Can $H$?
# - Count operations and memory of both for $L = 65{,}536$, $D = 64$.
