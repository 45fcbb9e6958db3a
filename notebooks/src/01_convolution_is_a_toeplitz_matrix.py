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
# # A convolution is a Toeplitz matrix
#
# The Hyena operator (Poli et al., 2023) is built from one linear operation, the long causal convolution. This
# notebook takes it apart: you will compute the same numbers in three ways, see why they agree, and see one
# plausible way that gives wrong numbers without an error message.
#
# **What you will do**
#
# - convolve by the definition, with a double loop; then with a matrix; then with the fast Fourier transform
#   (FFT);
# - look at the matrix, at its cyclic cousin the circulant matrix, and at the waves that the cousin leaves in
#   shape;
# - break the fast way on purpose, by a transform that is too short, and find the exact length at which it
#   heals;
# - measure what each way costs as the sequence grows.
#
# **What you will learn**
#
# - what a filter, a lag and a causal convolution are (paper, Sec. 2);
# - why a matrix that is constant along its diagonals can be applied in $O(L \log_2 L)$ steps instead of $L^2$
#   (paper, Sec. 2; it is what makes Prop. 3.2 true);
# - why the paper pads with zeros to at least $2L - 1$, and its code to $2L$.
#
# **What you need:** NumPy and a little calculus. No signal processing: every word of it is explained here.
# Equation and section numbers refer to the paper, arXiv 2302.10866. $O(L^2)$ is read "at most a constant
# times $L^2$": it says how a cost grows, not what it is.

# %%
import time

import numpy as np

from hyena_np import causal_conv_loop, causal_conv_matrix, circulant, fftconv, get_backend, to_numpy, toeplitz
from hyena_np.backend import irfft, rfft
from hyena_np.plots import cost_against_length, error_ladder, lines, matrix_image, matrix_pair, matrix_row
from hyena_np.plots.signals import signals

backend = get_backend("numpy", "float64")  # "cupy" runs the whole notebook on a GPU
rng = np.random.default_rng(0)


def relative_error(got, wanted):
    """Largest difference, as a fraction of the largest entry; arrays of any library."""
    got, wanted = to_numpy(got), to_numpy(wanted)
    return float(np.max(np.abs(got - wanted)) / np.max(np.abs(wanted)))


# %% [markdown]
# ## 1. The definition: every token leaves an echo
#
# A *signal* is a sequence of numbers $u_0, u_1, \ldots, u_{L-1}$, one for each of the $L$ tokens of a text. A
# *filter* is another sequence, $h_0, h_1, \ldots$: the number $h_k$ says how strongly a token counts $k$
# positions later. The distance $k$ is called the *lag*.
#
# The causal convolution $y = h * u$ adds up, at every position $t$, all tokens so far, each weighted by its
# lag (paper, Sec. 2):
#
# $$ y_t = \sum_{s=0}^{t} h_{t-s}\, u_s . $$
#
# *Causal* means that the sum stops at $s = t$: an output never looks at a later token. `causal_conv_loop`
# computes this line as it stands, with two loops. The package keeps signals as arrays of shape `(B, D, L)`:
# $B$ texts at a time, $D$ signals (*channels*) for each text, $L$ tokens. Here $B = D = 1$;
# `x[None, None, :]` puts the two axes of length 1 in front. `backend.asarray` hands an array to the chosen
# library, `to_numpy` takes it back; with NumPy both change nothing.

# %%
L = 32
position = np.arange(L)
impulses = np.zeros(L)
impulses[[2, 9, 20]] = 1.0, -0.6, 0.8
ringing = np.exp(-position / 10) * np.cos(0.9 * position)

u = backend.asarray(impulses[None, None, :])  # (B, D, L) = (1, 1, 32)
h = backend.asarray(ringing[None, :])  # (D, L): one filter a channel
y = causal_conv_loop(u, h)

by_hand = sum(ringing[12 - s] * impulses[s] for s in range(12 + 1))
assert np.isclose(float(y[0, 0, 12]), by_hand, rtol=1e-12)
signals(
    {
        "signal u: three tokens speak": u[0, 0],
        "filter h: the echo of one token": h[0],
        "output y = h * u": y[0, 0],
    },
    title="One token, one echo: y is the sum of three",
)

