# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The Hyena operator and its matrix
#
# Attention builds a matrix from its input and multiplies with it. Hyena does the same without ever writing
# the matrix down. In this notebook you write it down, look at it, and check that it is the operator, to the
# rounding of float64 (16 digits).
#
# **What you will do**
#
# - alternate two simple moves, a *convolution* and a *gate*, one, two and three times;
# - multiply their matrices and watch the Hyena matrix $H(u)$ appear;
# - feed two sentences through one operator and see two different matrices;
# - poke one token and see what moves, then break causality on purpose;
# - put $H(u)$ beside the matrices of softmax attention and of H3;
# - turn the paper's form of the operator into the official code's form.
#
# **What you will learn**
#
# Why the paper calls this *data control*, why the operator never looks ahead, and why "order 2" means two
# long convolutions in the paper and one in the code.
#
# **What you need:** NumPy, and the idea of notebook 1: a causal convolution is a product with a
# lower-triangular Toeplitz matrix. Everything from that notebook that is used here is said again in a line.
# "Def. 3.1" and the like are numbers of the paper, *Hyena Hierarchy* (Poli et al., 2023, arXiv 2302.10866);
# "the official code" is its authors' (github.com, HazyResearch/safari).

# %%
from functools import reduce

import numpy as np

from hyena_np import (
    HyenaConfig,
    causal_attention_matrix,
    causal_conv_loop,
    circulant,
    diagonal_matrix,
    fftconv,
    get_backend,
    gss,
    h3,
    h3_attention_matrix,
    hyena,
    hyena_factors,
    hyena_filter,
    hyena_matrix,
    hyena_recurrence,
    init_hyena,
    linear,
    projection,
    short_conv,
    to_numpy,
    toeplitz,
)
from hyena_np.plots import matrix_image, matrix_pair, matrix_row
from hyena_np.plots.signals import signals

# %% [markdown]
# The next line chooses the array library. Write `"cupy"` instead of `"numpy"` and every cell below runs on
# a GPU; nothing else changes, because each function asks its arrays where they live.

# %%
backend = get_backend("numpy", "float64")
xp = backend.xp
rng = np.random.default_rng(3)


def relative_error(a, b):
    """Largest difference between two arrays, relative to the largest entry of the second."""
    a, b = to_numpy(a), to_numpy(b)
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


# %% [markdown]
# ## 1. Two moves
#
# A sequence $v = (v_0, \dots, v_{L-1})$ has one number at each of its $L$ positions. Hyena does two things
# to it.
#
# **Convolve** (Sec. 2). A filter $h$ says how much of the past to mix in: $h_0$ weighs the present, $h_1$
# the position before, and so on. The sum stops at $s = t$, so nothing comes from the future. The function
# is `fftconv(v, h)`.
#
# $$(h * v)_t = \sum_{s=0}^{t} h_{t-s}\, v_s$$
#
# **Gate** (Def. 3.1). Another sequence $x$, as long as $v$, is multiplied on, position by position:
# $x_t\, v_t$. Where $x_t = 0$ nothing passes; where $x_t < 0$ the sign turns. The sign for this product is
# $\odot$.
#
# A convolution moves information along the sequence, in the same way at every place. A gate moves nothing,
# but treats every place differently. Read the picture from top to bottom.

# %%
L = 48
t = np.arange(L)
tokens = np.zeros(L)
tokens[[5, 18, 33]] = [1.0, -0.8, 0.6]
oscillation = np.exp(-t / 6) * np.cos(t / 2)
window = 1.0 * ((t >= 12) & (t < 28))

v = backend.asarray(tokens[None, None])  # (B, D, L) = (1, 1, 48): one example, one channel
gate = backend.asarray(window[None, None])
mixed, _ = fftconv(v, backend.asarray(oscillation[None]))
assert relative_error(mixed, causal_conv_loop(v, backend.asarray(oscillation[None]))) < 1e-12

signals(
    {
        "a sequence $v$: three tokens that stand out": v[0, 0, :],
        "convolved, $h * v$: each token leaves a copy of the filter behind it": mixed[0, 0, :],
        "a gate $x$: open from 12 to 27": gate[0, 0, :],
        r"convolved, then gated, $x \odot (h * v)$": (gate * mixed)[0, 0, :],
    },
    title="A convolution carries tokens along; a gate chooses where they may be heard",
)

