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
# # Filters that are not stored but computed
#
# A convolution over $L$ tokens needs a filter with $L$ entries in each of its $D$ channels (notebook 1).
# Hyena does not store them. It stores a small network that answers one question: how strongly does a token
# count $t$ positions later? Such a filter is called *implicit*; one whose entries are parameters themselves
# is *explicit*.
#
# **What you will do**
#
# - count the parameters of both kinds;
# - build a filter from its three parts: features of the lag, a network of sines, a window;
# - learn to read a filter in frequency as well as in time, and check what you read;
# - turn every knob of the recipe and see what it does, at the end with sliders.
#
# **What you will learn**
#
# - the filter equation of the paper, eq. (7), and Algorithm 2, part by part;
# - why the number of features limits how fast a filter can wiggle, and why a sine frequency near 10 lifts the
#   limit (App. D.3);
# - how an initialisation that is harmless elsewhere switches the filters off.
#
# **What you need:** NumPy, a little calculus, and from notebook 1 what a filter, a lag and a causal
# convolution are. Frequency is explained here. Equation and section numbers refer to the paper, arXiv
# 2302.10866; "the official code" is its authors' (github.com, HazyResearch/safari).

# %%
import math

import numpy as np

from hyena_np import (
    HyenaConfig,
    decay_rates,
    exponential_window,
    fftconv,
    get_backend,
    hyena_filter,
    init_hyena,
    operator_shapes,
    positional_features,
    sine_network,
    tree_leaves,
)
from hyena_np.plots import filter_responses, filter_spectra, lines, panel, parameters_against_length
from hyena_np.plots.channels import mean_lag
from hyena_np.plots.knobs import filters_by_setting
from hyena_np.plots.signals import signals

D, L = 64, 256  # channels, and the longest sequence
backend = get_backend("numpy", "float64")

# %% [markdown]
# ## 1. What a stored filter costs
#
# An explicit filter has a parameter for every channel and lag: $D L$ of them. The network of an implicit
# filter has a fixed number, whatever the length. A short explicit filter is cheap too, but it is blind beyond
# its last entry. The paper asks for both at once: parameters that grow slower than $L$, and a context without
# limits (Sec. 2 and 3).
#
# `operator_shapes` tells the shape of every array of a Hyena operator without making it; `init_hyena` makes
# them, as a dictionary of dictionaries, and `tree_leaves` lists the arrays in it. Before you run the cell:
# how long is the stored filter that has as many numbers as the network?


# %%
def network_parameters(config):
    """Learned numbers behind all filters of an operator: those of the filter network."""
    shapes = operator_shapes(config)
    return sum(math.prod(shape) for name, shape in shapes.items() if name.startswith("filter.ffn"))


lengths = [2**p for p in range(6, 18)]
implicit = [network_parameters(HyenaConfig(d_model=D, l_max=length)) for length in lengths]
made = init_hyena(HyenaConfig(d_model=D, l_max=L), np.random.default_rng(0))
assert sum(array.size for array in tree_leaves(made["filter"]["ffn"]).values()) == implicit[0]
assert len(set(implicit)) == 1  # the same for all lengths

print(f"{implicit[0]:,} numbers, as many as {D} stored filters of length {implicit[0] / D:.0f}")
parameters_against_length(
    lengths,
    {
        "explicit, as long as the text": [D * length for length in lengths],
        "explicit, 64 lags": [D * 64 for _ in lengths],
        "implicit, as long as the text": implicit,
    },
    f"Parameters behind {D} filters",
)

# %% [markdown]
# ## 2. First part: describe the lag
#
# The network must tell lag 17 from lag 18. A plain number $t$ changes little from one lag to the next, so the
# network gets $E$ features of the lag: time itself and $K$ pairs of waves ($E = 2K + 1$). Section 7 shows
# what happens where they are few.
#
# $$ z_t = \big[\tau_t,\ \cos(f_k\, \omega_t),\ -\sin(f_k\, \omega_t)\big], \qquad
#    \tau_t = \frac{t}{l_{max} - 1}, \quad \omega_t = \frac{2 \pi t}{l_{max}}, \quad k = 0, \ldots, K - 1 . $$
#
# Here $l_{max}$ is the longest sequence that the operator may see. Think of a clock with hands of different
# speed: $\omega_t$ is the angle of a hand that goes round once in $l_{max}$ tokens, and hand $k$ goes $f_k$
# times as fast. The $f_k$ run in equal steps from nearly 0 to $K - 1$. (Paper, App. D.3. It writes $f_k = k$
# and $+\sin$; the official code, and so `positional_features`, starts at $10^{-4}$ and turns the other way,
# which a network can undo by a sign.)