# %% [markdown]
# The signal is silent except at three positions. Each of the three leaves behind a copy of the filter, scaled
# by its own value and started at its own position. The output is the sum of the copies.
#
# Is that a picture or the truth? Convolve each token alone and add.

# %%
spoken = (2, 9, 20)
alone = {s: backend.asarray(np.where(position == s, impulses, 0.0)[None, None, :]) for s in spoken}
copies = {s: causal_conv_loop(alone[s], h) for s in spoken}
total = sum(copies.values())

assert relative_error(total, y) < 1e-12
rows = {f"echo of token {s}: {impulses[s]:g} times h, {s} positions later": copies[s][0, 0] for s in spoken}
signals(
    rows | {"their sum": total[0, 0]},
    over={"their sum": y[0, 0]},
    over_label="y of the cell above",
    title="Each token alone, then the sum",
)

# %% [markdown]
# Two consequences, which the cell below checks:
#
# - the convolution is **linear**: twice the signal gives twice the output, and sums go to sums;
# - it is **causal** (paper, Prop. 3.1, for the simplest case): change a token, and nothing before it moves.
#
# Before you run it: from which position on will the two outputs differ?

# %%
changed = impulses.copy()
changed[20] = -0.8
y_changed = causal_conv_loop(backend.asarray(changed[None, None, :]), h)

assert relative_error(causal_conv_loop(2 * u, h), 2 * y) < 1e-12
differs = to_numpy(y_changed != y)[0, 0]
assert not differs[:20].any()
assert differs[20]
print(f"first position that differs: {int(np.argmax(differs))}")
signals(
    {"token 20 turned from 0.8 to -0.8": y_changed[0, 0]},
    over={"token 20 turned from 0.8 to -0.8": y[0, 0]},
    over_label="output before the change",
    title="The past does not move",
)

# %% [markdown]
# ## 2. The matrix: echoes as columns
#
# A linear map from $L$ numbers to $L$ numbers is an $L \times L$ matrix, and its column $s$ is what the map
# makes of token $s$ alone. We have just seen what that is: the filter, started at row $s$. So the matrix is
#
# $$ (S_h)_{ij} = h_{i-j} \ \text{ for } i \ge j, \qquad (S_h)_{ij} = 0 \ \text{ for } i < j, \qquad
#    y = S_h\, u . $$
#
# The paper calls it $S_h$ (Sec. 2). A matrix whose entry depends on $i - j$ only, so that every diagonal is
# constant, is a *Toeplitz* matrix. Causality is the empty upper triangle. `toeplitz` builds it.

# %%
S = toeplitz(h)  # (D, L, L)

assert relative_error(S[0] @ u[0, 0], y[0, 0]) < 1e-12
assert relative_error(causal_conv_matrix(u, h), y) < 1e-12
assert float(S[0, 12, 9]) == ringing[12 - 9] == float(S[0, 23, 20])  # the same lag, the same number
matrix_image(S[0], "The Toeplitz matrix of the filter h")

# %% [markdown]
# Read it by rows or by columns. Row $t$ holds the weights with which output $t$ reads the past: the filter
# backwards. Column $s$ holds the echo of token $s$: the filter forwards, as in the picture before. (Further
# down, where several matrices stand in a row, their axes are left out. They are the same: outputs down,
# inputs across; white is 0, red is positive, blue is negative. Each matrix has its own scale, and below it
# stands its largest entry.)
#
# Compare it with what you may know from attention: there, each row holds weights that depend on the tokens.
# Here the weights depend on the lag alone, whatever the tokens are. That is the weakness that Hyena's gates
# repair. The next cell shows that more convolutions do not repair it: two in a row are one convolution with
# another filter.

