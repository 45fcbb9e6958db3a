# %% [markdown]
# # Exercise 11: the Hyena matrix without loops
#
# **You will** build the matrix $H(u)$ of the operator. **You will learn** in what sense Hyena is attention with another matrix. **You need**
# exercises 1 and 9. About 25 minutes, 7 points.
#
# ## The equation
#
# With the gates fixed, the recurrence of exercise 9 is linear in $v$: it multiplies with Toeplitz matrices and with *diagonal
# matrices* $D_x = \mathrm{diag}(x)$, the gates (Sec. 3.2 of the paper):
#
# $$y = H(u)\, v, \qquad H(u) = D_{x^N} S_{h^N} \cdots D_{x^2} S_{h^2}\, D_{x^1} S_{h^1}.$$
#
# The first step stands on the right, next to $v$. There is one matrix a channel. The gates come from the input $u$: *the input makes
# the matrix*, as it does in attention; but here it is never formed, the factors are applied one by one.
#
# ## A tiny example
#
# $N = 1$, $h = (1, 2)$, $x = (3, 4)$:
#
# $$H = \begin{pmatrix} 3 & 0 \\ 0 & 4 \end{pmatrix} \begin{pmatrix} 1 & 0 \\ 2 & 1 \end{pmatrix} = \begin{pmatrix} 3 & 0 \\ 8 & 4 \end{pmatrix}.$$

# %%
import numpy as np

from hyena_np import toeplitz  # (D, L) -> (D, L, L): exercise 1
from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `x` | `(N, D, L)`: gates, in the order of the steps | float32 or float64 |
# | `h` | `(N, D, L)`: filters, in the order of the steps | the same dtype |
# | result | `(D, L, L)` | the same dtype |
#
# A loop over the N factors is fine; channels and positions need none.


# %% tags=["answer"]
def hyena_matrix(x, h):
    """The product of diag(x[n]) S(h[n]), the first step on the right."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("hyena_matrix", hyena_matrix)
# hint("hyena_matrix")

# %% [markdown]
# ## Go further
#
# - Draw $|H|$ for random gates and a decaying filter. Which entries are large? Are rows positive, do they sum to one?
# - A product of lower-triangular matrices is lower-triangular. What does this say of the operator (Proposition 3.1)?
# - How many numbers decide $H$, for order 2 and $L = 1{,}024$? How many does a full lower-triangular matrix have?
