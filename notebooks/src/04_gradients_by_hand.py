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
# # Gradients by hand
#
# Nothing in this package differentiates for you. Every function has a partner that goes backwards, and
# somebody derived it with a pencil. In this notebook you do the derivations that Hyena needs, and then the
# more important half: you learn to *distrust* a gradient until it has passed a test that it could have
# failed.
#
# **What you will do**
#
# - find the gradient of a long convolution from one picture: a matrix and its transpose;
# - follow the gradient back through the network that makes the filters;
# - test gradients in three ways, and measure how good each test is;
# - plant mistakes and see which tests notice;
# - test the whole Hyena operator, parameter by parameter, to the last digits of float64.
#
# **What you will learn**
#
# - why the adjoint of a convolution is a correlation, and why its spectrum is conjugated;
# - why a shared parameter adds up its gradients;
# - why differences have a best step size and the complex step has none;
# - why a backward function must be handed what its forward has kept.
#
# **What you need:** NumPy, the chain rule, and from notebook 1 that a causal convolution is a product with
# a lower-triangular Toeplitz matrix. The paper is *Hyena Hierarchy* (Poli et al., 2023, arXiv 2302.10866);
# it states no gradients, so the numbers below name the equation that is differentiated.

# %%
import numpy as np

from hyena_np import (
    HyenaConfig,
    exponential_window,
    exponential_window_backward,
    fftconv,
    fftconv_backward,
    get_backend,
    hyena,
    hyena_backward,
    hyena_matrix,
    init_hyena,
    linear,
    positional_features,
    projection,
    projection_backward,
    short_conv,
    short_conv_backward,
    sine_network,
    sine_network_backward,
    toeplitz,
    tree_leaves,
    tree_map,
)
from hyena_np.models.params import tree_from_leaves
from hyena_np.plots import error_ladder, lines, matrix_row
from hyena_np.plots.signals import signals

rng = np.random.default_rng(4)


# %% [markdown]
# Parameters live in a *tree*, a dictionary of dictionaries of arrays: `tree_leaves` lists its arrays under
# names like `"linear_0.weight"`, `tree_from_leaves` builds it up again, `tree_map` applies a function to
# every array.
#
# Two small helpers. The inner product $\langle a, b \rangle = \sum_i a_i b_i$ runs over all entries of two
# arrays of one shape; it appears in every test below.


# %%
def inner(a, b):
    """Sum of the products of all entries."""
    return float(np.sum(a * b))


def relative_error(a, b):
    """Largest difference between two arrays, relative to the largest entry of the second."""
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


# %% [markdown]
# ## 1. What a gradient has to do
#
# Somewhere above our function a single number is computed, the loss $\ell$. We are told how the loss reacts
# to the *output* $y$ of our function: the array $dy = \partial \ell / \partial y$, of the shape of $y$. We
# owe the answer how it reacts to the *input*: $du = \partial \ell / \partial u$, of the shape of $u$. That
# is all that a backward function does. (In this package `dx` always means "gradient of the loss by `x`".)
#
# Let the function be linear, $y = T u$ with a matrix $T$. Move the input by a little, $\delta u$. The
# output moves by $T\, \delta u$, and the loss by
#
# $$\delta \ell = \langle dy,\; T\, \delta u \rangle = \langle T^\top dy,\; \delta u \rangle .$$
#
# The second step only says that a sum over rows and columns can be taken in either order. So
# $du = T^\top dy$: **the gradient of a linear function is the transposed matrix, applied to $dy$.** Where
# nobody writes the matrix down, one says *adjoint* instead of transpose.

# %% [markdown]
# ## 2. The adjoint of a convolution is a correlation
#
# The causal convolution (Sec. 2 of the paper), here `fftconv(u, h)`, is $y = S_h u$, where the Toeplitz
# matrix has $h_{t-s}$ in row $t$ and column $s$, for $s \le t$:
#
# $$y_t = \sum_{s \le t} h_{t-s}\, u_s$$
#
# By section 1 its gradient is $du = S_h^\top dy$. Before you read on: which half of $S_h^\top$ is filled,
# and what does that mean for time?