# %% [markdown]
# Two letters for shapes from here on: $B$ is the number of examples in a batch and $D$ the number of
# channels. Arrays that are convolved have shape `(B, D, L)`, time last. Each channel has its own filter and
# its own gates.
#
# Every function that has a gradient returns two things: its result, and a *cache* of what the gradient will
# need. Here we only go forwards, so the second one is called `_` throughout; notebook 4 is about it.

# %% [markdown]
# ## 2. The recurrence
#
# Hyena of order $N$ repeats the two moves $N$ times (Def. 3.1, Algorithm 3). It has $N$ filters
# $h^1, \dots, h^N$ and $N$ gates $x^1, \dots, x^N$; the upper numbers are labels, not powers.
#
# $$z^1 = v, \qquad z^{n+1}_t = x^n_t\, (h^n * z^n)_t \quad (n = 1, \dots, N), \qquad y = z^{N+1}$$
#
# The function is `hyena_recurrence`. First a story, told with gates and filters set by hand: three tokens
# enter; step 1 smears them and then closes the door on the third; step 2 carries what is left ten positions
# on and turns its sign; step 3 adds everything up slowly, and opens late. The rows $z^2$, $z^3$ and $z^4$
# are the outputs $y$ of orders 1, 2 and 3.

# %%
story_filters = np.stack([np.exp(-t / 2), 1.0 * (t == 10), np.exp(-t / 20)])
story_gates = np.stack([1.0 * (t < 30), -np.ones(L), 1.0 * (t >= 24)])
steps = {"$z^1 = v$": v[0, 0, :]}
names = [
    "$z^2$: smeared; the third token is shut out (gate 1 closes at 30)",
    "$z^3$: ten positions later, sign turned (gate 2 is -1 everywhere)",
    "$z^4$: summed up slowly, heard late (gate 3 opens at 24)",
]
for order, name in enumerate(names, start=1):
    y, _ = hyena_recurrence(
        v,
        tuple(backend.asarray(row[None, None]) for row in story_gates[:order]),
        backend.asarray(story_filters[:order, None]),
        variant="paper",
    )
    steps[name] = y[0, 0, :]
assert float(xp.max(xp.abs(steps[names[0]][30:]))) == 0.0  # the third token has gone
assert abs(float(steps[names[1]][15]) + 1.0) < 1e-12  # the first one, 1.0 at position 5, is -1.0 at 15
signals(steps, title="The recurrence, step by step", share_y=False)

# %% [markdown]
# To check the function, the cell below goes through the definition with the slowest convolution there is, a
# double loop over positions.

# %%
D = 2
N = 3
rates = [3.0, 8.0, 16.0]  # each filter remembers longer than the one before
decaying = np.stack([rng.standard_normal((D, L)) * np.exp(-t / rate) for rate in rates])
h = backend.asarray(decaying)  # (N, D, L)
v = backend.asarray(rng.standard_normal((1, D, L)))
x = tuple(backend.asarray(rng.standard_normal((1, D, L))) for _ in range(N))

for order in (1, 2, 3):
    z = v
    for n in range(order):
        z = x[n] * causal_conv_loop(z, h[n, ...])
    y, _ = hyena_recurrence(v, x[:order], h[:order, ...], variant="paper")
    error = relative_error(y, z)
    print(f"N = {order}: recurrence against its definition, relative error {error:.1e}")
    assert error < 1e-12

# %% [markdown]
# Two members of the family are older than the family (Remark 3.2): the gated state space operator GSS is
# Hyena of order 1, and H3 is Hyena of order 2. In H3 the gates are called $k$ (key) and $q$ (query), the
# filters $\varphi$ and $\psi$:
#
# $$z_t = k_t\, (\varphi * v)_t, \qquad y_t = q_t\, (\psi * z)_t$$
#
# Which of the gates above plays the query? Run the cell, then swap `x[0]` and `x[1]` to see it fail.

# %%
one, _ = hyena_recurrence(v, x[:1], h[:1, ...], variant="paper")
two, _ = hyena_recurrence(v, x[:2], h[:2, ...], variant="paper")
as_gss, _ = gss(x[0], v, h[0, ...])
as_h3, _ = h3(q=x[1], k=x[0], v=v, phi=h[0, ...], psi=h[1, ...])
assert relative_error(as_gss, one) < 1e-12
assert relative_error(as_h3, two) < 1e-12
print("GSS is Hyena of order 1, H3 is Hyena of order 2: the query is the last gate")

