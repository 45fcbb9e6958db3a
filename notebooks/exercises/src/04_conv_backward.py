# %% [markdown]
# # Exercise 4: the adjoint: the gradient of a convolution
#
# **You will** write the gradient of a convolution by hand. **You will learn** the one idea behind most gradients of
# this package: a linear map is reversed by its transposed matrix. **You need** exercises 1 and 3, and the chain rule.
# About 25 minutes, 7 points.
#
# ## The equation
#
# Some number $\ell$, a loss say, depends on $y = S_h u$, the convolution as a matrix product (equation (2) of the
# paper). Write $\bar y_t = \partial \ell / \partial y_t$ for its gradient; in code, `dy`. Each $u_s$ moves $\ell$
# through every $y_t$ that it appears in, with weight $h_{t-s}$:
#
# $$\bar u_s = \sum_{t} \frac{\partial y_t}{\partial u_s}\, \bar y_t = \sum_{t=s}^{L-1} h_{t-s}\, \bar y_t,
# \qquad\text{that is}\qquad \bar u = S_h^\top \bar y.$$
#
# The transposed map is called the *adjoint*. It looks ahead in time: an early input is responsible for what came
# later. A convolution is the same when signal and filter change places, so $\bar h = S_u^\top \bar y$.
#
# In frequencies: $\bar u$ has the spectrum of $\bar y$ times the *complex conjugate* of the spectrum of $h$ (every
# $a + ib$ becomes $a - ib$; `np.conj`), because that reverses a real signal in time.
#
# ## A tiny example
#
# $h = (1, 2)$, $u = (3, 4)$, $\bar y = (5, 6)$: $\bar u = (1 \cdot 5 + 2 \cdot 6,\ 1 \cdot 6) = (17, 6)$ and
# $\bar h = (3 \cdot 5 + 4 \cdot 6,\ 3 \cdot 6) = (39, 18)$.
#
# The picture shows both matrices for a longer filter. A row holds the weights of one result.

# %%
import matplotlib.pyplot as plt
import numpy as np

import hyena_np  # hyena_np.toeplitz is exercise 1: (D, L) -> (D, L, L)
from hyena_np.exercises import check, hint

S = hyena_np.toeplitz(np.exp(-np.arange(12) / 4)[None])[0]
figure, panels = plt.subplots(1, 2, figsize=(7, 2.9), layout="constrained")
panels[0].imshow(S, cmap="viridis", vmin=0, vmax=1)
panels[0].set(title="forward: row t looks back", xlabel="position s of u", ylabel="position t of y")
image = panels[1].imshow(S.T, cmap="viridis", vmin=0, vmax=1)
panels[1].set(title="adjoint: row s looks ahead", xlabel="position t of dy", ylabel="position s of du")
for axes in panels:
    axes.set(xticks=[0, 5, 10], yticks=[0, 5, 10])
figure.colorbar(image, ax=panels, label="weight")
plt.show()

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `dy`, `u`, `h` | `(D, L)` each | float32 or float64, all the same |
# | result | `(du, dh)`, a tuple; `(D, L)` each | the same dtype |
#
# Any method is right: reversed signals, transposed matrices, or FFTs. Every L must work.


# %% tags=["answer"]
def conv_backward(dy, u, h):
    """Gradients of y = h * u (causal, channel by channel) with respect to u and h."""
    ### BEGIN SOLUTION
    L = u.shape[-1]
    dy_f, u_f, h_f = (np.fft.rfft(x, n=2 * L) for x in (dy, u, h))
    du = np.fft.irfft(dy_f * np.conj(h_f), n=2 * L)[..., :L]
    dh = np.fft.irfft(dy_f * np.conj(u_f), n=2 * L)[..., :L]
    return du.astype(u.dtype), dh.astype(h.dtype)
    ### END SOLUTION


# %% tags=["check"]
check("conv_backward", conv_backward)
# hint("conv_backward")

# %% [markdown]
# ## Go further
#
# - Test it without any reference: for random $u$, $\bar y$ the two numbers $\langle S_h u, \bar y \rangle$ and
#   $\langle u, S_h^\top \bar y \rangle$ are equal to the last digits. Which mistakes does this test not see?
# - Test it by finite differences, in one random direction. How small may the step be before
#   it gets worse again?
# - The cache: what would you keep of the forward so that the backward needs fewer FFTs?