# %%
l_max, E = 64, 7
K = (E - 1) // 2
z, t = positional_features(l_max, E, backend.asarray([0.0]))  # (1, l_max, E) and (1, l_max, 1)

position = np.arange(l_max)
f = np.linspace(1e-4, K - 1, K)
omega = 2 * np.pi * position / l_max
assert np.allclose(z[0, :, 0], position / (l_max - 1), atol=1e-12)
assert np.array_equal(t[0, :, 0], z[0, :, 0])  # time once more on its own, for the window
assert np.allclose(z[0, :, 1 : 1 + K], np.cos(omega[:, None] * f), atol=1e-12)
assert np.allclose(z[0, :, 1 + K :], -np.sin(omega[:, None] * f), atol=1e-12)

names = {
    0: r"time $\tau$",
    1: "cosine, $f_0$ = 0.0001",
    2: "cosine, $f_1$ ≈ 1",
    3: "cosine, $f_2$ = 2",
    6: "minus sine, $f_2$ = 2",
}
signals(
    {name: z[0, :, column] for column, name in names.items()},
    title="Five of the seven features for K = 3",
    x_label="lag t (tokens)",
)

# %% [markdown]
# ## 3. Second part: a network of sines
#
# A small dense network, a *feed-forward network* or FFN, turns the $E$ features of a lag into $D$ numbers:
# the entries of all $D$ filters at that lag. Its activation function is the sine, so waves go in and bent
# waves come out:
#
# $$ a^{0} = z_t, \qquad a^{i+1} = \sin\big(w \odot (W_i\, a^{i} + b_i)\big), \qquad
#    \hat h_t = W_n\, a^{n} . $$
#
# $W_i$ and $b_i$ are the weights and biases of layer $i$; there are four layers in all, so $n = 3$. The
# frequency $w$ is a knob: how far a step of the input moves the phase of the sine. It is learned, one number
# for each of the 64 hidden units, and all three sines share it ($\odot$ multiplies entry by entry).
#
# The notebook makes many filters, so here is one helper that chains three functions of the package. The cache
# that `hyena_filter` returns holds the intermediate results, and we shall look into it.


# %%
def make(length=L, channels=D, seed=0, **knobs):
    """Filters (D, L) of a fresh operator, the cache with all that they are made of, and the parameters."""
    config = HyenaConfig(d_model=channels, l_max=length, **knobs)
    params = init_hyena(config, np.random.default_rng(seed), backend)
    h, cache = hyena_filter(params, length, config)  # h is (filters, D, L)
    return h[0], cache, params  # an operator of order 2 has one filter in each channel


h, cache, params = make(emb_dim=17, w=10.0)
z, network = params["filter"]["positional"]["z"][0], params["filter"]["ffn"]
raw, _ = sine_network(z, network)  # (D, L)
assert network["freq"].shape == (1, 64)

a = z
for i in range(3):
    a = np.sin(network["freq"] * (a @ network[f"linear_{i}"]["weight"].T + network[f"linear_{i}"]["bias"]))
assert np.allclose(raw, (a @ network["linear_3"]["weight"].T).T, atol=1e-12)
raw.shape

# %% [markdown]
# What do the layers do to the waves? Follow one unit through the network, once with $w = 1$ and once with
# $w = 10$. Which of the two outputs would you trust to single out one lag?


# %%
def through_the_network(w):
    """A feature, one unit of every hidden layer and one output, each (L,)."""
    _, cache, _ = make(emb_dim=5, w=w)
    hidden = {f"hidden layer {i}, unit 0, w = {w:g}": cache.network.inputs[i][0] for i in (1, 2, 3)}
    return (
        {"feature: cosine, once round": cache.network.inputs[0][2]}
        | hidden
        | {"output, channel 0": cache.raw[0]}
    )


slow, quick = through_the_network(1.0), through_the_network(10.0)
turns = {
    w: int(np.sum(np.diff(np.sign(np.diff(rows["output, channel 0"]))) != 0))
    for w, rows in {1: slow, 10: quick}.items()
}
print(f"turning points of the output: {turns[1]} with w = 1, {turns[10]} with w = 10")
assert turns[10] > 5 * turns[1]
signals(slow, title="w = 1: a slow wave stays slow", x_label="lag t (tokens)", share_y=False)