# %% [markdown]
# ## 3. The same thing as one matrix
#
# Both moves are products with a matrix. A convolution multiplies with the Toeplitz matrix $S_h$, whose
# entry in row $t$ and column $s$ is $h_{t-s}$ on and below the diagonal and 0 above (Sec. 2, `toeplitz`). A
# gate multiplies with the diagonal matrix $D_x$ that carries $x$ on its diagonal (`diagonal_matrix`).
#
# So the recurrence is a chain of matrices, and the chain is one matrix (Sec. 3.2):
#
# $$y = H(u)\, v, \qquad H(u) = D_{x^N} S_{h^N} \cdots D_{x^2} S_{h^2}\, D_{x^1} S_{h^1}$$
#
# The matrix that acts first stands on the right. Here $u$ is the operator's input, from which the gates are
# computed (section 4). `hyena_factors` returns the factors in the order of the product.

# %%
smooth = [np.cos(2 * np.pi * t / 24), np.sin(2 * np.pi * t / 31 + 1), np.cos(2 * np.pi * t / 17 + 2)]
waves = [np.exp(-t / 9) * np.cos(t / 3), np.exp(-t / 14), np.exp(-t / 5) * np.cos(t / 2)]
gates = tuple(backend.asarray(row[None, None]) for row in smooth)  # N times (1, 1, L)
filters = backend.asarray(np.stack(waves)[:, None])  # (N, 1, L)


def factors_and_product(order):
    """The 2N factors of one channel and their product, each (L, L)."""
    factors = hyena_factors(gates[:order], filters[:order, ...], variant="paper")
    H = reduce(xp.matmul, factors)
    return [H[0, 0, ...], *(factor[0, 0, ...] if factor.ndim == 4 else factor[0, ...] for factor in factors)]


def draw_factors(order):
    """A picture of the product."""
    names = [f"${letter}_{n}$" for n in range(order, 0, -1) for letter in ("D", "S")]
    signs = ["=", *["·"] * (2 * order - 1)]
    count = {1: "one convolution, one gate", 2: "two of each", 3: "three of each"}[order]
    title = f"Order {order}: {count}"
    return matrix_row(factors_and_product(order), ["$H(u)$", *names], between=signs, title=title)


draw_factors(1)

# %% [markdown]
# In these pictures row $t$ is what output $t$ reads, column $s$ is where input $s$ goes. White is 0, blue
# is negative, red is positive; each matrix has its own scale, and below it stands its largest entry. $D_n$
# and $S_n$ are short for $D_{x^n}$ and $S_{h^n}$.
#
# With order 1 the gate scales each *row* of a Toeplitz matrix: along a row you still see the filter, but
# output positions with a small gate hear nothing.

# %%
draw_factors(2)

# %% [markdown]
# With order 2 there are gates on both sides of the second convolution, so that rows and columns are both
# chosen by the data. The diagonals of a Toeplitz matrix, all alike, are gone.

# %%
draw_factors(3)

# %% [markdown]
# Each further order puts one more pair of factors in front, and the islands of the matrix become smaller.
# Now the proof. The product of the factors, applied to $v$, is what the recurrence computes with fast
# Fourier transforms, for every order.

# %%
for order in (1, 2, 3):
    H = reduce(xp.matmul, hyena_factors(x[:order], h[:order, ...], variant="paper"))  # (B, D, L, L)
    y, _ = hyena_recurrence(v, x[:order], h[:order, ...], variant="paper")
    error = relative_error(xp.matmul(H, v[..., None])[..., 0], y)
    print(f"N = {order}: matrix against recurrence, relative error {error:.1e}")
    assert error < 1e-12

by_name = xp.matmul(diagonal_matrix(x[0]), toeplitz(h[0, ...]))
assert relative_error(by_name, reduce(xp.matmul, hyena_factors(x[:1], h[:1, ...], variant="paper"))) < 1e-12

