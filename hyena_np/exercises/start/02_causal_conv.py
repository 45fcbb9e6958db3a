# %% [markdown]
# # Exercise 2: convolution by loop
#
# **You will** write a causal convolution as the sum that it is. **You will learn** what every index means; all faster
# ways are tested against this one. **You need** loops, and exercise 1 for the picture. About 15 minutes, 7 points.
#
# ## The equation
#
# A filter of $K$ *taps* $h_0, \dots, h_{K-1}$ looks at the present and at $K - 1$ positions of the past (equation (1)
# of the paper):
#
# $$y_t = \sum_{k=0}^{\min(t,\, K-1)} h_k\, u_{t-k}, \qquad t = 0, \dots, L-1.$$
#
# $h_0$ weighs the present, $h_1$ what came one step before, and so on. Before position 0 there is nothing: these terms
# are left out. With $s = t - k$ it is the sum of exercise 1.
#
# ## A tiny example
#
# $u = (1, 0, -1)$, $h = (1, 2)$:
#
# - $y_0 = h_0 u_0 = 1$,
# - $y_1 = h_0 u_1 + h_1 u_0 = 0 + 2 = 2$,
# - $y_2 = h_0 u_2 + h_1 u_1 = -1 + 0 = -1$.
#
# The picture shows which weight each position gets: the filter lies *reversed* over the signal and moves with $t$.

# %%
import matplotlib.pyplot as plt
import numpy as np

from hyena_np.exercises import check, hint

taps = np.array([1.0, 0.8, 0.5, 0.3, 0.2])  # K = 5
figure, panels = plt.subplots(1, 2, figsize=(8, 2.5), sharey=True, layout="constrained")
for axes, t in zip(panels, (2, 8), strict=True):
    lags = np.arange(5)
    inside = t - lags >= 0
    axes.axvspan(-3, -0.5, color="0.9", label="before the start")
    axes.bar(t - lags[inside], taps[inside], color="#0072B2", label="used")
    axes.bar(t - lags[~inside], taps[~inside], color="#D55E00", hatch="//", label="left out")
    axes.set(title=f"weights for t = {t}", xlabel="input position s = t - k", xlim=(-3, 10.5))
panels[0].set_ylabel("weight of u[s]")
panels[0].legend(loc="upper right")
plt.show()

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
    """y[t] = sum of h[k] * u[t - k] over all k < K with t - k >= 0."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("causal_conv", causal_conv)
# hint("causal_conv")

# %% [markdown]
# ## Go further
#
# - How many multiplications does it take for $K = L$? Time $L = 500$ and $L = 1{,}000$: does the ratio fit?
# - Which $h$ delays a signal by three steps? Which one sums up everything so far? Which takes the difference of
#   neighbours?
# - Exchange `u` and `h` (with $K = L$). What do you find, and why?