# %%
signals(quick, title="w = 10: every layer folds the wave further", x_label="lag t (tokens)", share_y=False)

# %% [markdown]
# ## 4. Third part: a window
#
# For most purposes, what was said long ago should count less. Every channel gets a *window* that decays
# exponentially, and the channels decay at different rates $\delta_c$, from slow to fast:
#
# $$ \mathrm{Window}_c(t) = e^{-\tau_t |\delta_c|} + \mathrm{shift}, \qquad
#    \delta_c \ \text{in equal steps from}\ \frac{\ln(\mathrm{target})}{\mathrm{slow}}\ \text{to}\
#    \frac{\ln(\mathrm{target})}{\mathrm{fast}} . $$
#
# This is eq. (7) and Fig. 3.1 of the paper with the official numbers, target = 0.01, fast = 0.3, slow = 1.5.
# In words: the fastest channel has decayed to a hundredth after 0.3 of the longest sequence, the slowest
# would need 1.5 of it. The shift, 0 unless you set it, keeps a part of the filter alive for ever.

# %%
config = HyenaConfig(d_model=D, l_max=L)
tau = np.linspace(0, 1, L)
deltas = decay_rates(config, tau)[0, 0]  # (D,)
window, _ = exponential_window(tau, deltas)  # (D, L)

assert np.allclose(deltas, np.linspace(math.log(0.01) / 1.5, math.log(0.01) / 0.3, D), rtol=1e-12)
assert np.allclose(window, np.exp(-tau * np.abs(deltas)[:, None]), rtol=1e-12)
fastest_at_target = np.interp(0.3, tau, np.log(window[-1]))
assert np.isclose(fastest_at_target, math.log(0.01), rtol=1e-9)

lines(
    np.arange(L),
    {f"channel {c}": window[c] for c in (0, 16, 32, 63)},
    "lag t (tokens)",
    "window",
    log_y=True,
    title="Exponential decays are straight lines on this axis",
    marks={"0.3 of the longest sequence": 0.3 * (L - 1)},
)

# %% [markdown]
# ## 5. The filter
#
# Now the product, eq. (7) of the paper,
#
# $$ h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(t) , $$
#
# where $\circ$ means "applied to the result of". `hyena_filter` computes it for all channels at once
# (Algorithm 2). Beside each filter the picture says how far back it looks: its *mean lag*, the average of $t$
# weighted by $h_t^2$.

# %%
assert np.allclose(h, window * raw, atol=1e-12)
assert np.allclose(mean_lag(h), (h**2 @ np.arange(L)) / (h**2).sum(axis=1), rtol=1e-9)
filter_responses(
    h, channels=[0, 16, 32, 63], window=window, title="Four of 64 filters: a network inside a window"
)

# %% [markdown]
# ## 6. Reading a filter in frequency
#
# Wiggles are easier to judge in frequency than in time. The *frequency* $f$ of a wave $\cos(2 \pi f t)$
# counts its periods, or cycles, per token (the $f_k$ of section 2 count cycles per $l_{max}$ tokens). The
# slowest is $f = 0$, a constant. The fastest is $f = 1/2$, which alternates from token to token: any faster
# wave takes the same values at whole positions as some slower one.
#
# Notebook 1 showed that a wave passes a convolution as the same wave, scaled and shifted. How much, says the
# *spectrum* of the filter, a complex number for every frequency:
#
# $$ H(f) = \sum_{t=0}^{L-1} h_t\, e^{-2 \pi i f t} . $$
#
# Its size $|H(f)|$ is the *gain*, the factor by which the wave grows; its angle is the shift. Do not believe
# it: send a slow and a fast wave through a filter. The first $L - 1$ outputs still feel that the wave has
# just begun; from then on the prediction is exact.