# %% [markdown]
# ## 4. From the input to the output
#
# Where do $v$ and the gates come from? All of them from one input $u$ of shape `(B, L, D)`: $D$ numbers for
# each of $L$ tokens. The whole operator has four parts:
#
# 1. *Projection* (Algorithm 1): a dense layer mixes the $D$ channels of each token into $(N+1) D$ new ones,
#    then a short convolution looks at the last three tokens (`projection`, `short_conv`). The result is cut
#    into $N$ gates and $v$, each with $D$ channels.
# 2. *Filters* (Algorithm 2, eq. (7)):
#    $h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(t)$, computed from the
#    position by a small network (FFN). Notebook 2 is about it; here it is one call, `hyena_filter`.
# 3. *Recurrence* (Algorithm 3), `hyena_recurrence`. The official code adds a number per channel to the
#    filter at lag 0, the *skip* term: a direct way from input to output.
# 4. *Output projection*: one more dense layer, `linear`.
#
# Our inputs are sentences, one token a letter. Every letter gets a random vector of width $D = 8$, every
# weight a random start. Nothing is trained here: what you see is the mechanism, not a skill.

# %%
sentences = ["the hyena laughs at the lion", "the lion laughs at the hyena"]
L, D = len(sentences[0]), 8
alphabet = sorted(set("".join(sentences)))
vectors = rng.standard_normal((len(alphabet), D))
letters = [[alphabet.index(letter) for letter in sentence] for sentence in sentences]
u = backend.asarray(vectors[np.array(letters)])  # (B, L, D) = (2, 28, 8)

config = HyenaConfig(d_model=D, l_max=L, order=2, emb_dim=9, w=4.0, shift=0.2)  # official form, see section 8
params = init_hyena(config, rng, backend)
y, _ = hyena(u, params, config)
print(f"u {tuple(u.shape)} -> y {tuple(y.shape)}, with {config.num_filters} long filter a channel")

# %% [markdown]
# One call. Here is what it does inside, part by part, with its two gates named as in the official code,
# $x_0$ and $x_1$. Can you find each line in the list above?

# %%
z, _ = projection(u, **params["in_proj"])  # (B, L, D) -> (B, 3D, L)
z, _ = short_conv(z, **params["short_filter"])
x0, x1, v = (z[:, i * D : (i + 1) * D, :] for i in range(3))  # each (B, D, L)
h, _ = hyena_filter(params, L, config)  # (1, D, L)
skip = xp.reshape(params["filter"]["skip"], (1, D))
inner, _ = hyena_recurrence(v, (x0, x1), h, skip, config.variant)
by_parts, _ = linear(xp.matrix_transpose(inner), **params["out_proj"])  # back to (B, L, D)
assert relative_error(by_parts, y) < 1e-12
print(f"the parts against the operator: {relative_error(by_parts, y):.1e}")

# %% [markdown]
# And the statement that this notebook is named after: **the operator multiplies $v$ with a matrix that the
# input has made.** `hyena_matrix` builds that matrix, one of size $L \times L$ for every example and
# channel.

# %%
H = hyena_matrix(u, params, config)  # (B, D, L, L)
by_matrix, _ = linear(xp.matrix_transpose(xp.matmul(H, v[..., None])[..., 0]), **params["out_proj"])
error = relative_error(by_matrix, y)
print(f"H(u) {tuple(H.shape)}; output projection of H(u) v against the operator: {error:.1e}")
assert error < 1e-12

# %% [markdown]
# ## 5. Data control
#
# A convolution treats every input alike: its matrix is fixed once the filter is. Attention does not: its
# matrix is made from the input. The paper lists this *data control* first among the three properties of
# attention that it wants to keep.
#
# Before the real operator, a toy with gates set by hand. The task: *after a star comes a letter; say it
# when you meet the question mark.* Order 2 is enough, with $\varphi$ = "pass on unchanged" and $\psi$ =
# "never forget":
#
# - the key $k$ is 1 right behind a star, else 0: only that letter is let into memory;
# - the query $q$ is 1 at the question mark, else 0: only there is memory read.