# %%
g = backend.asarray(((position % 7 == 0) * 0.9**position)[None, :])  # a second filter: an echo every 7 tokens
product = toeplitz(g)[0] @ S[0]
combined = causal_conv_loop(h[:, None, :], g)[:, 0, :]  # the filter g * h, (D, L)

assert relative_error(product, toeplitz(combined)[0]) < 1e-12
matrix_row(
    [product, toeplitz(g)[0], S[0]],
    ["$S_{g * h}$", "$S_g$", "$S_h$"],
    ["=", "·"],
    "Two convolutions in a row are one convolution",
)

# %% [markdown]
# The product is constant along its diagonals again. Hyena therefore puts a *gate* between two convolutions:
# it multiplies position $t$ by a number $x_t$ that is computed from the tokens. As a matrix, that is $D_x$,
# with the $x_t$ on its diagonal and zeros elsewhere (Def. 3.1 and the matrix form below it). Run the cell:
# does the product keep its constant diagonals?

# %%
gate = backend.asarray(np.diag(rng.standard_normal(L)))
gated = toeplitz(g)[0] @ gate @ S[0]

diagonals = {
    name: np.diag(to_numpy(M), -14) for name, M in {"without a gate": product, "with a gate": gated}.items()
}
for name, entries in diagonals.items():
    print(f"{name:>14}: the entries of lag 14 are between {entries.min():+.3f} and {entries.max():+.3f}")
assert np.ptp(diagonals["without a gate"]) < 1e-12 < np.ptp(diagonals["with a gate"])
matrix_row(
    [gated, toeplitz(g)[0], gate, S[0]],
    ["not Toeplitz", "$S_g$", "$D_x$", "$S_h$"],
    ["=", "·", "·"],
    "A gate between them makes something new",
)

# %% [markdown]
# ## 3. The cyclic cousin: a circulant matrix
#
# The matrix is simple to look at and expensive to use: $L^2$ entries for $L$ numbers in and out. The fast way
# begins with a small change. Let the echo that would run over the end come in again at the beginning, as on a
# clock:
#
# $$ (C_h)_{ij} = h_{(i-j) \bmod n} . $$
#
# Here $n$ is the size of the matrix and "mod" is the remainder of a division, so lag $-1$ becomes lag
# $n - 1$. Such a matrix is called *circulant*, and `circulant` builds it.

# %%
C = circulant(h)  # (D, L, L); n = L

assert relative_error(np.tril(to_numpy(C[0])), S[0]) < 1e-12  # below the diagonal nothing has changed
assert float(C[0, 0, L - 1]) == ringing[1]  # token L-1 speaks to output 0, which comes before it
matrix_pair(S[0], C[0], ("Toeplitz: echoes end at the end", "circulant: echoes come in again"))

# %% [markdown]
# The new entries sit above the diagonal, in the upper right corner: late tokens reach early outputs. For a
# language model that is a disaster, because the answer leaks into the question. Watch a token near the end:

# %%
late = backend.asarray(np.where(position == 27, 1.0, 0.0))
causal, cyclic = S[0] @ late, C[0] @ late

assert not to_numpy(causal)[:27].any()
assert to_numpy(cyclic)[:20].any()
signals(
    {
        "only token 27 speaks": late,
        "Toeplitz: the echo is cut off at the end": causal,
        "circulant: the rest of the echo arrives before the token spoke": cyclic,
    },
    title="On a clock, the end speaks to the beginning",
)