# %%
H = {f: np.sum(h[0] * np.exp(-2j * np.pi * f * np.arange(L))) for f in (0.02, 0.31)}
time_axis = np.arange(4 * L)
assert np.allclose(
    np.cos(2 * np.pi * 0.7 * time_axis), np.cos(2 * np.pi * 0.3 * time_axis)
)  # 0.7 looks like 0.3
shown = slice(3 * L, 3 * L + 64)
rows, predicted = {}, {}
for f, response in H.items():
    wave = np.cos(2 * np.pi * f * time_axis)
    out = fftconv(wave[None, None, :], h[:1])[0][0, 0]
    formula = np.real(response * np.exp(2j * np.pi * f * time_axis))
    assert np.allclose(out[L - 1 :], formula[L - 1 :], atol=1e-10)
    name = f"f = {f}, out: gain {abs(response):.2f}"
    rows |= {f"f = {f}, in": wave[shown], name: out[shown]}
    predicted[name] = formula[shown]
signals(
    rows,
    over=predicted,
    over_label="predicted by H(f)",
    x_label="64 tokens, long after the start",
    title="A wave passes as a wave: H(f) knows how large",
)

# %% [markdown]
# Gains are drawn in *decibels*: $20 \log_{10} |H(f)|$. A gain of 1 is 0 dB, a tenth is -20 dB, a hundredth
# -40 dB. Here is the spectrum of all filters together: the thick line is the median over the channels, the
# band holds eight in ten of them, and the thin lines are three channels by themselves.

# %%
assert [20 * math.log10(gain) for gain in (1, 0.1, 0.01)] == [0, -20, -40]
filter_spectra(
    h, channels=(0, 32, 63), title="Fresh filters with E = 17, w = 10: every frequency gets through"
)

# %% [markdown]
# ## 7. The knobs
#
# Each of the next pictures turns one knob and leaves the rest: on the left three filters, always the same
# channels with the same random numbers; on the right the spectrum of all 64.
#
# ### E: how many features
#
# The fastest feature goes round $K - 1$ times in $l_{max}$ tokens. As long as $w = 1$, the sines are nearly
# straight lines, and a nearly linear network can only mix the waves that it is given.

# %%
by_features = {f"E = {E}": make(emb_dim=E)[0] for E in (5, 33, 129)}
for E in (5, 33, 129):
    print(f"E = {E:>3}: {network_parameters(HyenaConfig(D, L, emb_dim=E)):,} parameters")
filters_by_setting(by_features, title="More features, faster wiggles (w = 1)")

# %% [markdown]
# A filter that starts smooth passes low frequencies only: it is *low-pass*. How a filter starts matters at
# the end, too: the paper reports differences of up to 5 % in perplexity (how surprised a trained language
# model is by a text) between initialisations (App. D.2).
#
# Where exactly does the spectrum end? Count in whole cycles per $l_{max}$ tokens, called *bins*, as the
# discrete Fourier transform does, and ask which share of the *energy*, the sum of $|H|^2$, each bin has. The
# window blurs the edge, so look at the network alone, with $l_{max} = 128$ as in App. D.3.


# %%
def bin_energy(raw):
    """Energy of each channel in bins 1..L/2, as a fraction of the whole; the constant, bin 0, is left out."""
    energy = np.abs(np.fft.rfft(raw, axis=-1))[:, 1:] ** 2
    return energy / energy.sum(axis=1, keepdims=True)


def cut_off(raw, share=0.99):
    """The bin below which a share of the energy lies, in the middle channel."""
    return np.median(1 + np.argmax(np.cumsum(bin_energy(raw), axis=1) >= share, axis=1))


networks = {K: make(128, emb_dim=2 * K + 1)[1].raw for K in (4, 8, 16, 32)}
for K, raw in networks.items():
    print(f"K = {K:>2}: 99 % of the energy lies in bins 1 to {cut_off(raw):.0f}")
    assert abs(cut_off(raw) - (K - 1)) <= 1
lines(
    np.arange(1, 65),
    {f"K = {K}": np.median(bin_energy(raw), axis=0) for K, raw in networks.items()},
    "bin (cycles per 128 tokens)",
    "share of the energy",
    "A cliff at bin K - 1",
    log_y=True,
    marks={f"{K - 1}": K - 1 for K in networks},
)

# %% [markdown]
# The edge is at bin $K - 1$, the speed of the fastest feature. (The paper says that the cut-off is about
# $2K + 1$. That fits if one counts waves that turn left and waves that turn right, $-(K-1), \ldots, K - 1$,
# which are $2K - 1$ bins.)
#
# ### w: the frequency of the sines
#
# More features cost parameters. Raising $w$ is free: a phase that moves over several turns folds the waves,
# and folded waves contain faster ones. The paper: $K = 8$ with $w = 10$ covers the full band (App. D.3).

