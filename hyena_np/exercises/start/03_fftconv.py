# %% [markdown]
# # Exercise 3: the same convolution in O(L log L)
#
# **You will** convolve with the fast Fourier transform (FFT). **You will learn** why the paper pads to twice the length,
# and what happens without. **You need** exercise 1. About 25 minutes, 5 points.
#
# ## The equation
#
# The *discrete Fourier transform* (DFT) of $n$ numbers writes them as a sum of $n$ waves; `np.fft.rfft(u, n=n)` gives the
# weights of the waves, the *spectrum*, and `np.fft.irfft(spectrum, n=n)` goes back. A shorter `u` is filled up with zeros to
# length $n$. The transform takes $O(n \log n)$ steps, and it turns convolution into multiplication:
#
# $$\mathrm{irfft}\bigl(\mathrm{rfft}(u) \cdot \mathrm{rfft}(h)\bigr)_t = \sum_{s=0}^{n-1} h_{(t - s) \bmod n}\, u_s.$$
#
# Mind the *mod*: this convolution runs on a circle. What leaves at the end comes in at the beginning, so that the
# future reaches the past. That is the trap of this exercise, and padding with enough zeros is the way out.
#
# ## A tiny example
#
# $u = (0, 0, 1)$ and $h = (1, 2, 3)$, $L = 3$. Causal: $y = (0, 0, 1)$. On a circle of $n = 3$: $(2, 3, 1)$; the echo of the last
# position arrives at the first.

# %%
import numpy as np

from hyena_np.exercises import check, hint

u, h = np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0])
print("on a circle of 3:", np.fft.irfft(np.fft.rfft(u) * np.fft.rfft(h), n=3).round(6))

# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `u` | `(D, L)`: D signals | float32 or float64 |
# | `h` | `(D, L)`: a filter for each | the same dtype |
# | result | `(D, L)` | the same dtype |
#
# Any L must work, 1 and odd lengths too. NumPy's FFT and nothing higher: no `np.convolve`, no `scipy.signal`.


# %% tags=["answer"]
def fftconv(u, h):
    """y[d, t] = sum over s <= t of h[d, t - s] u[d, s], by FFT."""
    raise NotImplementedError("your turn")


# %% tags=["check"]
check("fftconv", fftconv)
# hint("fftconv")

# %% [markdown]
# ## Go further
#
# - Is $n = 2L - 1$ enough? Is $2L - 2$? Find the output position that goes wrong first.
# - A length with large prime factors is slow to transform. Time $n = 2 \cdot 65{,}537$ against
#   `scipy.fft.next_fast_len(2 * 65_537 - 1, real=True)`.
# - In float32 the error of the FFT is relative to the *largest* output, not to each one. Make a signal whose small
#   outputs come out useless.