# %% [markdown]
# ## 4. What a circulant matrix leaves in shape
#
# Why look at a matrix with such a flaw? Because it has beautiful eigenvectors: vectors that it only scales.
#
# Take a wave that goes round the clock a whole number of times, $k$, in $n$ steps. Written with complex
# numbers it is
#
# $$ w^{(k)}_t = e^{2 \pi i\, k t / n} = \cos(2 \pi k t / n) + i \sin(2 \pi k t / n), \qquad
#    k = 0, \ldots, n - 1 . $$
#
# It is called a *Fourier mode*. Delay it cyclically by $s$ positions, and every entry is multiplied by one
# and the same number, $e^{-2 \pi i k s / n}$: on a clock, a delay is a turn. A circulant matrix adds up
# delays, with weights $h_s$. So it multiplies the mode by the sum of those numbers,
#
# $$ C_h\, w^{(k)} = \hat h_k\, w^{(k)}, \qquad \hat h_k = \sum_{s=0}^{n-1} h_s\, e^{-2 \pi i\, k s / n} . $$
#
# The list of eigenvalues $\hat h_0, \ldots, \hat h_{n-1}$ is the *discrete Fourier transform* (DFT) of $h$,
# also called its *spectrum*; NumPy computes it with `np.fft.fft`. Check it for all modes at once: they are
# the columns of a matrix $W$.

# %%
n = L
W = np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)  # column k is the mode that turns k times
h_hat = np.fft.fft(ringing)
matrix = to_numpy(C)[0]

assert relative_error(matrix @ W, W * h_hat) < 1e-12  # every column is scaled by its own number
k = 3
delayed = np.roll(W[:, k], 1)
assert relative_error(delayed, np.exp(-2j * np.pi * k / n) * W[:, k]) < 1e-12  # a delay is a turn
after = f"$C_h$ times the mode: {abs(h_hat[k]):.2f} times as high, shifted"
signals(
    {f"mode {k} (real part)": W[:, k].real, after: (matrix @ W[:, k]).real},
    over={after: (h_hat[k] * W[:, k]).real},
    over_label=r"$\hat{h}_3$ times the mode",
    title="A wave in, the same wave out",
)

# %% [markdown]
# The wave comes out as the same wave. Only its height (the size of $\hat h_k$) and its position on the clock
# (the angle of $\hat h_k$) have changed.
#
# All modes at once: write $\operatorname{diag}(\hat h)$ for the matrix with $\hat h$ on its diagonal and
# zeros elsewhere. Then $C_h W = W \operatorname{diag}(\hat h)$, in other words
#
# $$ C_h = W \, \operatorname{diag}(\hat h) \, W^{-1} . $$
#
# Read it from the right: translate a signal from positions into modes, scale every mode by its own number,
# translate back. The picture shows the four matrices (of complex numbers, their real parts or their sizes).

# %%
W_inverse = np.conj(W) / n  # modes are orthogonal (the next line checks it), so the inverse costs nothing
assert relative_error(W @ W_inverse, np.eye(n)) < 1e-12
assert relative_error(W @ np.diag(h_hat) @ W_inverse, matrix) < 1e-12
matrix_row(
    [matrix, W.real, np.diag(np.abs(h_hat)), W_inverse.real],
    ["$C_h$", "$W$ (real part)", r"$\mathrm{diag}(\hat{h})$ (sizes)", "$W^{-1}$ (real part)"],
    ["=", "·", "·"],
    "A circulant matrix is diagonal in Fourier modes",
)

# %% [markdown]
# In modes, $n$ numbers do what $n^2$ did before. And the translation, which as a matrix product would cost
# $n^2$ again, has a famous short cut: the *fast Fourier transform* does it in about $n \log_2 n$ steps.
#
# ## 5. The fast way, and its flaw
#
# So here is a recipe: translate both sequences into modes ($\mathcal F$, the DFT, is $n W^{-1}$ as a matrix),
# multiply, translate back,
#
# $$ \mathcal F^{-1}\big(\mathcal F(h) \odot \mathcal F(u)\big) = C_h\, u , $$
#
# where $\odot$ multiplies entry by entry. For real sequences half of the modes suffice, because the other
# half are their complex conjugates (the same number with the sign of $i$ turned); `rfft` and `irfft` use
# that. The result is the circulant product, **not** the causal one:

# %%
u = backend.asarray(rng.standard_normal((1, 1, L)))
y = causal_conv_loop(u, h)
naive = irfft(rfft(h, L) * rfft(u, L), L)

