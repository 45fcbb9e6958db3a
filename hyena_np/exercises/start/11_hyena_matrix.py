# %% [markdown]
# # Exercise 11: the Hyena matrix without loops
#
# **You will** build the matrix $H(u)$ of the operator. **You will learn** in what sense Hyena is attention with another matrix. **You need**
# exercises 1 and 9. About 25 minutes, 8 points.
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
import matplotlib.pyplot as plt
import numpy as np

import hyena_np  # hyena_np.toeplitz is exercise 1: (D, L) -> (D, L, L)
from hyena_np.exercises import check, hint

rng = np.random.default_rng(0)
x, h = rng.standard_normal((1, 16)), np.exp(-np.arange(16) / 4)[None]
D, S = np.diag(x[0]), hyena_np.toeplitz(h)[0]
figure, panels = plt.subplots(1, 3, figsize=(8, 2.7), sharey=True, layout="constrained")
titles = ("diag(x): the gate", "S: the filter", "diag(x) S: one step")
for axes, matrix, title in zip(panels, (D, S, D @ S), titles, strict=True):
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-2.5, vmax=2.5)
    axes.set(title=title, xlabel="input position s", xticks=[0, 5, 10, 15], yticks=[0, 5, 10, 15])
panels[0].set_ylabel("output position t")
figure.colorbar(image, ax=panels, label="entry")
plt.show()

# %% [markdown]
# The filter's matrix is the same along each diagonal, whatever the input. The gate gives every row a sign and a size of its own.
#
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `x` | `(N, D, L)`: gates, in the order of the steps | float32 or float64 |
# | `h` | `(N, D, L)`: filters, in the order of the steps | the same dtype |
# | result | `(D, L, L)` | the same dtype |
#
# A loop over the N factors is fine; channels and positions need none, and one part counts the lines of Python that run.


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