# %%
riddles = ["abc*defghijk?", "abcdefgh*ijk?"]
size = len(riddles[0])
unchanged, never_forget = np.zeros((1, size)), np.ones((1, size))
unchanged[0, 0] = 1.0
phi, psi = backend.asarray(unchanged), backend.asarray(never_forget)
toys = []
for riddle in riddles:
    k = backend.asarray([[[0.0] + [float(token == "*") for token in riddle[:-1]]]])
    q = backend.asarray([[[float(token == "?") for token in riddle]]])
    values = backend.asarray([[[float(ord(token)) for token in riddle]]])
    answer, _ = h3(q, k, values, phi, psi)
    answer = chr(round(float(answer[0, 0, -1])))
    print(f"{riddle}   answer at the question mark: {answer}")
    assert answer == riddle[riddle.index("*") + 1]
    toys.append(h3_attention_matrix(q, k, phi, psi)[0, 0, ...])

matrix_pair(
    *toys, titles=tuple(riddles), tokens=tuple(map(list, riddles)),
    title="Two inputs, two matrices: the entry stands where the star was",
)  # fmt: skip

# %% [markdown]
# Each matrix has a single entry, in the row of the question mark and the column of the letter behind the
# star. The filters did not change; the gates moved the entry. No convolution has such a matrix: a Toeplitz
# matrix is constant along its diagonals, so an entry never stands alone.
#
# Now the operator of section 4, with its two sentences. The weights are the same; the matrices are not.
# Look at the first rows, though. Up to where are the two pictures equal, and why? (We draw the channel with
# the smallest skip term; in others the diagonal outshines the rest.)

# %%
channel = int(np.argmin(np.abs(to_numpy(skip)[0])))
matrix_pair(
    H[0, channel, ...], H[1, channel, ...], titles=tuple(sentences), tokens=tuple(map(list, sentences)),
    title=f"One operator, two sentences: the Hyena matrix of channel {channel}",
)  # fmt: skip

# %% [markdown]
# The sentences share their first four letters, `"the "`, and so the matrices share their first four rows.
# The fifth letter differs, and from the fifth row on everything may.
#
# The matrix of the filter alone is the same for both inputs. The cell checks the three statements.

# %%
same = relative_error(H[0, :, :4, :], H[1, :, :4, :])
differ = relative_error(H[0, :, 4:, :], H[1, :, 4:, :])
print(f"rows 0 to 3: relative difference {same:.1e}; rows from 4 on: {differ:.2f}")
assert same < 1e-12
assert differ > 0.1

again, _ = hyena_filter(params, L, config)  # the filter never sees u
assert relative_error(again, h) == 0.0

# %% [markdown]
# **Linear in one thing, not in the other.** With the gates held fixed, $y$ depends linearly on $v$. But
# gates and $v$ all come from $u$, so $u$ meets itself: without biases, each of the $N$ gates and $v$ is
# proportional to $u$. Double $u$, and $H(u)$ grows by $2^N$. By what factor does the output of order 2
# grow?

# %%
without = {
    name: params[name] | {"bias": 0 * params[name]["bias"]}
    for name in ("in_proj", "short_filter", "out_proj")
}
no_bias = params | without
H_once, H_twice = (hyena_matrix(scale * u, no_bias, config) for scale in (1.0, 2.0))
y_once, y_twice = (hyena(scale * u, no_bias, config)[0] for scale in (1.0, 2.0))
assert relative_error(H_twice, 2**2 * H_once) < 1e-12
assert relative_error(y_twice, 2**3 * y_once) < 1e-12
print("twice the input: 4 times the matrix, 8 times the output")

# %% [markdown]
# That is all the non-linearity there is: no activation function sits in the recurrence.

# %% [markdown]
# ## 6. Causality
#
# A language model must not see the token that it is asked to predict. In a matrix this is visible at once:
# row $t$ may have entries in columns $s \le t$ only, so everything strictly above the diagonal must be 0.
#
# **Prop. 3.1.** If every filter is causal, so is Hyena. The proof takes one line: diagonal and
# lower-triangular matrices are lower-triangular, and so is any product of such matrices.

# %%
above = np.triu(np.ones((L, L), dtype=bool), k=1)
assert np.all(to_numpy(H)[..., above] == 0.0)
print(f"{int(above.sum())} entries above the diagonal, in each of {2 * D} matrices: all exactly 0")

# %% [markdown]
# A triangular $H(u)$ is only half of it: the entries themselves are made from $u$, and they must not know
# the future either. So we test the operator as a whole. Poke one token of $u$, and see which outputs move.
# The cell makes a batch of $L$ copies of the first sentence, the $s$-th with token $s$ replaced by noise,
# and collects in row $t$, column $s$ how far output $t$ moved.