wrong = relative_error(naive, y)
assert relative_error(W_inverse @ ringing * n, h_hat) < 1e-12  # the DFT as a matrix
assert relative_error(np.conj(h_hat[1:][::-1]), h_hat[1:]) < 1e-12  # the second half mirrors the first
assert relative_error(naive, u @ C[0].T) < 1e-12
assert wrong > 0.1
print(f"against the circulant matrix: {relative_error(naive, u @ C[0].T):.0e}")
print(f"against the causal convolution: {wrong:.0e}")
signals(
    {"transform of length L": naive[0, 0]},
    over={"transform of length L": y[0, 0]},
    over_label="causal convolution",
    title="The tail has wrapped round into the beginning",
)

# %% [markdown]
# At the beginning the two disagree; towards the end they agree the better, the more the filter has faded. The
# remedy: put zeros behind both sequences, so that the tail has somewhere to go. Transform with length
# $n > L$, and keep the first $L$ entries.
#
# How long must $n$ be? The last echo starts at position $L-1$ and has $L$ entries, so it ends at $2L - 2$: a
# clock with $2L - 1$ positions has room for all. The four matrices below are what a transform of length $n$
# really multiplies with: column $s$ is what comes out where only token $s$ speaks.

# %%
each_token = backend.asarray(np.eye(L)[None, :, :])  # row s: only token s speaks


def matrix_of_transform(n):
    """The L x L matrix that zero-padding to n, multiplying spectra and cutting to L amounts to."""
    return irfft(rfft(h, n)[:, None, :] * rfft(each_token, n), n)[0, :, :L].T


