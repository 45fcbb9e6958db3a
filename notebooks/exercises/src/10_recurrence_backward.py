# %% [markdown]
# # Exercise 10: the backward of the recurrence, both variants
#
# **You will** write the gradient of the operator, as the paper and as the official code have it. **You will learn** what a *cache*
# is: what the forward must keep so that the backward need not guess. **You need** exercises 4 and 9. About 40 minutes, 12 points.
#
# ## The equation
#
# The recurrence of Definition 3.1 (Algorithm 3), with its two halves apart:
#
# $$z^1 = v, \qquad c^n = h^n * z^n, \qquad z^{n+1} = x^n \odot c^n, \qquad y = z^{N+1}.$$
#
# Let $\ell$ be a number that is computed from $y$, the loss. $\bar y = \partial \ell / \partial y$ is given; write a bar for the gradient of
# $\ell$ by every quantity. From the last step to the first:
#
# $$\bar z^{N+1} = \bar y; \qquad \bar x^n = \bar z^{n+1} \odot c^n, \qquad \bar c^n = \bar z^{n+1} \odot x^n, \qquad
# \bar z^n = S_{h^n}^\top \bar c^n, \qquad \bar h^n = S_{z^n}^\top \bar c^n; \qquad \bar v = \bar z^1.$$
#
# Here $\odot$ multiplies position by position, and $S_h$ is the Toeplitz matrix of $h$; so $\bar z^n$ and $\bar h^n$ are exercise 4, the
# gradients of one convolution. $z^n$ and $c^n$ are needed: run the forward once and keep them.
#
# The official code gates before it convolves, the last gate first, and gates once more at the end (exercise 9):
#
# $$z \leftarrow h^{o} * (x_{N-1-o} \cdot z) \quad (o = 0, \dots, N-2), \qquad y = x_0 \cdot z.$$
#
# Its gradient has the same lines in another order. They are yours to find.
#
# ## A tiny example
#
# - The paper, $N = 1$, $L = 1$: $y = x h v$. With $v = 2$, $x = 3$, $h = 5$, $\bar y = 1$: $\bar v = 15$, $\bar x = 10$, $\bar h = 6$.
# - The code, $N = 2$, $L = 1$: $y = x_0 h^0 x_1 v$. With $v = 2$, $x_0 = 7$, $x_1 = 3$, $h^0 = 5$, $\bar y = 1$: $\bar v = 105$,
#   $\bar x_0 = 30$, $\bar x_1 = 70$, $\bar h^0 = 42$.

# %%
import numpy as np

from hyena_np import matrix_conv, matrix_conv_backward
from hyena_np.exercises import check, hint


def conv(u, h):
    """Causal convolution of (D, L) with (D, L): the matrix of exercise 1, times each signal."""
    y, _ = matrix_conv(u[None], h)  # the package wants a batch in front
    return y[0]


def conv_gradients(dy, u, h):
    """Its gradients (du, dh), what exercise 4 is about; your own function does it as well."""
    _, cache = matrix_conv(u[None], h)
    du, dh, _ = matrix_conv_backward(dy[None], cache)
    return du[0], dh


# %% [markdown]
# ## Your turn
#
# | | shape | |
# |---|---|---|
# | `dy`, `v` | `(D, L)` | float32 or float64 |
# | `x` | `(N, D, L)`: `x[0]` is the paper's $x^1$, and the code's $x_0$ | the same dtype |
# | `h` | `(N, D, L)` for the paper, `(N - 1, D, L)` for the code; `h[0]` is used first | the same dtype |
# | result | `(dv, dx, dh)`, with the shapes of `v`, `x`, `h` | the same dtype |


# %% tags=["answer"]
def recurrence_backward(dy, v, x, h):
    """Gradients of the paper's recurrence with respect to v, x and h."""
    ### BEGIN SOLUTION
    read, given, z = [], [], v
    for gate, taps in zip(x, h, strict=True):
        read.append(z)
        given.append(conv(z, taps))
        z = gate * given[-1]
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in reversed(range(len(x))):
        # z = x[n] * given[n]
        dx[n] = dz * given[n]
        dc = dz * x[n]
        # given[n] = conv(read[n], h[n])
        dz, dh[n] = conv_gradients(dc, read[n], h[n])
    return dz, dx, dh
    ### END SOLUTION


# %% tags=["answer"]
def recurrence_code_backward(dy, v, x, h):
    """Gradients of the official code's recurrence with respect to v, x and h."""
    ### BEGIN SOLUTION
    N, read, z = len(x), [], v
    for o in range(N - 1):
        read.append(z)
        z = conv(x[N - 1 - o] * z, h[o])
    dx, dh = np.zeros_like(x), np.zeros_like(h)
    # y = x[0] * z
    dx[0], dz = dy * z, dy * x[0]
    for o in reversed(range(N - 1)):
        # z = conv(gate * read[o], h[o])
        gate = x[N - 1 - o]
        du, dh[o] = conv_gradients(dz, gate * read[o], h[o])
        dx[N - 1 - o], dz = du * read[o], du * gate
    return dz, dx, dh
    ### END SOLUTION


# %% tags=["check"]
check("recurrence_backward", recurrence_backward, recurrence_code_backward)
# hint("recurrence_backward")

# %% [markdown]
# ## Go further
#
# - How many arrays of shape $(D, L)$ does your cache hold for order $N$? Which could be computed again instead, and at what cost?
# - Count the FFTs of forward and backward. Which spectra are computed twice, and what would it take to keep them?
# - The code's variant keeps one list where the paper's keeps two. Which array does it compute twice for that?
