# %% [markdown]
# # Exercise 9: the order-N recurrence, both variants
#
# **You will** write the operator that the paper is about. **You will learn** that its definition and its official code differ, and
# how. **You need** exercises 1 and 3; a slow convolution is given. About 30 minutes, 9 points.
#
# ## The equation
#
# A layer makes from its input a *value* $v$ and $N$ *gates* $x^1, \dots, x^N$, signals of the same shape, and has long filters $h$. The
# paper's operator of order $N$ (Definition 3.1 and Algorithm 3) convolves, then gates, $N$ times:
#
# $$z^1 = v, \qquad z^{n+1}_t = x^n_t \cdot (h^n * z^n)_t, \qquad y = z^{N+1}.$$
#
# Here $*$ is the causal convolution of exercise 1. A *gate* multiplies position by position. Convolutions move information along
# time, gates decide, from the input, what goes on.
#
# The official code has one long filter less. It gates first, beginning with the *last* gate, convolves $N - 1$ times, and gates once
# more at the end:
#
# $$z \leftarrow h^{o} * (x_{N-1-o} \cdot z) \quad (o = 0, \dots, N-2), \qquad y = x_0 \cdot z.$$
#
# Order 1 of the paper is the layer called GSS, order 2 the one called H3, each with its own filters (Remark 3.2).
#
# ## A tiny example
#
# One channel, $L = 2$, a value $v = (1, 1)$.
#
# - The paper, $N = 1$, $h^1 = (1, 2)$, $x^1 = (3, 4)$: $h^1 * v = (1, 3)$, so $y = (3, 12)$.
# - The code, $N = 2$, $h^0 = (1, 2)$, $x_0 = (1, -1)$, $x_1 = (3, 4)$: first the last gate, $x_1 \cdot v = (3, 4)$; then
#   $h^0 * (3, 4) = (3, 10)$; then $x_0$, so $y = (3, -10)$.

# %%
import numpy as np

from hyena_np import matrix_conv
from hyena_np.exercises import check, hint


def conv(u, h):
    """Causal convolution of (D, L) with (D, L): the matrix of exercise 1, times each signal."""
    y, _ = matrix_conv(u[None], h)  # the package wants a batch in front
    return y[0]


print(conv(np.array([[3.0, 4.0]]), np.array([[1.0, 2.0]])))


# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `v` | `(D, L)` | float32 or float64 |
# | `x` | `(N, D, L)`: the gates; `x[0]` is the paper's $x^1$, and the code's $x_0$ | the same dtype |
# | `h` | `(N, D, L)` for the paper, `(N - 1, D, L)` for the code; `h[0]` is used first | the same dtype |
# | result | `(D, L)` | the same dtype |


# %% tags=["answer"]
def recurrence_paper(v, x, h):
    """The paper: z = v, then z = x[n] * (h[n] convolved with z) for every n."""
    ### BEGIN SOLUTION
    z = v
    for gate, taps in zip(x, h, strict=True):
        z = gate * conv(z, taps)
    return z
    ### END SOLUTION


# %% tags=["answer"]
def recurrence_code(v, x, h):
    """The official code: gate (the last one first), convolve, N - 1 times; then the gate x[0]."""
    ### BEGIN SOLUTION
    N, z = len(x), v
    for o in range(N - 1):
        z = conv(x[N - 1 - o] * z, h[o])
    return x[0] * z
    ### END SOLUTION


# %% tags=["check"]
check("recurrence", recurrence_paper, recurrence_code)
# hint("recurrence")

# %% [markdown]
# ## Go further
#
# - Give the paper's variant the filter $h^1 = (1, 0, 0, \dots)$. With which order of the gates is it the code's variant? Test it.
# - For fixed gates and filters, is $y$ linear in $v$? And in the input from which gates and value are made?
# - What is the cost of order $N$? What would it be with a full matrix for each step?