sizes = (L, 5 * L // 4, 3 * L // 2, 2 * L - 1)
pictures = [matrix_of_transform(n) for n in sizes]
assert relative_error(pictures[0], C[0]) < 1e-12
assert relative_error(pictures[-1], S[0]) < 1e-12
matrix_row(
    pictures,
    [f"n = {n}" for n in sizes],
    title=f"Longer transforms push the leak out of the corner (L = {L})",
)

# %% [markdown]
# The forbidden corner shrinks and disappears at $n = 2L - 1$, where the Toeplitz matrix is all that is left.
# Another way to say it: the Toeplitz matrix is the upper left block of a circulant matrix that is nearly
# twice as large.

# %%
padded = backend.asarray(np.concatenate([ringing, np.zeros(L - 1)])[None, :])  # h, and zeros up to 2L - 1
large = to_numpy(circulant(padded))[0]
assert np.array_equal(large[:L, :L], to_numpy(S)[0])
matrix_image(
    large,
    f"Circulant matrix of the padded filter, n = {2 * L - 1}: $S_h$ ends at the ring",
    marks=[(L - 1, L - 1)],
)

# %% [markdown]
# ## 6. The cliff
#
# How wrong is a transform that is only a little too short? Here is the error for every length $n$ from $L$ to
# beyond $2L - 1$, for three filters: one that never fades, one that fades over half the sequence, one that
# fades over an eighth. The true answer comes from the loop. Before you run it: which of the three hides the
# mistake best?

# %%
L = 64
lag = np.arange(L)
u = backend.asarray(rng.standard_normal((1, 3, L)))
fading = np.stack([np.ones(L), np.exp(-lag / (L / 2)), np.exp(-lag / (L / 8))])
h = backend.asarray(fading * rng.standard_normal((3, L)))  # (D, L): three filters in three channels
y = causal_conv_loop(u, h)

lengths = np.arange(L, 2 * L + 9)
outputs = {int(n): irfft(rfft(h, int(n)) * rfft(u, int(n)), int(n))[..., :L] for n in lengths}
error = np.array([[relative_error(got[:, d], y[:, d]) for got in outputs.values()] for d in range(3)])

too_short = lengths < 2 * L - 1
assert error[:, ~too_short].max() < 1e-12
assert (error[:, too_short][:, -1] > 1e9 * error[:, ~too_short].max(axis=1)).all()
names = ("never fades", "fades over L/2", "fades over L/8")
lines(
    lengths,
    dict(zip(names, error, strict=True)),
    f"transform length n (L = {L})",
    "relative error",
    "One entry too short is too short",
    log_y=True,
    marks={"n = 2L - 1": 2 * L - 1},
)

# %% [markdown]
# A cliff of nine powers of ten and more, at exactly $2L - 1$. To its right the error is rounding, near
# $10^{-16}$.
#
# The filter that fades quickly is the dangerous one: its tail is small, so a wrong length passes unnoticed,
# until a longer filter comes along. And the mistake is not spread out evenly. With length $n$ exactly the
# first $2L - 1 - n$ outputs are wrong, the ones that a leak from the future reaches:

# %%
wrong_outputs = {n: np.abs(to_numpy(got - y))[0, 0] > 1e-9 for n, got in outputs.items()}
for n in lengths[too_short]:
    expected = np.arange(L) < 2 * L - 1 - n
    assert np.array_equal(wrong_outputs[int(n)], expected)

n = 3 * L // 2
print(f"n = {n}: {wrong_outputs[n].sum()} wrong outputs, 2L - 1 - n = {2 * L - 1 - n}")
short = f"transform of length {n}, with L = {L}"
signals(
    {short: outputs[n][0, 0], "difference from the causal convolution": (outputs[n] - y)[0, 0]},
    over={short: y[0, 0]},
    over_label="causal convolution",
    title="Exactly the first outputs are wrong",
)

# %% [markdown]
# `fftconv` is this recipe with a safe length: the next length from $2L - 1$ on that has only the prime
# factors 2, 3 and 5, because the fast transform works by splitting lengths into factors (the third thing to
# try, at the end, shows how much that matters). It returns the
# output and a *cache*, the intermediate results that a gradient will need (notebook 4). With it the ladder of
# this notebook is complete:

# %%
by_fft, cache = fftconv(u, h)
by_matrix = causal_conv_matrix(u, h)
zeros = ((0, 0), (0, cache.n - L))
large = circulant(backend.asarray(np.pad(to_numpy(h), zeros)))  # (D, n, n)
by_circulant = (large @ backend.asarray(np.pad(to_numpy(u)[0], zeros))[..., None])[None, :, :L, 0]
ladder = {
    "loop → Toeplitz matrix": relative_error(by_matrix, y),
    "Toeplitz → padded circulant": relative_error(by_circulant, by_matrix),
    "padded circulant → FFT": relative_error(by_fft, by_circulant),
}
assert max(ladder.values()) < 1e-12
assert cache.n >= 2 * L - 1
assert 30**10 % cache.n == 0  # 2, 3 and 5 are its only prime factors
print(f"L = {L}, 2L - 1 = {2 * L - 1}, length used: {cache.n}")
error_ladder(ladder)

# %% [markdown]
# ## 7. What each way costs
#
# Three ways, one result. Now time them, here, on your machine. Counting operations predicts ("about" leaves
# out constant factors):
#
# | way | multiplications | so, twice the length costs |
# |---|---|---|
# | loop, matrix | about $L^2$ | 4 times as much |
# | FFT | about $L \log_2 L$ | a little more than twice |
#
# On logarithmic axes a power of $L$ is a straight line, and its slope is the exponent. So we expect slopes
# near 2, 2 and a little over 1. (The matrix is built beforehand; only the product with it is timed.)


# %%
def seconds(f, *arrays, repeats=5):
    """Best of a few runs, each of a millisecond or more (a browser's clock ticks slowly)."""
    took = []
    for _ in range(repeats):
        start, calls = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < 1e-3 or not calls:
            to_numpy(f(*arrays))  # fetching the result waits for a GPU
            calls += 1
        took.append(passed / calls)
    return min(took)


sizes = [2**p for p in range(5, 18)]
cost = {"loop": [], "matrix": [], "FFT": []}
for size in sizes:
    h = backend.asarray(rng.standard_normal((1, size)))
    u = backend.asarray(rng.standard_normal((1, 1, size)))
    cost["loop"].append(seconds(causal_conv_loop, u, h, repeats=2) if size <= 256 else np.nan)
    cost["matrix"].append(seconds(backend.xp.matmul, toeplitz(h), u[0, 0]) if size <= 2048 else np.nan)
    cost["FFT"].append(seconds(lambda u, h: fftconv(u, h)[0], u, h))

assert cost["loop"][3] > 10 * cost["FFT"][3]  # L = 256
cost_against_length(sizes, cost, "Three ways to the same numbers, measured here")

# %% [markdown]
# From which length on does the transform win against the matrix on your machine? The loop stops early in the
# picture, because nobody wants to wait. (Measured slopes wobble a little: fixed costs lower them at short
# lengths, and arrays that outgrow the processor's cache raise them at long ones.)
#
# The matrix stops early for another reason, memory: it stores $L^2$ numbers where the filter has $L$. The
# next cell counts the numbers, and extrapolates to a long text. (The two spectra of the FFT, of $u$ and of
# $h$, are what its cache holds.)

# %%
sizes = [2**p for p in range(6, 12)]
stored = {"Toeplitz matrix": [], "two spectra": []}
for size in sizes:
    h = backend.asarray(np.ones((1, size)))
    spectra = fftconv(h[None], h)[1]
    stored["Toeplitz matrix"].append(np.prod(toeplitz(h).shape))
    # a complex number is two numbers
    stored["two spectra"].append(2 * np.prod(spectra.u_f.shape) + 2 * np.prod(spectra.h_f.shape))

assert stored["Toeplitz matrix"] == [size**2 for size in sizes]
for name, counts in stored.items():
    print(f"{name:>15}: {counts[-1]:>9,} numbers at L = {sizes[-1]:,}")
print(f"At L = 65,536 the matrix would fill {65536**2 * 8 / 2**30:.0f} GiB (8 bytes a number).")
cost_against_length(sizes, stored, "What each way must store", "numbers")

# %% [markdown]
# ## What you have now
#
# - A causal convolution is a lower-triangular Toeplitz matrix; the matrix is for understanding, not for
#   computing.
# - Its circulant cousin is diagonal in Fourier modes, with the DFT of the filter on the diagonal.
# - Zeros up to at least $2L - 1$ turn the cousin into the real thing; one zero fewer lets the future leak.
# - The fast way costs $O(L \log_2 L)$. An order-$N$ Hyena operator does it $N$ times (Algorithm 3), with
#   gates between them.
#
# One question is open: a filter as long as the text has as many parameters as the text has tokens. Notebook 2
# computes filters instead of storing them.
#
# ## On your own: three things to try
#
# 1. In section 4, put a random vector in place of `W[:, k]` and the ratio `(matrix @ v) / v` beside it. Is it
#    a constant? What does that say about the vector?
# 2. A filter with only 8 entries does not need $2L - 1$. Set `fading[:, 8:] = 0` in section 6, take out its
#    asserts, which know the old cliff only, and find the new one. Can you predict it from $L$ and 8?
#    (`fftconv(u, h[:, :8])[1].n` shows what the package chooses.)
# 3. Time `rfft(u, n)` for `n = 131071`, a prime, and for `n = 131072`. Why does `fftconv` not take $2L - 1$
#    itself?
#
# ## Further reading
#
# - M. Poli et al., *Hyena Hierarchy: Towards Larger Convolutional Language Models*, 2023, Sec. 2 and App. A,
#   [arXiv:2302.10866](https://arxiv.org/abs/2302.10866).
# - R. M. Gray, *Toeplitz and Circulant Matrices: A Review*, 2006: the two kinds of matrices, and how one
#   approaches the other, in a hundred pages.
# - A. V. Oppenheim and R. W. Schafer, *Discrete-Time Signal Processing*, the chapter on the discrete Fourier
#   transform: linear convolution through circular convolution.
# - D. W. Romero et al., *CKConv: Continuous Kernel Convolution for Sequential Data*, 2021,
#   [arXiv:2102.02611](https://arxiv.org/abs/2102.02611): long filters computed by a network, the step that
#   comes next.