# %%
L = 48
t = np.arange(L)
h = np.exp(-t / 7) * np.cos(t / 2.5)  # one filter: a decaying oscillation
S = toeplitz(h[None])[0]
matrix_row(
    [S, S.T],
    ["forward $S_h$: looks back", r"backward $S_h^\top$: looks ahead"],
    title="A convolution and its adjoint",
)

# %% [markdown]
# Row $s$ of the transpose collects from all outputs $t \ge s$, that is, from everything that $u_s$ has
# influenced:
#
# $$du_s = \sum_{t \ge s} h_{t-s}\, dy_t$$
#
# A sum in which the two indices run in the same direction is called a *correlation*. `fftconv_backward`
# computes it, in $O(L \log L)$ steps as the forward does. It also returns the gradient of the filter, and
# of the skip term if there is one.

# %%
B, D = 3, 2
u = rng.standard_normal((B, D, L))
filters = rng.standard_normal((D, L)) * np.exp(-t / 7)
dy = rng.standard_normal((B, D, L))  # what the loss tells us

y, cache = fftconv(u, filters)
du, dfilters, _ = fftconv_backward(dy, cache)
by_transpose = (np.matrix_transpose(toeplitz(filters)) @ dy[..., None])[..., 0]
print(f"du against the transposed matrix: {relative_error(du, by_transpose):.1e}")
assert relative_error(du, by_transpose) < 1e-12

# %% [markdown]
# **What it looks like.** Suppose that the loss listens to one output only, position 30. Forward, a token at
# 30 leaves a copy of the filter *behind* it, at later positions. Backward, the blame for position 30 is
# spread over *earlier* positions, with the filter in mirror writing.

# %%
impulse = np.zeros((1, 1, L))
impulse[..., 30] = 1.0
echo, cache = fftconv(impulse, h[None])
blame, _, _ = fftconv_backward(impulse, cache)
signals(
    {
        "one token, at position 30": impulse[0, 0],
        "forward: its echo, $h * u$": echo[0, 0],
        "backward: who is to blame for position 30": blame[0, 0],
    },
    title="Influence runs forwards in time, blame runs backwards",
)

# %% [markdown]
# Mirror writing suggests a recipe: turn time round, convolve, turn it round again. It is exact.

# %%
mirrored, _ = fftconv(dy[..., ::-1].copy(), filters)
assert relative_error(mirrored[..., ::-1], du) < 1e-12
print("flip, convolve, flip: the same gradient")

# %% [markdown]
# **The gradient of the filter** needs no new idea. A convolution does not care which of its two arguments
# is called the filter: $h * u = u * h$, so $y = S_u h$ with the Toeplitz matrix of the *signal*, and
# $dh = S_u^\top dy$. One filter serves all $B$ examples of a batch, so their gradients add up:
#
# $$dh_k = \sum_b \sum_t dy_{b,t+k}\, u_{b,t}$$

# %%
by_transpose = sum((np.matrix_transpose(toeplitz(u[b])) @ dy[b, ..., None])[..., 0] for b in range(B))
print(f"dh against the transposed matrix of the signal: {relative_error(dfilters, by_transpose):.1e}")
assert relative_error(dfilters, by_transpose) < 1e-12

# %% [markdown]
# **Where the conjugate comes from.** Look at `fftconv_backward`, and you find a product of spectra with a
# conjugate in it, `dy_f * conj(h_f)`. The discrete Fourier transform writes a sequence as a sum of waves,
# and gives for each wave a complex number: its size and its phase, that is, how far it is shifted. Turning
# time round keeps all sizes and turns every shift into its opposite, and the opposite phase is the complex
# conjugate.
#
# The cell takes the spectrum of the first 32 lags of $h$, conjugates it, and transforms back. On the circle
# of $n$ positions that the transform lives on, lag $-k$ is position $n - k$: the mirrored filter shows up
# at the far end.