# %%
filters_by_setting(
    {f"w = {w:g}": make(emb_dim=17, w=w)[0] for w in (1.0, 3.0, 10.0)},
    title="A higher sine frequency, a wider spectrum (E = 17)",
)

# %%
frequencies = np.array([1, 2, 3, 4, 6, 8, 10, 12, 14.0])
reach = {K: [cut_off(make(128, emb_dim=2 * K + 1, w=w)[1].raw, 0.9) for w in frequencies] for K in (2, 8, 32)}

assert reach[8][0] < 10
assert reach[8][list(frequencies).index(10)] > 0.85 * 64
lines(
    frequencies,
    {f"K = {K}" if K != 8 else "K = 8, as in App. D.3": bins for K, bins in reach.items()},
    "sine frequency w",
    "bin below which 90 % of the energy lies",
    "The full band ends at bin 64 (L = 128)",
    marks={"w = 10": 10},
)

# %% [markdown]
# ### Decay: how long the window lasts
#
# `fast_decay_pct` and `slow_decay_pct` are the fractions of $l_{max}$ after which the fastest and the slowest
# window have fallen to `target`. They decide how far back a channel looks, which the mean lag measures.

# %%
decays = {"short: 0.05 to 0.3": (0.05, 0.3), "official: 0.3 to 1.5": (0.3, 1.5), "long: 2 to 10": (2.0, 10.0)}
by_decay = {
    name: make(emb_dim=17, w=10.0, fast_decay_pct=fast, slow_decay_pct=slow)[0]
    for name, (fast, slow) in decays.items()
}
lags = {name: mean_lag(h) for name, h in by_decay.items()}
level = {name: 20 * np.log10(np.abs(np.fft.rfft(h, 2 * L))) for name, h in by_decay.items()}
jump = {name: np.median(np.abs(np.diff(spectrum, axis=1))) for name, spectrum in level.items()}
for name, per_channel in lags.items():
    print(
        f"{name:>20}: mean lags {per_channel.min():3.0f} to {per_channel.max():3.0f}, "
        f"spectrum jumps by {jump[name]:.1f} dB from bin to bin"
    )
assert np.all(np.diff(list(jump.values())) > 0)
assert np.all(np.diff([np.median(per_channel) for per_channel in lags.values()]) > 0)
filters_by_setting(
    by_decay, channels=(0, 32, 63), title="The window decides how far back a channel looks (w = 10)"
)

# %% [markdown]
# The numbers show a second effect: the shorter the window, the smoother the spectrum. A product in time is a
# convolution in frequency (the paper builds on this duality below Def. 3.1), and convolving with the wide
# spectrum of a short window blurs. Check the duality: the spectrum of window times network, against the
# cyclic convolution of their two spectra.

# %%
_, cache, params = make(emb_dim=17, w=10.0)
raw = cache.raw[0]
of_product = np.fft.fft(window[0] * raw)
spectrum_w, spectrum_r = np.fft.fft(window[0]), np.fft.fft(raw)
blurred = [np.sum(spectrum_w * spectrum_r[(k - np.arange(L)) % L]) / L for k in range(L)]
assert np.allclose(of_product, blurred, atol=1e-9)
print("product in time = convolution in frequency")

# %% [markdown]
# ### Shift: a tail that stays alive
#
# With an exponential window alone, the fast channels are deaf to everything long ago. The window of the
# fastest ends near $10^{-7}$, and what it multiplies it also takes out of reach of training (notebook 4). A
# shift is a floor under the window. (The paper adds it below eq. (7); the official research code defaults to
# 0, its standalone file to 0.05.)

