# %% [markdown]
# # Exercise 7: the window and the effective length
#
# **You will** write the window that makes a filter forget, and say how far each channel remembers. **You will learn** why the
# channels of a Hyena layer look at different stretches of the past. **You need** the exponential function, and exercise 5 for
# the place of the window in the filter. About 20 minutes, 7 points.
#
# ## The equation
#
# A network alone gives filters that are as strong far in the past as now. Hyena multiplies them with a window, equation (7)
# and Fig. 3.1 of the paper. Channel $c$ has the *decay rate* $\delta_c$:
#
# $$\mathrm{Window}_c(t) = e^{-\tau_t\, |\delta_c|} + b, \qquad \tau_t = \frac{t}{L-1} \in [0, 1].$$
#
# A large $|\delta_c|$ forgets quickly. The official code writes its rates as negative numbers; the absolute value makes the
# window decay whatever the sign. The *shift* $b$ keeps the far end of the filter from being forced to zero.
#
# The *effective length* of a channel is the number of positions at which the window without shift is at least some fraction
# of its value at $t = 0$.
#
# ## A tiny example
#
# $L = 3$, $\delta = (\ln 4)$, $b = 0$: $\tau = (0, \tfrac12, 1)$, window $(1, \tfrac12, \tfrac14)$. With the fraction $0.4$ the effective length is 2.
#
# In the picture, rate 10 falls below the line of the fraction soon, and rate 2 not before the end: its effective length is all
# of $L$. A shift above the fraction would make every channel as long, which is why the definition leaves it out.

# %%
import numpy as np

from hyena_np.exercises import check, hint
from hyena_np.plots import lines

tau = np.linspace(0, 1, 65)
series = {
    "rate 2": np.exp(-2 * tau),
    "rate 10": np.exp(-10 * tau),
    "rate 10, shift 0.2": np.exp(-10 * tau) + 0.2,
    "the fraction 0.1": np.full(65, 0.1),
}
lines(tau, series, "scaled time", "window", title="A window, quick or slow, with and without shift")

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `t` | `(L,)`: time, scaled to 0..1 | float32 or float64 |
# | `deltas` | `(C,)`: a rate for each channel | the same dtype |
# | `shift` | a Python float | $b$ |
# | `L`, `fraction` | an integer, a Python float | for the effective length |
# | result | `window`: `(C, L)`, the dtype of `t`; `effective_length`: `(C,)`, whole numbers | |


# %% tags=["answer"]
def window(t, deltas, shift):
    """exp(-t |delta_c|) + shift, one row a channel."""
    raise NotImplementedError("your turn")


# %% tags=["answer"]
def effective_length(deltas, L, fraction):
    """How many of the L positions the window (without shift) keeps at fraction or more."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("window", window, effective_length)
# hint("window")

# %% [markdown]
# ## Go further
#
# - Solve $e^{-\tau |\delta|} = \text{fraction}$ for $\tau$: the effective length without a table. What must you add so that it equals the
#   count?
# - The official code spreads $\delta$ so that the quickest channel reaches 1 % after 0.3 of the length, the slowest after 1.5. Which
#   numbers are these?
# - With shift 0 the quickest of these windows ends at 0.0000002. What does that do to the gradient of the far end of its
#   filter, and so to learning a long dependency?
