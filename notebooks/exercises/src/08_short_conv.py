# %% [markdown]
# # Exercise 8: the short depthwise convolution, forward and backward
#
# **You will** write the small convolution that follows Hyena's projections, and its three gradients. **You will learn** to turn
# each line of a forward into lines of a backward. **You need** exercises 2 and 4. About 35 minutes, 10 points.
#
# ## The equation
#
# Algorithm 1 of the paper sends every projected channel through a filter of $K = 3$ stored taps: *depthwise*, that is each channel
# with its own taps $w$ and bias $b$. The official code uses PyTorch's order of taps: the last one sees the present.
#
# $$z_t = b + \sum_{j=0}^{K-1} w_j\, x_{t - (K-1) + j}, \qquad x_s = 0 \text{ for } s < 0.$$
#
# With the gradient $\bar z$ of some loss given, three gradients are asked:
#
# $$\bar x_s = \sum_{j} w_j\, \bar z_{s + (K-1) - j}, \qquad \bar w_j = \sum_t \bar z_t\, x_{t-(K-1)+j}, \qquad \bar b = \sum_t \bar z_t,$$
#
# where $\bar z_t = 0$ for $t \ge L$.
#
# ## A tiny example
#
# $x = (1, 2, 3)$, $w = (10, 1)$, $b = 0$: $z = (1,\ 10 \cdot 1 + 2,\ 10 \cdot 2 + 3) = (1, 12, 23)$. With $\bar z = (1, 1, 1)$: $\bar x = (11, 11, 1)$,
# $\bar w = (3, 6)$, $\bar b = 3$.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `x`, `dz` | `(D, L)`: D channels | float32 or float64 |
# | `weight` | `(D, K)`; K may exceed L | the same dtype |
# | `bias` | `(D,)` | the same dtype |
# | result | forward: `(D, L)`; backward: `(dx, dweight, dbias)` | the same dtype |
#
# A loop over the K taps is right; none over time is needed.


# %% tags=["answer"]
def short_conv(x, weight, bias):
    """Causal depthwise convolution; the last tap sees the present."""
    ### BEGIN SOLUTION
    L, K = x.shape[1], weight.shape[1]
    z = np.zeros_like(x) + bias[:, None]
    for lag in range(min(K, L)):
        z[:, lag:] += weight[:, K - 1 - lag, None] * x[:, : L - lag]
    return z
    ### END SOLUTION


# %% tags=["answer"]
def short_conv_backward(dz, x, weight, bias):
    """Gradients of short_conv with respect to x, weight and bias."""
    ### BEGIN SOLUTION
    L, K = x.shape[1], weight.shape[1]
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for lag in range(min(K, L)):
        # z[:, lag:] += weight[:, K - 1 - lag, None] * x[:, : L - lag]
        dx[:, : L - lag] += weight[:, K - 1 - lag, None] * dz[:, lag:]
        dweight[:, K - 1 - lag] = np.sum(dz[:, lag:] * x[:, : L - lag], axis=1)
    return dx, dweight, dz.sum(axis=1)
    ### END SOLUTION


# %% tags=["check"]
check("short_conv", short_conv, short_conv_backward)
# hint("short_conv")

# %% [markdown]
# ## Go further
#
# - Which `weight` makes the layer do nothing? Which one lets a token see the token before it, as recall needs?
# - Add a batch axis in front. Which of the three gradients gets a further sum, and why not the others?
# - The paper's $h^1$ may be any filter, the code's place for it is this one. Write the $3$-tap convolution as a product with a
#   Toeplitz matrix of exercise 1.
