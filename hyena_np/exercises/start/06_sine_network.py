# %% [markdown]
# # Exercise 6: the sine network, forward and backward
#
# **You will** write the network that computes Hyena's filters, and its gradient by hand. **You will learn** how the chain
# rule becomes five lines of NumPy. **You need** exercise 5, matrix products, and the derivative of the sine. About
# 40 minutes, 9 points.
#
# ## The equation
#
# The features $z$ of $L$ positions go through a dense layer with *sine* activation and a second dense layer, which gives a
# filter for each of $C$ channels (equation (7) and Algorithm 2 of the paper; the official network has more layers of the same
# kind):
#
# $$x = W_1 z^\top + b_1, \qquad a = \sin(\omega\, x), \qquad h = W_2\, a.$$
#
# The *sine frequency* $\omega$ (`w` in code) says how fast the filter may vary along time: larger, rougher.
#
# Let $\bar h = \partial \ell / \partial h$ be the gradient of some loss $\ell$. Backwards, one step for each step forward:
#
# $$\bar W_2 = \bar h\, a^\top, \qquad \bar a = W_2^\top \bar h, \qquad \bar x = \bar a \odot \frac{\partial \sin(\omega x)}{\partial x},
# \qquad \bar W_1 = \bar x\, z, \qquad \bar b_1 = \sum_t \bar x_{\cdot t}, \qquad \bar z = \bar x^\top W_1.$$
#
# $\odot$ multiplies element by element. The frequency is learned as well. It is one number that every unit $m$ uses at every
# position $t$, so all of them add to its gradient:
#
# $$\bar \omega = \sum_{m, t} \bar a_{mt}\, \frac{\partial \sin(\omega x_{mt})}{\partial \omega}.$$
#
# The two derivatives are yours to find.
#
# ## A tiny example
#
# All sizes 1: $z = 1$, $W_1 = 2$, $b_1 = 0$, $W_2 = 3$, $\omega = \tfrac{\pi}{2}$, $\bar h = 1$. Then $x = 2$, $a = \sin \pi = 0$, $h = 0$; and backwards
# $\bar a = 3$, $\bar x = 3 \cdot \tfrac{\pi}{2} \cdot \cos \pi = -\tfrac{3 \pi}{2}$ and $\bar \omega = 3 \cdot 2 \cdot \cos \pi = -6$.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `z` | `(L, E)`: L positions, E features | float32 or float64 |
# | `W1`, `b1` | `(M, E)`, `(M,)`: M hidden units | the same dtype |
# | `W2` | `(C, M)`: C channels | the same dtype |
# | `w` | a Python float | the sine frequency |
# | `dh` | `(C, L)` | gradient of the result |
# | result | forward: `(C, L)`; backward: `(dz, dW1, db1, dW2, dw)`, `dw` one number | the same dtype |


# %% tags=["answer"]
def sine_network(z, W1, b1, W2, w):
    """h = W2 sin(w (W1 z^T + b1))."""
    raise NotImplementedError("your turn")


# %% tags=["answer"]
def sine_network_backward(dh, z, W1, b1, W2, w):
    """Gradients of sine_network with respect to z, W1, b1, W2 and w."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("sine_network", sine_network, sine_network_backward)
# hint("sine_network")

# %% [markdown]
# ## Go further
#
# - In the official code each hidden unit has an $\omega$ of its own, which all layers share. What does that change in $\bar \omega$?
# - The complex step: for an analytic function $f$, $\mathrm{Im}\, f(x + i \varepsilon) / \varepsilon$ is its derivative to the last digit, with
#   $\varepsilon = 10^{-30}$. Test your backward with it. Why does nothing cancel?
# - Draw filters for $\omega = 1$ and $\omega = 10$ with random weights. Which ones could store a sharp echo?