# %%
by_shift = {f"shift = {shift:g}": make(emb_dim=17, w=10.0, shift=shift)[0] for shift in (0.0, 0.05, 0.5)}
assert 1e-7 < window[-1, -1] < 1e-6
loudness = {name: np.sqrt(np.mean(h[-1, 3 * L // 4 :] ** 2)) for name, h in by_shift.items()}
for name, tail in loudness.items():
    print(f"{name:>13}: last quarter of the fastest channel, root mean square {tail:.1e}")
assert loudness["shift = 0"] < 1e-4 < 1e-2 < loudness["shift = 0.05"] < loudness["shift = 0.5"]
filters_by_setting(
    by_shift, channels=(63,), title="A shift keeps the tail of the fastest channel alive (w = 10)"
)

# %% [markdown]
# ### Initialisation: how to switch the filters off by accident
#
# Language models in the style of GPT-2 draw *every* weight from a normal distribution with standard deviation
# 0.02, and set every bias to 0. The official Hyena language model applies this to the filter network too
# (`init="gpt2"`). PyTorch's default draws weights between $\pm 1/\sqrt{\text{fan-in}}$, where the fan-in is
# the number of inputs of the layer (`init="torch"`). Watch the size of the numbers on their way through the
# network:

# %%
settings = {"torch, w = 1": ("torch", 1.0), "gpt2, w = 1": ("gpt2", 1.0), "gpt2, w = 10": ("gpt2", 10.0)}
sizes, starts = {}, {}
for name, (init, w) in settings.items():
    starts[name], cache, _ = make(emb_dim=5, init=init, w=w)
    stages = [*cache.network.inputs, cache.raw]
    sizes[name] = [np.sqrt(np.mean(stage**2)) for stage in stages]
    print(f"{name:>12}: standard deviation of the network's output {cache.raw.std():.1e}")

dead = sizes["gpt2, w = 1"]
assert 5e-5 < dead[-1] < 5e-4 < 0.05 < sizes["gpt2, w = 10"][-1] < 0.2
scaled_by = np.divide(dead[2:], dead[1:-1])
assert scaled_by.min() > 0.12 and scaled_by.max() < 0.2
figure = lines(
    range(5),
    sizes,
    "on the way through the network",
    "size (root mean square)",
    log_y=True,
    title="With gpt2 weights and w = 1, every layer loses most of what is left",
)
figure.axes[0].set_xticks(range(5), ["features", "hidden 1", "hidden 2", "hidden 3", "output"])
figure

# %% [markdown]
# A dense layer with 64 inputs and weights of 0.02 scales by about $0.02\sqrt{64} = 0.16$, three times in a
# row. With $w = 10$ the sines stretch their inputs by 10 again. So with `init="gpt2"` a frequency above 1 is
# no refinement, it is the only reason why the filter starts at all. With $w = 1$ it is *dead*: not zero, but
# the convolution passes on less than a thousandth of the signal.

# %%
token_signal = np.random.default_rng(1).standard_normal((1, D, L))
for name, h in starts.items():
    ratio = np.std(fftconv(token_signal, h)[0]) / np.std(token_signal)
    print(f"{name:>12}: the convolution passes on {ratio:.1e} of the signal's size")
    assert (ratio < 1e-3) == (name == "gpt2, w = 1")
filters_by_setting(starts, title="One recipe, three beginnings (E = 5)")

# %% [markdown]
# In the middle row only the decibels betray that there is a filter. Compare the last two rows, too: where the
# weights are small, even $w = 10$ leaves the spectrum narrow when $E$ is small. Both knobs at once, for both
# initialisations:

# %%
grid = {}
for init in ("torch", "gpt2"):
    for E in (5, 33):
        grid[f"{init}, E = {E}"] = [
            cut_off(make(128, emb_dim=E, w=w, init=init)[1].raw, 0.9) for w in frequencies
        ]

assert grid["gpt2, E = 5"][-1] < 10 < 50 < grid["torch, E = 5"][-1]
assert grid["gpt2, E = 33"][-1] > 30
lines(
    frequencies,
    grid,
    "sine frequency w",
    "bin below which 90 % of the energy lies",
    "Small weights need both: many features and a high frequency",
)

# %% [markdown]
# ## 8. All knobs at once
#
# Where a kernel runs, the sliders move the picture; where none runs, you see the picture of their default
# state. Try to make a filter that is (a) low-pass and long, (b) as wiggly as possible in every channel, (c)
# dead.


# %%
def draw(E, w, slow, fast, shift, init):
    fast = min(fast, slow)  # the fast channels are the fast ones
    h, _, _ = make(emb_dim=E, w=float(w), slow_decay_pct=slow, fast_decay_pct=fast, shift=shift, init=init)
    return filters_by_setting({f"E = {E}, w = {w:g}, {init}": h}, channels=(0, 32, 63))


panel(
    draw,
    E=([3, 5, 9, 17, 33, 65], 17),
    w=(1.0, 20.0, 0.5, 10.0),
    slow=(0.1, 10.0, 0.1, 1.5),
    fast=(0.05, 2.0, 0.05, 0.3),
    shift=(0.0, 1.0, 0.05, 0.05),
    init=(["torch", "gpt2"], "torch"),
)

# %% [markdown]
# ## 9. Shorter texts: cut, not rescaled
#
# What if a text has fewer than $l_{max}$ tokens? The features are built for $l_{max}$ and the first rows are
# used. So the filter at a given lag does not depend on the length of the text: "3 tokens ago" keeps its
# meaning.

# %%
config = HyenaConfig(d_model=D, l_max=L, emb_dim=17, w=2.0)
params = init_hyena(config, np.random.default_rng(0), backend)
cut = {length: hyena_filter(params, length, config)[0][0] for length in (64, 128, 256)}

for length, h in cut.items():
    assert np.allclose(h, cut[256][:, :length], rtol=0, atol=1e-12)
signals(
    {f"text of {length} tokens": h[0] for length, h in cut.items()},
    x_label="lag t (tokens)",
    title="One filter, cut to three lengths (channel 0)",
)

# %% [markdown]
# Now the other thing, which is easily confused with it: the same weights under another $l_{max}$. Time is
# scaled by $l_{max}$, so the filter is squeezed. For this we hand over the network's weights alone, without
# the tables of the old length, and `hyena_filter` makes new ones. Lag 30 of the short filter plays the part
# of lag 60 of the long one:

# %%
weights = {"filter": {"ffn": params["filter"]["ffn"]}}
half = HyenaConfig(d_model=D, l_max=L // 2, emb_dim=17, w=2.0)
squeezed = hyena_filter(weights, L // 2, half)[0][0]

every_second = cut[256][:, ::2]
scale = np.max(np.abs(cut[256]))
assert np.max(np.abs(squeezed - every_second)) < 0.05 * scale < np.max(np.abs(squeezed - cut[128]))
signals(
    {
        "l_max = 256, text of 128 tokens: cut": cut[128][0],
        "l_max = 128, the same weights: squeezed": squeezed[0],
    },
    x_label="lag t (tokens)",
    title="Cut is not squeezed",
)

# %% [markdown]
# ## What you have now
#
# - A filter of any length from a fixed number of parameters: window times network of features, eq. (7).
# - Features set the limit of frequency at $w = 1$: bin $K - 1$. A sine frequency near 10 lifts it.
# - The window says how far back a channel looks, the shift whether its tail stays alive.
# - With GPT-2 weights and $w = 1$ the filters start dead, four powers of ten below the signal.
# - Shorter texts cut the filter. Another $l_{max}$ rescales it.
#
# A filter says the same to every text. Notebook 3 puts gates between the filters and makes them depend on
# what is read.
#
# ## On your own: three things to try
#
# 1. `num_inner_mlps` sets the number of hidden layers in the middle of the network. Pass 0, 1 and 4 to `make`
#    with `w = 1` and with `w = 10`. When does depth widen the spectrum?
# 2. Find the smallest `w` for which `init="gpt2"` with `E = 5` starts with a filter as strong as
#    `init="torch"` with `w = 1`. Does its spectrum look the same, too?
# 3. An order-3 operator (`order=3`) has two filters in each channel, and their decay rates are shared out
#    over both. Draw the mean lags of `hyena_filter(params, L, config)[0]` for `filter_layout="od"` and
#    `"do"`. Who gets the slow ones?
#
# ## Further reading
#
# - M. Poli et al., *Hyena Hierarchy: Towards Larger Convolutional Language Models*, 2023, Sec. 3.3, Algorithm
#   2, App. D.2 and D.3, [arXiv:2302.10866](https://arxiv.org/abs/2302.10866).
# - V. Sitzmann et al., *Implicit Neural Representations with Periodic Activation Functions*, 2020,
#   [arXiv:2006.09661](https://arxiv.org/abs/2006.09661): networks of sines, and how to initialise them.
# - M. Tancik et al., *Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
#   Domains*, 2020, [arXiv:2006.10739](https://arxiv.org/abs/2006.10739): why a plain coordinate is a poor
#   input.
# - D. W. Romero et al., *CKConv: Continuous Kernel Convolution for Sequential Data*, 2021,
#   [arXiv:2102.02611](https://arxiv.org/abs/2102.02611): implicit filters before Hyena, without a window.