# %%
pokes = np.zeros((L, L, D))  # (copy, position, channel)
pokes[np.arange(L), np.arange(L)] = rng.standard_normal((L, D))
moved, _ = hyena(u[:1, ...] + backend.asarray(pokes), params, config)
response = np.max(np.abs(to_numpy(moved - y[:1, ...])), axis=-1).T  # (t, s)

rounding = np.max(response[above]) / np.max(response)
print(f"largest movement before the poked token: {rounding:.1e} of the largest after it")
assert rounding < 1e-12

response[response < 1e-12 * np.max(response)] = 0.0  # rounding of the Fourier transform
matrix_image(
    response, tokens=list(sentences[0]), scale="log",
    title="Poke token s: how far does output t move?",
)  # fmt: skip

# %% [markdown]
# Nothing before the poked token moves, beyond the rounding of the Fourier transform. Everything after it
# does: the context is not limited to a window. How strong is the influence, on average, so many positions
# later? There is a drop after lag 2. Which part of the operator looks back exactly two positions?

# %%
by_lag = [float(np.mean(np.diagonal(response, -distance))) for distance in range(8)]
print("mean movement at lags 0 to 7:", "  ".join(f"{value:.3f}" for value in by_lag))
assert min(by_lag[:3]) > 1.3 * max(by_lag[3:])
assert np.all(response[~above] > 0)

# %% [markdown]
# **Breaking it.** The fast Fourier transform convolves in a circle: what leaves at the end comes back at
# the start. Notebook 1 shows why the sequence must be padded with zeros. Without padding, the Toeplitz
# matrix becomes a `circulant` one, and the corner fills.

# %%
D0, D1 = diagonal_matrix(x0), diagonal_matrix(x1)
direct = skip[0, :, None, None] * backend.asarray(np.eye(L))  # the skip term as a matrix
leaky = D0 @ (circulant(h[0, ...]) + direct) @ D1
proper = D0 @ (toeplitz(h[0, ...]) + direct) @ D1
assert relative_error(proper, H) < 1e-12
assert np.max(np.abs(to_numpy(leaky)[..., above])) > 1e-3

matrix_pair(
    proper[0, channel, ...], leaky[0, channel, ...], titles=("padded: causal", "not padded: looks ahead"),
    tokens=(list(sentences[0]), list(sentences[0])),
    title="One missing zero-padding, and the future leaks in",
)  # fmt: skip

# %% [markdown]
# Below the diagonal the two are equal. A model with the right-hand matrix would train splendidly and be
# useless: notebook 5 lets you watch that happen.

# %% [markdown]
# ## 7. Beside attention and H3
#
# Softmax attention (Sec. 2.2) compares a query vector $q_t$ with every key vector $k_s$ by their dot
# product, and turns the results into weights that sum to 1. (An attention layer has several such matrices,
# called *heads*.) With $K$ numbers in each vector, `causal_attention_matrix(q, k)` computes
#
# $$A_{ts} = \frac{e^{\,q_t \cdot k_s / \sqrt{K}}}{\sum_{s' \le t} e^{\,q_t \cdot k_{s'} / \sqrt{K}}}
# \quad (s \le t)$$
#
# H3 has a matrix too (App. B.2). The paper calls it a *surrogate attention matrix*, and it is
# `h3_attention_matrix(q, k, phi, psi)`:
#
# $$A_{t,t'} = q_t \sum_m \psi_{t-m}\, k_m\, \varphi_{m-t'}, \qquad A = D_q S_\psi D_k S_\varphi$$
#
# Read the sum aloud: from position $t'$ the first filter goes to some stop $m$, there the key decides
# whether the journey goes on, the second filter goes to $t$, and there the query decides whether anybody
# listens. Every stop on the way is counted.
#
# All three get the same queries and keys: our two gates. As in H3, $\varphi$ shifts by one position and
# $\psi$ fades slowly.