# %%
n = 64
padded = np.concatenate([h[: n // 2], np.zeros(n // 2)])
reversed_by_conjugate = np.fft.irfft(np.conj(np.fft.rfft(padded)), n)
assert np.allclose(reversed_by_conjugate, padded[-np.arange(n)], rtol=0, atol=1e-13)
signals(
    {
        "the filter $h$, padded with zeros": padded,
        "from the conjugated spectrum: lag 0 stays, the rest is mirrored": reversed_by_conjugate,
    },
    title="Conjugating a spectrum turns time round",
    x_label="position on the circle",
)

# %% [markdown]
# ## 3. First test: the adjoint identity
#
# How do you test a backward function of a linear operation without building its matrix? Read section 1 once
# more: for *any* $x$ and *any* $y$,
#
# $$\langle T x,\; y \rangle = \langle x,\; T^\top y \rangle .$$
#
# Choose both at random, and compare two numbers. There is no step size and no approximation, so the two
# must agree to rounding. Here are the linear parts of the operator: the convolution in each of its
# arguments, and from Algorithm 1 the dense projection (`projection`) and the short convolution
# (`short_conv`), each in its input and in its weights. Biases are set to 0, because $T x + b$ is not
# linear.


# %%
def mismatch(forward_side, backward_side, size):
    """How far two inner products are apart, relative to the largest value that they could have."""
    return abs(forward_side - backward_side) / size


def adjoint_errors(name, y, dy, **pairs):
    """The identity for each (argument, its gradient) in which y is linear."""
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    return {f"{name}, in {key}": mismatch(inner(y, dy), inner(*pair), size) for key, pair in pairs.items()}


y, cache = fftconv(u, filters)
du, dfilters, _ = fftconv_backward(dy, cache)
errors = adjoint_errors("fftconv", y, dy, u=(u, du), h=(filters, dfilters))

tokens, weight = rng.standard_normal((B, L, D)), rng.standard_normal((3 * D, D))
z, cache = projection(tokens, weight, np.zeros(3 * D))
dz = rng.standard_normal(z.shape)
dtokens, dweight, _ = projection_backward(dz, cache)
errors |= adjoint_errors("projection", z, dz, u=(tokens, dtokens), weight=(weight, dweight))

# %%
taps = rng.standard_normal((D, 1, 3))
z, cache = short_conv(u, taps, np.zeros(D))
dz = rng.standard_normal(z.shape)
dinput, dtaps, _ = short_conv_backward(dz, cache)
errors |= adjoint_errors("short_conv", z, dz, x=(u, dinput), weight=(taps, dtaps))
assert max(errors.values()) < 1e-12
error_ladder(errors, title="The adjoint identity: two numbers, equal to rounding")

# %% [markdown]
# This test says that a backward belongs to its forward. Whether the *forward* is right is another question,
# and notebook 1 answers it.

# %% [markdown]
# ## 4. Back through the filter network
#
# Hyena's filters are computed by a small network with sine activations (Sec. 3.3 and App. D.3, the network
# inside eq. (7)), `sine_network`. From one layer to the next,
#
# $$x^i = W_i\, a^i + b_i, \qquad a^{i+1} = \sin(\omega \odot x^i)$$
#
# Here $a^0$ are features of the position, $W_i$ and $b_i$ are the weights and biases of layer $i$, and
# $\odot$ multiplies entry by entry. The upper numbers count layers; they are not powers. The vector
# $\omega$ holds one frequency for each neuron, and **all layers share it**. The last layer has no sine.
#
# Now backwards. We are given $da^{i+1}$ and go through the line above from right to left:
#
# - from $a^{i+1} = \sin(\omega \odot x^i)$ follow
#
# $$d\omega \mathrel{+}= \sum_t x^i \odot \cos(\omega \odot x^i) \odot da^{i+1}, \qquad
# dx^i = \omega \odot \cos(\omega \odot x^i) \odot da^{i+1}$$
#
# - from $x^i = W_i\, a^i + b_i$ follow
#
# $$dW_i = dx^i\, (a^i)^\top, \qquad db_i = \sum_t dx^i, \qquad da^i = W_i^\top dx^i$$
#
# The sums run over the positions $t$, because one set of weights serves all positions. The factor
# $\omega \cos(\omega x)$ is the slope of the sine. Where the sine turns, at its tops and bottoms, the slope
# is 0 and no gradient passes.

# %%
emb_dim, width = 9, 16  # features of a position, neurons of a layer
z, _ = positional_features(L, emb_dim, h)  # (1, L, emb_dim)
shapes = {"linear_0": (width, emb_dim), "linear_1": (width, width), "linear_2": (width, width)}
net = {
    name: {"weight": rng.standard_normal(shape) / np.sqrt(shape[1]), "bias": rng.standard_normal(width)}
    for name, shape in shapes.items()
}
net["linear_3"] = {"weight": rng.standard_normal((D, width)) / np.sqrt(width)}
net["freq"] = 2.0 + 0.3 * rng.standard_normal((1, width))

raw, cache = sine_network(z[0], net)  # (D, L): one raw filter a channel
neuron, omega = 5, net["freq"][0, 5]
x0 = cache.preactivations[0][neuron]
signals(
    {
        r"phase $\omega x$ of neuron 5, first layer": omega * x0,
        r"activation $\sin(\omega x)$": np.sin(omega * x0),
        r"slope $\omega\,\cos(\omega x)$: what gets back": omega * np.cos(omega * x0),
    },
    title="Where the sine turns, the gradient stops", share_y=False,
)  # fmt: skip

# %% [markdown]
# **The shared frequency collects from every layer.** The sign $+\!=$ above is the whole secret of shared
# parameters: $\omega$ has an influence through each layer, and the influences add.
#
# We can see the shares without opening the backward function. In layer $i$, neuron $m$ sees $\omega_m$ only
# in the products $\omega_m W_{mj}$ and $\omega_m b_m$. To turn up $\omega_m$ by one percent *in this layer
# only* is therefore the same as to turn up row $m$ of $W_i$ and $b_i$ by one percent, and for those
# `sine_network_backward` returns gradients. So
#
# $$\text{share of layer } i \text{ in } d\omega_m =
# \frac{1}{\omega_m} \Big( \sum_j W_{mj}\, dW_{mj} + b_m\, db_m \Big)$$
#
# and the three shares must add up to the gradient of the frequency.

# %%
d_raw = rng.standard_normal(raw.shape)  # what the loss says about the raw filters
_, dnet = sine_network_backward(d_raw, cache)
shares = {}
for i in range(3):
    layer, dlayer = net[f"linear_{i}"], dnet[f"linear_{i}"]
    through_weights = np.sum(layer["weight"] * dlayer["weight"], axis=1)
    shares[f"through layer {i}"] = (through_weights + layer["bias"] * dlayer["bias"]) / net["freq"][0]
total = sum(shares.values())
error = relative_error(total, dnet["freq"][0])
print(f"sum of the shares against the returned gradient: {error:.1e}")
assert error < 1e-12

signals(
    shares | {r"sum of the three: $d\omega$": total}, over={r"sum of the three: $d\omega$": dnet["freq"][0]},
    over_label="sine_network_backward", title="One frequency, three layers, one sum", x_label="neuron m",
)  # fmt: skip

# %% [markdown]
# ## 5. Second and third test: one direction
#
# The sine network is not linear, so the adjoint identity does not apply. But the definition of the
# derivative does. Pick a random direction $d$ of length 1 in the space of all parameters $p$, and walk a
# step $\varepsilon$ along it:
#
# $$\frac{\ell(p + \varepsilon d) - \ell(p - \varepsilon d)}{2 \varepsilon}
# \approx \langle \nabla \ell,\; d \rangle$$
#
# On the left two evaluations of the *forward*, on the right the *backward*: again two numbers, whatever the
# number of parameters. ($\nabla \ell$ is the gradient by all of them together.) How small should
# $\varepsilon$ be? Make a guess before you look at the picture.
#
# There is a trick that makes the question go away. Walk in the *imaginary* direction ($i$ is now the
# imaginary unit):
#
# $$\ell(p + i \varepsilon d) = \ell(p) + i \varepsilon\, \langle \nabla \ell, d \rangle
# - \tfrac{1}{2} \varepsilon^2\, (\dots) - \tfrac{1}{6} i\, \varepsilon^3\, (\dots) + \dots$$
#
# $$\frac{\mathrm{Im}\; \ell(p + i \varepsilon d)}{\varepsilon} \approx \langle \nabla \ell,\; d \rangle$$
#
# Nothing is subtracted, so nothing cancels, and $\varepsilon$ may be absurdly small. It works wherever the
# function is *analytic*, that is, made of sums, products, powers, sines and exponentials, and wherever the
# code accepts complex numbers. `sine_network` does.

# %%
direction = tree_map(lambda p: rng.standard_normal(p.shape), net)
length = np.sqrt(sum(inner(d, d) for d in tree_leaves(direction).values()))
direction = tree_map(lambda d: d / length, direction)
slope = sum(inner(tree_leaves(dnet)[name], d) for name, d in tree_leaves(direction).items())


def loss_at(step):
    """The loss <d_raw, raw filters> after a step along the direction; the step may be complex."""
    moved = tree_map(lambda p, d: p + step * d, net, direction)
    features = z[0].astype(complex) if isinstance(step, complex) else z[0]
    return np.sum(d_raw * sine_network(features, moved)[0])


steps = 10.0 ** np.arange(-16, 0.1, 0.5)
central = np.array([(loss_at(e) - loss_at(-e)) / (2 * e) for e in steps])
imaginary = np.array([np.imag(loss_at(1j * e)) / e for e in steps])
error_central, error_imaginary = (np.abs(estimate - slope) / abs(slope) for estimate in (central, imaginary))

# %%
curves = {"central differences": error_central, "complex step": error_imaginary}
lines(
    steps,
    {name: np.maximum(curve, 1e-17) for name, curve in curves.items()},  # a logarithmic axis has no 0
    x_label=r"step size $\varepsilon$",
    y_label="relative error",
    title="Differences have a best step, the complex step has none",
    log_x=True,
    log_y=True,
    marks={r"$10^{-16/3}$": 10 ** (-16 / 3)},
)

# %% [markdown]
# The V has two arms. On the right the step is too long and the curve is not straight: the error falls with
# $\varepsilon^2$. On the left the step is too short: float64 keeps 16 digits, two nearly equal numbers are
# subtracted, and what is lost is divided by $\varepsilon$. The arms meet where
# $\varepsilon^2 \approx 10^{-16} / \varepsilon$, that is near $10^{-16/3}$, and there about ten digits are
# right.
#
# The complex step has the right arm only. Below $10^{-8}$ it is as good as the number format. The cell
# checks the statements, down to a step of $10^{-30}$.

# %%
best = int(np.argmin(error_central))
print(f"differences: best error {error_central[best]:.0e}, at a step of {steps[best]:.0e}")
print(f"complex step: largest error for steps up to 1e-8 {error_imaginary[steps < 1.1e-8].max():.0e}")
assert error_central[(steps > 0.9e-6) & (steps < 1.1e-4)].max() < 1e-7  # the bottom of the V
assert error_central[steps < 1.1e-12].max() > 1e-5  # its left arm
assert error_central[steps > 0.09].min() > 1e-5  # its right arm
assert error_imaginary[steps < 1.1e-8].max() < 1e-13
assert abs(np.imag(loss_at(1e-30j)) / 1e-30 - slope) < 1e-13 * abs(slope)

tens = error_central[(steps > 0.9e-3) & (steps < 0.11)]  # half a power of ten from point to point
steepness = np.mean(np.diff(np.log10(tens))) / 0.5
print(f"right arm: the error grows like the step to the power {steepness:.2f}")
assert abs(steepness - 2) < 0.05

# %% [markdown]
# **A test can be wrong, too.** The window that damps the filters (eq. (7)) is $e^{-\tau |\delta|}$, with
# time $\tau$ and a decay rate $\delta$, and an absolute value is not analytic: for complex numbers it means
# something else. See what the complex step makes of it.

# %%
tau, delta = np.linspace(0, 1, L), np.array([-3.0, -9.0])
dwindow = rng.standard_normal((2, L))
along = np.array([1.0, -0.5])
_, cache = exponential_window(tau, delta)
_, ddelta = exponential_window_backward(dwindow, cache)

e = 1e-6
up, down = (exponential_window(tau, delta + s * e * along)[0] for s in (1, -1))
shifted, _ = exponential_window(tau.astype(complex), delta + 1e-30j * along)
by_difference = inner(dwindow, up - down) / (2 * e)
by_complex_step = inner(dwindow, shifted.imag) / 1e-30
results = {"backward": inner(ddelta, along), "differences": by_difference, "complex step": by_complex_step}
print(", ".join(f"{name} {value:.9f}" for name, value in results.items()))
assert abs(by_difference - inner(ddelta, along)) < 1e-7 * abs(by_difference)
assert by_complex_step == 0.0

# %% [markdown]
# Two against one, and the one is the complex step, which is exactly 0. Know what a test asks of the
# function before you believe it.

# %% [markdown]
# ## 6. Wrong gradients, caught
#
# A test that has never failed has not shown that it can. Here are four wrong gradients of the convolution,
# all of them easily made:
#
# - the conjugate forgotten: a second convolution instead of a correlation;
# - everything shifted by one position;
# - a factor of 2;
# - the last position lost.
#
# All of them have the right shape. To see them, we use a loss that listens to three outputs, at positions
# 16, 30 and 47; the rings show what is right.


# %%
def suspects(dy, h):
    """The right gradient by the input of a convolution, and four wrong ones."""
    right = fftconv_backward(dy, fftconv(dy, h)[1])[0]  # the input of the forward does not matter here
    return {
        "correct": right,
        "conjugate forgotten": fftconv(dy, h)[0],
        "shifted by one": np.roll(right, 1, axis=-1),
        "factor of 2": 2 * right,
        "last position lost": right * (t < L - 1),
    }


three = np.zeros((1, 1, L))
three[..., [16, 30, 47]] = [1.0, -0.7, 1.0]
shown = {name: gradient[0, 0] for name, gradient in suspects(three, h[None]).items()}
signals(
    shown,
    over={name: shown["correct"] for name in shown if name != "correct"},
    over_label="correct",
    title="One right gradient of a convolution, and four wrong ones",
)

# %% [markdown]
# Now the adjoint identity on each of them, with random numbers:

# %%
y, _ = fftconv(u, filters)
size = np.linalg.norm(y) * np.linalg.norm(dy)
gradients = suspects(dy, filters)
verdicts = {name: mismatch(inner(y, dy), inner(u, gradient), size) for name, gradient in gradients.items()}
assert verdicts["correct"] < 1e-12
assert min(error for name, error in verdicts.items() if name != "correct") > 1e-4
error_ladder(verdicts, title="The adjoint identity, given four wrong gradients")

# %% [markdown]
# All four are caught, by eight orders of magnitude and more. There is no tolerance to fiddle with: right is
# $10^{-16}$, wrong is $10^{-4}$ or more.
#
# **Weak tests.** It is easy to write a test that cannot fail. Suppose that, instead of a random direction,
# we take the one in which every entry is 1, which compares sums; or that we compare lengths,
# $\sqrt{\langle a, a \rangle}$. Which of the four mistakes gets through?

# %%
print(f"{'':22s}{'sums agree':>12s}{'lengths agree':>15s}{'random direction':>18s}")
slipped = []
right = gradients["correct"]
for name, gradient in gradients.items():
    sums = abs(np.sum(gradient) - np.sum(right)) < 1e-9
    lengths = abs(np.linalg.norm(gradient) - np.linalg.norm(right)) < 1e-9
    random = verdicts[name] < 1e-12
    print(f"{name:22s}{sums!s:>12s}{lengths!s:>15s}{random!s:>18s}")
    slipped += [name] if sums and lengths and not random else []
assert slipped == ["shifted by one"]

# %% [markdown]
# A shift changes neither sum nor length. A random direction has no such blind spot: the only directions that
# are blind to a given mistake are those at right angles to it, and to hit one by chance has probability 0.
#
# One more, in the filter network: the gradient of the shared frequency *overwritten* by each layer instead
# of added up, so that only the share of the layer visited last remains. The complex step, along the
# frequency alone:

# %%
only_freq = tree_map(np.zeros_like, net) | {"freq": direction["freq"]}
moved = tree_map(lambda p, d: p + 1e-30j * d, net, only_freq)
true_slope = np.sum(d_raw * sine_network(z[0].astype(complex), moved)[0]).imag / 1e-30
candidates = {
    "added up over the layers": dnet["freq"][0],
    "overwritten by each layer": shares["through layer 0"],
}
verdicts = {
    name: abs(inner(gradient, direction["freq"][0]) - true_slope) / abs(true_slope)
    for name, gradient in candidates.items()
}
assert verdicts["added up over the layers"] < 1e-12 < 1e-3 < verdicts["overwritten by each layer"]
error_ladder(verdicts, title="The shared frequency: += and =")

# %% [markdown]
# ## 7. The whole operator
#
# `hyena_backward` chains the pieces in reverse: output projection, then gate and convolution for as many
# times as the recurrence has steps (Def. 3.1, Algorithm 3), then the filter network, the short convolution
# and the first projection. A gate $z' = x \odot z$ is the product rule: $dz = x \odot dz'$ and
# $dx = z \odot dz'$.
#
# First a look at what must be true of it. The operator is causal (Prop. 3.1): output $t$ depends on inputs
# $s \le t$. So blame for output 12 cannot reach any token after 12.

# %%
config = HyenaConfig(d_model=4, l_max=24, order=3, emb_dim=5, filter_order=8, w=3.0, shift=0.1)
params = init_hyena(config, rng, get_backend("numpy", "float64"))
u = rng.standard_normal((2, 24, 4))  # (B, L, D)
y, cache = hyena(u, params, config)

listen = np.zeros_like(y)
listen[0, 12] = rng.standard_normal(4)  # the loss hears position 12 of the first example only
du, _ = hyena_backward(listen, cache)
size = np.max(np.abs(du), axis=-1)  # (B, L)
signals(
    {
        "what the loss listens to: output 12": np.max(np.abs(listen[0]), axis=-1),
        "largest |gradient| by each input token": size[0],
    },
    title="Causality, seen from behind: no blame for the future", share_y=False,
)  # fmt: skip

# %%
assert np.max(size[0, 13:]) < 1e-12 * np.max(size)
assert np.min(size[0, :13]) > 1e-6 * np.max(size)
assert np.max(size[1]) == 0.0  # and none for the other example
print("tokens 0 to 12 are to blame, tokens 13 to 23 are not, and neither is the other example")

# %% [markdown]
# Now the test. Central differences would do, to nine digits or so. Can we have the complex step? `fftconv`
# refuses complex numbers, because it uses the transform for real ones. But notebook 3 has shown that the
# operator is a matrix, made of sums, products, sines and exponentials:
#
# $$y = \mathrm{Linear}\big(H(u)\, v\big)$$
#
# and `hyena_matrix` accepts complex numbers. So we differentiate the *slow* road by the complex step and
# compare with the hand-made gradient of the *fast* road. The two roads share the forward of the projections
# and of the filter, but not a line of any backward, and no Fourier transform.


# %%
def slow_road(u, params):
    """The operator through its matrix; works for complex numbers."""
    z, _ = projection(u, **params["in_proj"])
    z, _ = short_conv(z, **params["short_filter"])
    v = z[:, -config.d_model :, :]  # the last branch is the value
    H = hyena_matrix(u, params, config)  # (B, D, L, L)
    out, _ = linear(np.matrix_transpose((H @ v[..., None])[..., 0]), **params["out_proj"])
    return out


print(f"slow road against fast road: {relative_error(slow_road(u, params), y):.1e}")
assert relative_error(slow_road(u, params), y) < 1e-12

# %% [markdown]
# Every parameter by itself, each along a random direction. The decay rates hide behind an absolute value,
# so theirs is the one gradient that is tested by differences (section 5 has shown why); its tolerance is
# $10^{-7}$, that of all others $10^{-12}$.

# %%
dy = rng.standard_normal(y.shape)
du, dparams = hyena_backward(dy, cache)
gradients = {"u": du} | tree_leaves(dparams)
values = {"u": u} | tree_leaves(params)


def loss(road, name, offset):
    """<dy, y> with one parameter, or the input, moved by an offset."""
    moved = {key: value.astype(offset.dtype) for key, value in values.items()}
    moved[name] = moved[name] + offset
    return np.sum(dy * road(moved.pop("u"), tree_from_leaves(moved)))


errors = {}
for name, gradient in gradients.items():
    along = rng.standard_normal(gradient.shape)
    if name == "filter.window.deltas":
        up, down = (loss(slow_road, name, step * along) for step in (1e-5, -1e-5))
        found = (up - down) / 2e-5
    else:
        found = loss(slow_road, name, 1e-30j * along).imag / 1e-30
    errors[name] = abs(found - inner(gradient, along)) / (np.linalg.norm(gradient) * np.linalg.norm(along))

# %%
tolerance = {name: 1e-7 if name == "filter.window.deltas" else 1e-12 for name in errors}
assert all(errors[name] < tolerance[name] for name in errors)
error_ladder(errors, tolerance, title="The Hyena operator of order 3: every gradient, judged by another road")

# %% [markdown]
# ## 8. Two forwards before one backward
#
# Backward needs numbers that forward has computed: spectra, gates, activations. Where to keep them? Many a
# tutorial keeps them on the object, `self.cache = ...`. Then comes the day when one layer is used twice
# before the first backward, for instance on two batches whose gradients are to be added up, and the second
# forward overwrites what the first has left.


# %%
class Forgetful:
    """A layer that keeps its cache to itself."""

    def __init__(self, h):
        self.h = h

    def forward(self, u):
        y, self.cache = fftconv(u, self.h)
        return y

    def backward(self, dy):
        return fftconv_backward(dy, self.cache)


first, second, dy = rng.standard_normal((3, 1, 1, L))  # two inputs, and what the loss says about the first
layer = Forgetful(h[None])
layer.forward(first)
layer.forward(second)
_, dh_wrong, _ = layer.backward(dy)  # meant for the first, answered with the second

_, cache_of_first = fftconv(first, h[None])
_, cache_of_second = fftconv(second, h[None])
_, dh_right, _ = fftconv_backward(dy, cache_of_first)

# %%
by_transpose = toeplitz(first[0])[0].T @ dy[0, 0]
assert relative_error(dh_right[0], by_transpose) < 1e-12
assert relative_error(dh_wrong[0], by_transpose) > 0.1
print(f"cache handed over: error {relative_error(dh_right[0], by_transpose):.0e}")
print(f"cache on the object: error {relative_error(dh_wrong[0], by_transpose):.0%}, and no message")
signals(
    {"cache handed over: $dh$": dh_right[0], "cache on the object: $dh$": dh_wrong[0]},
    over={"cache on the object: $dh$": by_transpose}, over_label="correct", x_label="lag k (tokens)",
    title="Two forwards, then the backward of the first",
)  # fmt: skip

# %% [markdown]
# In this package a forward returns `(y, cache)`, and its backward takes `(dy, cache)`. The cache goes where
# the caller puts it, it can be used twice, and it is gone when nobody holds it.
#
# If you prefer one function that remembers, three lines make one: `pullback` closes over its own cache.


# %%
def with_pullback(forward, backward, *arguments):
    """From a pair of functions to a result and its own backward."""
    y, cache = forward(*arguments)
    return y, lambda dy: backward(dy, cache)


_, pullback_of_first = with_pullback(fftconv, fftconv_backward, first, h[None])
_, pullback_of_second = with_pullback(fftconv, fftconv_backward, second, h[None])
assert relative_error(pullback_of_first(dy)[1][0], by_transpose) < 1e-12

# %% [markdown]
# ## What you have now
#
# - The gradient of a linear function is its transpose, applied to $dy$. For a causal convolution that is a
#   correlation: time turned round, the spectrum conjugated.
# - What is shared, a filter by a batch or a frequency by three layers, adds up its gradients.
# - Three tests that wrong gradients fail: the adjoint identity, central differences (ten digits, at the best
#   step), the complex step (all digits, where the function is analytic).
# - A backward gets its cache handed over, or it may answer for another forward.
#
# Notebook 5 trains with these gradients.
#
# ## On your own: three things to try
#
# 1. In section 5, convert everything to float32 (the network, the features, `d_raw` and the direction) and
#    draw the V again. Where does it bottom out, and where is the best step now? Predict both from the 7
#    digits of float32.
# 2. In section 6, plant a mistake of your own that the adjoint identity does not notice. (Hint: what if the
#    *forward* is wrong as well?)
# 3. In section 7, set `order=2` and `variant="paper"`, and run the test again. Which of the rows in the
#    figure belong to arrays that have changed their shape?
#
# ## Further reading
#
# - Squire and Trapp, *Using complex variables to estimate derivatives of real functions*, SIAM Review 40,
#   1998: the complex step, in three pages.
# - Martins, Sturdza and Alonso, *The complex-step derivative approximation*, ACM Transactions on
#   Mathematical Software 29, 2003: when it may be used, and in which codes.
# - Griewank and Walther, *Evaluating Derivatives*, SIAM, 2008: what automatic differentiation does with the
#   same rules.
# - Baydin, Pearlmutter, Radul and Siskind, *Automatic differentiation in machine learning: a survey*,
#   Journal of Machine Learning Research 18, 2018.
# - In this package: a `_backward` stands below its forward in every file of `hyena_np/ops`, and `tests/ops`
#   puts all of them through these tests, and through PyTorch.
