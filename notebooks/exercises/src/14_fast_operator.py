# %% [markdown]
# # Exercise 14: make it fast
#
# **You will** beat a correct but slow operator by a measured factor. **You will learn** to look for the operation that grows fastest,
# before polishing anything else. **You need** exercises 3 and 9. About 30 minutes, 10 points.
#
# ## The equation
#
# The order-2 operator of the official code gates, convolves, gates (Algorithm 3 of the paper, but for the first filter):
#
# $$y = x_2 \odot \bigl(h * (x_1 \odot v)\bigr).$$
#
# With an $L \times L$ matrix the convolution takes $O(L^2)$ operations a channel. Proposition 3.2 promises $O(L \log_2 L)$. At
# $L = 2{,}048$ the ratio of $L^2$ to $L \log_2 L$ is 186; how much of it can you get?
#
# ## A tiny example
#
# $v = (1, 2)$, $x_1 = (3, 1)$, $h = (1, 1)$, $x_2 = (1, 2)$: $x_1 \odot v = (3, 2)$, convolved $(3, 5)$, $y = (3, 10)$.

# %%
import time

import numpy as np

from hyena_np.exercises import check, hint


def slow_hyena(v, x1, x2, h):
    """The reference: for each channel the whole matrix."""
    t = np.arange(v.shape[-1])
    lags = t[:, None] - t[None, :]
    rows = [np.where(lags >= 0, taps[lags], 0) @ u for u, taps in zip(x1 * v, h, strict=True)]
    return x2 * np.stack(rows)


rng = np.random.default_rng(0)
example = [rng.standard_normal((4, 1024)) for _ in range(4)]
start = time.perf_counter()
slow_hyena(*example)
print(f"the reference takes {1e3 * (time.perf_counter() - start):.0f} ms at L = 1024, D = 4")

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `v`, `x1`, `x2`, `h` | `(D, L)` | float32 or float64 |
# | result | `(D, L)` | the same dtype |
#
# NumPy and `scipy.fft`, but no `np.convolve`, whose time is quadratic too. The check measures at $L = 2{,}048$, $D = 16$ in
# float32, best of three: 5 times as fast as matrices, then 20 times. It gives new inputs each time.


# %% tags=["answer"]
def fast_hyena(v, x1, x2, h):
    """The same as slow_hyena, in O(L log L)."""
    ### BEGIN SOLUTION
    import scipy.fft

    L = v.shape[-1]
    n = scipy.fft.next_fast_len(2 * L - 1, real=True)
    spectrum = scipy.fft.rfft(x1 * v, n) * scipy.fft.rfft(h, n)
    return x2 * scipy.fft.irfft(spectrum, n)[..., :L]
    ### END SOLUTION


# %% tags=["check"]
check("fast_operator", fast_hyena)
# hint("fast_operator")

# %% [markdown]
# ## Go further
#
# - At which L do the two take the same time? Why is the matrix ahead below it?
# - Profile your function: which share is FFT, which share multiplication, which share memory that is fetched anew?
# - The filter is the same for every sequence of a batch. What can be computed once?