# %%
q, k = x0[:1, ...], x1[:1, ...]  # (1, D, L)
lag = np.arange(L)
phi = backend.asarray(np.tile(1.0 * (lag == 1), (D, 1)))
psi = backend.asarray(np.tile(np.exp(-lag / 12), (D, 1)))
of_h3 = h3_attention_matrix(q, k, phi, psi)  # (1, D, L, L)
as_head = [xp.matrix_transpose(a)[:, None, ...] for a in (q, k)]  # (B, heads, L, K): one head of width D
of_attention = causal_attention_matrix(*as_head)  # (1, 1, L, L)

host = [to_numpy(a)[0, channel] for a in (q, k)] + [to_numpy(a)[channel] for a in (phi, psi)]
row, column = 20, 7
stops = [host[3][row - m] * host[1][m] * host[2][m - column] for m in range(column, row + 1)]
entry = float(of_h3[0, channel, row, column])
assert abs(host[0][row] * sum(stops) - entry) < 1e-12
print(f"entry ({row}, {column}) of H3: {entry:.4f}, and the same as a sum over {len(stops)} stops")

# %%
trio = [of_attention[0, 0, ...], of_h3[0, channel, ...], H[0, channel, ...]]
names = ["softmax attention", "H3", "Hyena, order 2 (code)"]
matrix_row(trio, names, title="Three ways to make a matrix from one sentence")

# %% [markdown]
# Three things to see, and to check:
# - attention is never negative and each of its rows sums to 1: every output is an average of the values;
# - H3 and Hyena are signed and not normalised: an output can be a difference, or nothing at all;
# - one head of attention has one matrix for all its channels; in H3 and Hyena every channel has its own.

# %%
for name, M in zip(names, (of_attention, of_h3, H[:1, ...]), strict=True):
    M = to_numpy(M)
    sums = M.sum(axis=-1)
    print(f"{name:22s} {M.shape[1]} matrices, entries from {M.min():6.2f} to {M.max():5.2f}, ", end="")
    print(f"row sums from {sums.min():6.2f} to {sums.max():5.2f}")

weights = to_numpy(of_attention)
assert np.all(weights >= 0)
assert np.allclose(weights.sum(axis=-1), 1.0, rtol=0, atol=1e-12)
assert to_numpy(of_h3).min() < 0
assert to_numpy(H).min() < 0

# %% [markdown]
# ## 8. The paper's order and the code's order
#
# If you read the official code after the paper, you stumble: its loop gates *before* it convolves, and for
# order $N$ it has only $N - 1$ long convolutions. Both forms are in this package, as `variant="paper"` and
# `variant="code"`:
#
# $$\text{paper:}\quad z \leftarrow x^n \odot (h^n * z), \quad n = 1, \dots, N$$
#
# $$\text{code:}\quad z \leftarrow h^o * (x_{N-1-o} \odot z), \quad o = 0, \dots, N-2; \quad y = x_0 \odot z$$
#
# So for order 2 the paper has $H = D_{x^2} S_{h^2} D_{x^1} S_{h^1}$, the code
# $H = D_{x_0} (S_{h} + b I) D_{x_1}$. Here $I$ is the identity matrix and $b$ the skip term, which is not
# in the paper.
#
# They are less far apart than they look. Let the paper's first filter do nothing: $h^1 = \delta$, which is
# 1 at lag 0 and 0 elsewhere, so that $S_\delta = I$. Count the gates from the other end. And since the skip
# term adds $b\, z$, it is nothing but $b$ more at lag 0 of the filter. Then the two are **the same
# operator**.

# %%
delta = np.zeros((1, D, L))
delta[..., 0] = 1.0
at_lag_zero = backend.asarray(delta)
folded = h + skip[..., None] * at_lag_zero  # h_0 + b, the other lags unchanged
paper_filters = xp.concat([at_lag_zero, folded])  # (2, D, L)
paper_gates = (x1, x0)  # reversed

in_the_code, _ = hyena_recurrence(v, (x0, x1), h, skip, variant="code")
in_the_paper, _ = hyena_recurrence(v, paper_gates, paper_filters, variant="paper")
error = relative_error(in_the_paper, in_the_code)
print(f"order 2: paper with h^1 = delta against code, relative error {error:.1e}")
assert error < 1e-12

