# %% [markdown]
# # Exercise 5: positional features
#
# **You will** turn a position into a handful of numbers. **You will learn** what the filter network of Hyena sees: never
# the text, only *where*. **You need** sine and cosine, and NumPy's broadcasting. About 15 minutes, 5 points.
#
# ## The equation
#
# Hyena does not store its filters, it computes them: $h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ
# \mathrm{PositionalEncoding})(t)$, equation (7) of the paper. This exercise is the innermost part, the next two are the rest.
#
# Position $t$ of a filter of length $L$ becomes $E = 2K + 1$ features (App. D.3): the time itself, scaled to $0 \dots 1$, and $K$
# waves of frequencies $f_k$, each as a cosine and a sine:
#
# $$z_t = \Bigl[\tfrac{t}{L-1},\ \cos(f_0 \omega_t), \dots, \cos(f_{K-1} \omega_t),\ -\sin(f_0 \omega_t), \dots,
# -\sin(f_{K-1} \omega_t)\Bigr], \qquad \omega_t = \frac{2 \pi t}{L}.$$
#
# These are the real and imaginary parts of $e^{-i f_k \omega_t}$. The frequencies $f_k$ go from $10^{-4}$ to $K - 1$ in
# equal steps, as in the official code; the paper starts at 0 and writes $e^{+i}$. A single frequency is $10^{-4}$.
#
# ## A tiny example
#
# $L = 4$, $K = 2$, so $f = (10^{-4}, 1)$. At $t = 1$, a quarter of the way around: $z_1 \approx (\tfrac13,\ 1,\ 0,\ -0.00016,\ -1)$.

# %%
import numpy as np

from hyena_np.exercises import check, hint

# %% [markdown]
# ## Your turn
#
# | | | |
# |---|---|---|
# | `L` | integer, at least 1 | length of the filter, positions |
# | `K` | integer, at least 1 | number of frequencies |
# | result | array `(L, 2K + 1)` | float64 |
#
# A filter of length 1 has one position, $t = 0$; its scaled time is 0.


# %% tags=["answer"]
def positional_features(L, K):
    """One row a position: scaled time, K cosines, K negative sines."""
    ### BEGIN SOLUTION
    position = np.arange(L)[:, None]
    phase = 2 * np.pi * position / L * np.linspace(1e-4, K - 1, K)
    return np.concatenate([position / max(L - 1, 1), np.cos(phase), -np.sin(phase)], axis=1)
    ### END SOLUTION


# %% tags=["check"]
check("positional_features", positional_features)
# hint("positional_features")

# %% [markdown]
# ## Go further
#
# - Draw the columns for $L = 128$, $K = 8$. What would a linear combination of them look like? Can it jump?
# - The paper says that filters made of few waves are smooth. With $K = 8$, what is the fastest change that the features allow?
# - Why does the official code start at $10^{-4}$ and not at 0? Look at the first sine.
