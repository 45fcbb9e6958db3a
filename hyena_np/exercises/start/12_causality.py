# %% [markdown]
# # Exercise 12: find the leak
#
# **You will** find out whether an operator looks into the future, and mend one that does. **You will learn** the test that every layer
# of a language model must pass: one that leaks trains wonderfully and is worthless. **You need** exercises 3 and 11. About 30 minutes,
# 8 points.
#
# ## The equation
#
# An operator is *causal* where its output at $t$ depends on inputs up to $t$ only. For a linear one, $y = H v$, this is a property of
# the matrix:
#
# $$\frac{\partial y_t}{\partial v_s} = H_{ts} = 0 \quad\text{for all } s > t.$$
#
# Proposition 3.1 of the paper: if every filter is causal, so is Hyena, because a product of lower-triangular matrices is
# lower-triangular. It takes one careless line to lose that.
#
# ## A tiny example
#
# $\begin{pmatrix} 1 & 0 \\ 2 & 3 \end{pmatrix}$ is causal, $\begin{pmatrix} 1 & 0.1 \\ 2 & 3 \end{pmatrix}$ leaks: $y_0$ depends on $v_1$. An FFT leaves
# numbers like $10^{-17}$ above the diagonal; that is rounding, not a leak.
#
# The operator below has **two** leaks. It gates, convolves, gates, and takes off the mean. Its matrix shows that something is wrong,
# though not where.

# %%
import matplotlib.pyplot as plt
import numpy as np

from hyena_np.exercises import check, hint


def broken(v, x1, x2, h):
    """Gate, convolve, gate, centre: (D, L) each."""
    L = v.shape[-1]
    spectrum = np.fft.rfft(x1 * v, n=L) * np.fft.rfft(h, n=L)
    y = x2 * np.fft.irfft(spectrum, n=L)
    return y - y.mean(axis=-1, keepdims=True)


# %%
L = 24
rng = np.random.default_rng(0)
x1, x2 = rng.standard_normal((2, 1, L))
h = np.exp(-np.arange(L) / 4)[None]
impulses = np.eye(L)[:, None, :]  # one input for each position, a single 1 there
H = np.concatenate([broken(v, x1, x2, h) for v in impulses]).T  # column s: the answer to a 1 at s
limit = np.abs(H).max()
figure, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
image = axes.imshow(H, cmap="RdBu_r", vmin=-limit, vmax=limit)
axes.plot([-0.5, L - 0.5], [-0.5, L - 0.5], color="black", linewidth=0.8)
axes.set(xlabel="input position s", ylabel="output position t", title="right of the line should be white")
figure.colorbar(image, label="entry of H")
plt.show()

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `H` | `(D, L, L)`: one matrix a channel | float64 |
# | `v`, `x1`, `x2`, `h` | `(D, L)` | float32 or float64 |
# | result | `leaks`: `(D,)` of True and False; `mended`: `(D, L)`, the dtype of `v` | |
#
# A leak is an entry above the diagonal that is more than $10^{-9}$ of the largest entry of its matrix. The mended operator gates,
# convolves causally, gates, and takes off the mean of the positions *so far*, the present included.


# %% tags=["answer"]
def leaks(H):
    """For each channel: does its matrix let the future in?"""
    raise NotImplementedError("your turn")


# %% tags=["answer"]
def mended(v, x1, x2, h):
    """The operator above without its two leaks."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("causality", leaks, mended)
# hint("causality")

# %% [markdown]
# ## Go further
#
# - Without any matrix: change $v$ at one position and compare outputs. How many changes does it take to find every leak?
# - Of the gradient: $\partial y_t / \partial v_s$ for one $t$ and all $s$ is one backward pass. Which passes find every leak?
# - Batch norm over time, a centred moving average, a reversed sequence: which of them leak, and which entries show it?