# %%
in_paper = hyena_factors(paper_gates, paper_filters, variant="paper")  # D, S, D, S
in_code = hyena_factors((x0, x1), h, skip, variant="code")  # D, S, D
shown = [H[0, channel, ...]]
shown += [factor[0, channel, ...] if factor.ndim == 4 else factor[channel, ...] for factor in in_paper]
assert relative_error(in_paper[1], in_code[1]) < 1e-12  # the skip term is folded in
matrix_row(
    shown, ["$H(u)$", "gate $x_0$", "filter, skip folded in", "gate $x_1$", r"$h^1 = \delta$"],
    between=["=", "·", "·", "·"],
    title="The code's operator, written as the paper's: the last factor does nothing",
)  # fmt: skip

# %% [markdown]
# The same holds for every order, which the next cell checks up to 4. What does the paper's $h^1$ lose by
# being a $\delta$? Little: in the code, each projection has just been through its short convolution of
# three taps, and that one plays the role of $h^1$ on $v$.

# %%
for order in (2, 3, 4):
    gates = tuple(backend.asarray(rng.standard_normal((1, D, L))) for _ in range(order))
    value = backend.asarray(rng.standard_normal((1, D, L)))
    long = backend.asarray(rng.standard_normal((order - 1, D, L)))
    b = backend.asarray(rng.standard_normal((order - 1, D)))
    in_code, _ = hyena_recurrence(value, gates, long, b, variant="code")
    folded = xp.concat([at_lag_zero, long + b[..., None] * at_lag_zero])
    in_paper, _ = hyena_recurrence(value, gates[::-1], folded, variant="paper")
    counts = [
        HyenaConfig(d_model=D, l_max=L, order=order, variant=form).num_filters for form in ("paper", "code")
    ]
    error = relative_error(in_paper, in_code)
    print(f"N = {order}: long filters in paper and code {counts}, relative error {error:.1e}")
    assert error < 1e-12

# %% [markdown]
# So when you read "Hyena of order 3", ask which one.

# %% [markdown]
# ## 9. Why nobody writes the matrix down
#
# You have now seen the matrix from all sides, and this package builds it for tests and pictures only. How
# large is it, for one channel, at the lengths that Hyena was made for?

# %%
for length in (1024, 8192, 65_536):
    matrix_gib = length * length * 4 / 2**30  # float32 has 4 bytes
    sequence_kib = length * 4 / 2**10
    print(f"L = {length:6d}: one matrix {matrix_gib:8.3f} GiB, one sequence {sequence_kib:4.0f} KiB")

# %% [markdown]
# The recurrence stores sequences only. Its convolutions cost $O(L \log L)$ each by the fast Fourier
# transform (Prop. 3.2; notebook 1 measures it), and the matrix exists only in what it does.

# %% [markdown]
# ## What you have now
#
# - Hyena alternates convolutions and gates; of order $N$ it has $N$ of each (Def. 3.1).
# - It is a product of $2N$ simple matrices, $H(u)$, and the input makes that matrix: data control.
# - It is causal because every factor is lower-triangular, and stays so only with zero-padding.
# - Unlike attention, its matrix is signed, not normalised, and there is one for each channel.
# - The paper's form with $h^1 = \delta$ is the code's form.
#
# Notebook 4 goes backwards through this operator, by hand.
#
# ## On your own: three things to try
#
# 1. In section 5, add a second star to a riddle. What is the answer at the question mark now, and which
#    entries does the matrix have? Then let $\psi$ fade, `psi_t = 0.5 ** t`: which of the two letters wins?
# 2. In section 4, set `variant="paper"` and `order=1` in the config, and adapt the cell that takes the
#    operator apart. What does $H(u)$ look like with one gate only, and does it still need the skip term?
# 3. In section 3, replace the smooth gates by random signs, $\pm 1$. Is $H(u)$ still a Toeplitz matrix if
#    you look at magnitudes only? For order 1? For order 2?
#
# ## Further reading
#
# - Poli et al., *Hyena Hierarchy*, arXiv 2302.10866: Def. 3.1, Sec. 3.2, Prop. 3.1, and App. D.1 for
#   pictures of trained Hyena matrices.
# - Fu et al., *Hungry Hungry Hippos*, arXiv 2212.14052: the operator H3, with keys and values named the
#   other way round.
# - Mehta et al., *Long Range Language Modeling via Gated State Spaces*, arXiv 2206.13947: GSS.
# - The official code, github.com/HazyResearch/safari, and its issues 9 and 30, where the authors answer why
#   the code convolves once less than the paper.
