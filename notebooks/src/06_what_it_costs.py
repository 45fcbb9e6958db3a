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
# # What it costs
#
# The paper promises that Hyena is cheaper than attention on long texts: $O(N D L (\log_2 L + D))$ operations
# (Prop. 3.2) where attention needs $L^2$, and a hundred times the speed at 64K tokens (Sec. 4.4). In this
# notebook you measure the promise on the machine in front of you, count what it is made of, and find out why
# three prices differ: operations, bytes and seconds.
#
# **What you will do**
#
# - time four ways to mix the positions of a text, and read off where one overtakes another;
# - predict the memory of each from its formula, and hold the prediction against a measurement;
# - count operations, and see how little a ratio of counts says about a ratio of times;
# - take the fast Fourier transform apart into sparse matrices, and look at them;
# - compute, from the data sheet of a GPU, why two matrix products can beat one FFT there; then measure why
#   not here.
#
# **What you will learn**
#
# - to read an exponent off a straight line, and a crossover off two;
# - that a processor has two limits, arithmetic and memory, and that the slower one decides (the *roofline*);
# - what a Monarch matrix is, and why a convolution never needs to undo its permutation.
#
# **What you need:** NumPy, and from notebook 1 the three forms of a causal convolution: double loop, Toeplitz
# matrix, FFT. Equation and section numbers refer to the paper, arXiv 2302.10866. Where numbers are measured,
# yours will differ from the ones stored here. In a browser, which has a quarter of the speed and 2 GB of
# memory, all lengths that are measured end earlier.

# %%
import math
import statistics
import time
import tracemalloc
from functools import partial

import numpy as np

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    cache_nbytes,
    causal_attention,
    causal_conv_loop,
    causal_conv_matrix,
    fftconv,
    get_backend,
    init_language_model,
    language_model,
    monarch_conv,
    monarch_factors,
    monarch_fft,
    monarch_ifft,
    monarch_order,
    monarch_tables,
    overlap_save,
    saved_bytes,
    threads,
    to_numpy,
    toeplitz,
    two_stage_conv,
)
from hyena_np.backend import rfft
from hyena_np.bench.fit import crossover, exponent
from hyena_np.bench.timing import host_clock, interleave
from hyena_np.machine import in_browser
from hyena_np.plots import cost_against_length, fft_factors, lines, matrix_row
from hyena_np.plots.scaling import ratio_against_length
from hyena_np.plots.style import styled

D = 64  # width: channels of the convolution, and of the one attention head
host = get_backend("numpy", "float32")
backend = host  # get_backend("cupy", "float32") measures a GPU, except for memory
rng = np.random.default_rng(0)


def random(*shape, on=backend):
    return on.asarray(rng.standard_normal(shape))


# %% [markdown]
# ## 1. Time against length
#
# Four operations that let every position of a text read the ones before it. Three compute the same causal
# convolution in each of $D$ channels (Sec. 2), the fourth is softmax attention with one head of width $D$:
#
# $$ y_t = \sum_{s \le t} h_{t-s}\, u_s, \qquad y = S_h\, u, \qquad
#    y = \mathcal F^{-1}\big(\mathcal F(h) \odot \mathcal F(u)\big), \qquad
#    y = \mathrm{softmax}\Big(\frac{q k^\top}{\sqrt D}\Big)\, v . $$
#
# Only the mixing is compared: both layers have dense projections before and after, which cost the same.
# Building the Toeplitz matrix counts, because a filter that a network computes is new in every training step.


# %%
def forms(L, on=backend):
    """Four ways to mix L positions, as calls without arguments."""
    u, h = random(1, D, L, on=on), random(D, L, on=on)
    q, k, v = (random(1, 1, L, D, on=on) for _ in range(3))
    return {
        "double loop": lambda: causal_conv_loop(u, h),
        "Toeplitz matrix": lambda: causal_conv_matrix(u, h),
        "attention": lambda: causal_attention(q, k, v)[0],
        "FFT": lambda: fftconv(u, h)[0],
    }


LONGEST = {"double loop": 256, "Toeplitz matrix": 1024, "attention": 4096, "FFT": 65536}
if in_browser():
    LONGEST |= {"Toeplitz matrix": 512, "attention": 2048, "FFT": 16384}
LONG = LONGEST["attention"]  # where attention and the FFT are compared

loop, matrix, _, fft = (to_numpy(call()) for call in forms(64).values())
scale = np.abs(loop).max()
assert np.abs(matrix - loop).max() < 1e-5 * scale
assert np.abs(fft - loop).max() < 1e-5 * scale

# %% [markdown]
# How to measure: the calls take turns, so that what else the machine does meets all of them; the first call
# of each is a warm-up; of an odd number of further calls the middle one counts. Everything runs on one
# thread. (A browser's clock ticks in tenths of a millisecond. There, a measurement is of as many calls as
# take 10 ms together.) Before you run the cell: which of the four will be the fastest at $L = 8$?


# %%
def count_of(call):
    """How many calls one measurement is made of."""
    count, start = 0, time.perf_counter()
    while count == 0 or (in_browser() and time.perf_counter() < start + 0.01):
        call()
        count += 1
    return count


def repeated(call, count):
    """Call, and fetch the result, which waits for a GPU."""
    for _ in range(count):
        to_numpy(call())


def seconds(calls, repeats=5):
    """Median time of each call."""
    with threads(1):
        counts = {name: count_of(call) for name, call in calls.items()}
        samples = {name: partial(host_clock, partial(repeated, calls[name], counts[name])) for name in calls}
        measured = interleave(samples, budget=0.0, repeats=repeats)
    return {name: statistics.median(took) / counts[name] for name, took in measured.items()}


# %%
lengths = [2**p for p in range(3, 17) if 2**p <= LONGEST["FFT"]]
times = {name: {} for name in LONGEST}
for L in lengths:
    calls = {name: call for name, call in forms(L).items() if L <= LONGEST[name]}
    for name, took in seconds(calls).items():
        times[name][L] = took

assert times["double loop"][256] > 10 * times["FFT"][256]
assert times["attention"][LONG] > times["FFT"][LONG]


def series(by_length, lengths):
    """Values in the order of `lengths`, NaN where there is none."""
    return [by_length.get(L, np.nan) for L in lengths]


cost_against_length(
    lengths,
    {name: series(took, lengths) for name, took in times.items()},
    f"Four ways to mix the positions, measured here (D = {D}, one thread)",
)

# %% [markdown]
# On logarithmic axes $L^p$ is a straight line, and $p$ is its slope. The dashed lines are fits to the longer
# half of each series. Expect about 2 for everything that touches all pairs of positions, and a little more
# than 1 for the FFT: $L \log_2 L$ is no power of $L$, but between 1K and 64K it looks like $L^{1.1}$. Steeper
# slopes come from arrays that outgrow the processor's cache.
#
# At the short end all curves bend: a call costs some microseconds, whatever its length. So the form with the
# smaller exponent wins only from some length on. That length is read off the measurement, where two curves
# cross:

# %%
for name in ("double loop", "Toeplitz matrix", "attention"):
    place = crossover(times["FFT"], times[name])
    last = max(times[name])
    ratio = times[name][last] / times["FFT"][last]
    where = f"the FFT is quicker from L = {place:.0f} on" if place else "the two curves never cross"
    print(f"{name:>15}: {where}; at L = {last:,} it takes {ratio:,.0f} times as long as the FFT")
print(f"{'FFT':>15}: grows as L^{exponent(times['FFT']):.2f} from L = 4,096 on")

# %% [markdown]
# These crossovers belong to this machine, this width and this code. The paper measures others on its GPU:
# attention is overtaken at 2,048 tokens, and FlashAttention, which never writes the matrix down, between
# 4,096 and 8,192 (Sec. 4.4). Section 3 comes back to this.
#
# ## 2. Memory against length
#
# Time is one half of the price. The other: how many bytes must be alive at once? It can be predicted by
# reading the code of each form and counting arrays, in numbers of 4 bytes (float32).
#
# | form | what is alive at its peak | numbers |
# |---|---|---|
# | Toeplitz matrix | a matrix a channel, and two tables of lags (8 bytes an entry) | $D L^2 + 4 L^2$ |
# | attention | scores; the same, masked; exponentials; weights; the mask (1 byte each) | $4 L^2 + L^2 / 4$ |
# | FFT | spectra of $u$ and $h$, their product, the signal before it is cut | $4 \cdot 2 D L$ |
#
# A real signal of length $L$, padded to $2L$, has $L + 1$ complex frequencies, that is about $2L$ numbers.
# `tracemalloc` is a part of Python that adds up what is allocated; NumPy reports to it. (It sees the memory
# of the host alone, so this section stays on the processor.)


# %%
def peak_bytes(call):
    """The most that was allocated at once during a call, beyond what was there before."""
    call()  # what is made once stays out of the measurement
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


predicted = {
    "Toeplitz matrix": lambda L: 4 * (D * L**2 + 4 * L**2),
    "attention": lambda L: 4 * 4.25 * L**2,
    "FFT": lambda L: 4 * 8 * D * L,
}
peaks = {name: {} for name in predicted}
for L in lengths:
    for name, call in forms(L, host).items():
        if name in predicted and L <= LONGEST[name]:
            peaks[name][L] = peak_bytes(call)

for name, by_length in peaks.items():
    L = max(by_length)
    print(f"{name:>15}, L = {L:>6,}: {by_length[L] / predicted[name](L):.3f} of the prediction")
    assert 0.7 < by_length[L] / predicted[name](L) < 1.4

# %%
cost_against_length(
    lengths,
    {name: np.divide(series(by_length, lengths), 2**20) for name, by_length in peaks.items()},
    "Peak memory of one call, measured here",
    "peak memory (MiB)",
)

# %% [markdown]
# The matrix and attention grow like $L^2$, the FFT like $L$. Note the difference between the first two:
# attention has one matrix a *head*, a convolution one a *channel*. A convolution is affordable only because
# its matrix is never written down.
#
# Training asks for more than the peak of one call: whatever the backward pass will read must be kept until
# then, by every layer. The package has a ledger for that. `saved_bytes` predicts from the shapes alone,
# `cache_nbytes` measures; they must agree to the byte. Then the prediction can be trusted at lengths that
# would not fit here.

# %%
mixers = {"Hyena, order 2": HyenaConfig(D, 2**16), "attention, 1 head": AttentionConfig(D, 2**16)}
models = {name: LanguageModelConfig(vocab_size=20, n_layer=1, mixer=mixer) for name, mixer in mixers.items()}
for model in models.values():
    params = init_language_model(model, rng, host)
    _, cache = language_model(rng.integers(0, 20, (1, 256)), params, model)
    assert saved_bytes(model, 1, 256)["total"] == cache_nbytes(cache, params)

MIXER_PARTS = ("projections", "recurrence", "spectra", "filter network", "mixer", "attention matrix")
long = [2**p for p in range(8, 17)]
kept = {name: {} for name in models}
for name, model in models.items():
    for L in long:
        ledger = saved_bytes(model, 1, L)
        kept[name][L] = sum(ledger.get(part, 0) for part in MIXER_PARTS) / 2**20

place = crossover(kept["Hyena, order 2"], kept["attention, 1 head"])
print(f"Hyena keeps less from L = {place:.0f} on")
assert kept["attention, 1 head"][65536] > 50 * kept["Hyena, order 2"][65536]
cost_against_length(
    long,
    {name: list(by_length.values()) for name, by_length in kept.items()},
    f"What one layer keeps for the backward pass of one text (D = {D})",
    "memory (MiB)",
)

# %% [markdown]
# On short texts Hyena keeps *more*: branches, spectra, and the layers of its filter network. FlashAttention
# keeps no matrix either; it computes the pieces again in the backward pass, so its memory grows like $L$. Its
# number of operations still grows like $L^2$.
#
# ## 3. Operations are not seconds
#
# Count multiplications and additions of the mixing alone. Attention makes two products with $L \times L$
# matrices, each of which takes $L^2 D$ multiplications and as many additions:
#
# $$ 2 \cdot 2\, L^2 D . $$
#
# The usual count for an FFT of $n$ real numbers is $\tfrac52 n \log_2 n$. A convolution has three of length
# $n = 2L$ in each channel: signal, filter, and back. (The paper's count in App. A.2, $2 \cdot 5\, D L \log L$
# for order 2, is that of two: the filter is shared by the whole batch.)
#
# $$ 3 \cdot \tfrac52\, 2L \log_2(2L)\, D = 15\, D L \log_2 (2L) . $$
#
# A whole layer adds the projections, $2 \cdot 4 D^2 L$ for both operators: from $D$ to $3D$ and from $D$ to
# $D$. The wider the model, the longer the projections dominate.


# %%
def attention_operations(L):
    return 4 * L**2 * D


def fft_operations(L):
    return 15 * D * L * math.log2(2 * L)


def layer_ratio(L, width):
    """Operations of a layer of attention, divided by those of a layer of Hyena of order 2."""
    projections = 8 * width**2 * L
    mixing = np.array([attention_operations(L), fft_operations(L)]) / D * width
    of_attention, of_hyena = projections + mixing
    return of_attention / of_hyena


side = 512 if in_browser() else 1024
square = random(side, side)
product = seconds({"product": lambda: square @ square})["product"]
rates = {
    "a product of matrices": 2 * side**3 / product,
    f"FFT convolution, L = {LONG:,}": fft_operations(LONG) / times["FFT"][LONG],
    f"attention, L = {LONG:,}": attention_operations(LONG) / times["attention"][LONG],
}
for name, rate in rates.items():
    print(f"{name:>26}: {rate / 1e9:5.1f} thousand million operations a second")

# %% [markdown]
# The same processor, the same thread, and quite different rates. A product of matrices uses each number that
# it fetches many times. An FFT fetches, computes little, and moves on. Attention as written here makes two
# products at a high rate, and then spends its time on exponentials and on walking through a matrix of $L^2$
# entries four times over.
#
# So a ratio of counts and a ratio of times differ by the ratio of rates, and that depends on machine and
# code. The abstract of the paper says: twice as fast as highly optimised attention at 8K, a hundred times at
# 64K. The evidence is a plot (Sec. 4.4, Fig. 4.3: order 2, batch 64, a fused FFT convolution on a GPU). A
# reader took the numbers behind it, in milliseconds, from the source of an early draft (github.com,
# HazyResearch/safari, issue 10):

# %%
plotted_lengths = [2**p for p in range(10, 17)]
plotted = {
    "Hyena": [0.9, 1.16, 1.47, 1.5, 2.84, 5.41, 11.32],
    "attention": [0.4, 1.25, 2.16, 6.17, 21.74, 90.71],  # then it is out of memory
    "FlashAttention": [0.29, 0.3, 0.63, 2.1, 8.33, 32.85, 129.07],
}
plotted = {name: dict(zip(plotted_lengths, values, strict=False)) for name, values in plotted.items()}


def divided(numerator, denominator):
    return {L: numerator[L] / denominator[L] for L in numerator if L in denominator}


flash = divided(plotted["FlashAttention"], plotted["Hyena"])
plain = divided(plotted["attention"], plotted["Hyena"])
print(f"FlashAttention / Hyena: {flash[8192]:.1f} at 8K, {flash[65536]:.1f} at 64K")
print(f"attention / Hyena: {plain[8192]:.1f} at 8K, out of memory at 64K")
assert round(flash[65536], 1) == 11.4

# %%
ratios = {
    "counted: the mixing alone": {L: attention_operations(L) / fft_operations(L) for L in long},
    "counted: a layer of width 768": {L: layer_ratio(L, 768) for L in long},
    "measured here: the mixing alone": divided(times["attention"], times["FFT"]),
    "Fig. 4.3, draft: attention": plain,
    "Fig. 4.3, draft: FlashAttention": flash,
}
figure = ratio_against_length(
    long,
    {name: series(by_length, long) for name, by_length in ratios.items()},
    "One question, five answers",
    "attention divided by Hyena",
)
figure.axes[0].axhline(1, color="grey", linestyle="--")  # above: Hyena is cheaper
figure

# %% [markdown]
# In the end all five curves rise, and that is the part of the promise that no machine can change: $L^2$
# against $L \log_2 L$. Where they lie is another matter.
#
# - **Counted, the mixing alone**, is the most flattering. It leaves out the projections and assumes that both
#   sides compute at the same rate.
# - **A whole layer** of the paper's model with 125 million parameters (width 768) starts near 1, because the
#   projections are the same.
# - **On the GPU** the products of attention run on matrix units, which do sixteen times the work of the
#   others (section 5); an FFT must be rewritten for them (section 4). In these numbers the hundred times of
#   the text do not appear: 11 times at 64K against FlashAttention. Plain attention does not fit there at all.
# - **Here** there are no separate matrix units, and attention is written plainly. The two effects pull in
#   opposite directions.
#
# So a single factor is a statement about a machine and a rival. An exponent is a statement about the method.
#
# ## 4. The Fourier matrix, taken apart
#
# If the matrix units are so much faster, can the FFT be made of matrix products? It always has been. The
# discrete Fourier transform is a product with the full matrix
#
# $$ (F_n)_{kj} = e^{-2 \pi i\, kj / n} , $$
#
# and an FFT is fast because $F_n$ is a product of sparse matrices. For $n = N_1 N_2$ write the signal into
# the rows of an $N_1 \times N_2$ table $X$, transform the columns, multiply by *twiddle factors* $T$,
# transform the rows, and read the table by columns:
#
# $$ X_{ij} = x_{N_2 i + j}, \qquad Y = \big(T \odot (F_{N_1} X)\big)\, F_{N_2}, \qquad
#    \hat x_{k_1 + N_1 k_2} = Y_{k_1 k_2}, \qquad T_{k_1 j} = e^{-2 \pi i\, k_1 j / n} . $$
#
# As matrices on the whole signal: to transform all rows is a block-diagonal matrix, a copy of $F_4$ for each
# row, written $I \otimes F_4$. To transform the columns: swap rows and columns, transform the rows, swap
# back. The swap is a permutation $P$. With $n = 16 = 4 \cdot 4$:
#
# $$ F_{16} = P \; (I \otimes F_4) \; T \; P \; (I \otimes F_4) \; P . $$

# %%
n, factors = 16, (4, 4)
tables = monarch_tables(factors, np.zeros(1))  # float64
order = monarch_order(factors)  # which frequency lies where before the last permutation
F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)

P = np.eye(n)[order]
blocks = np.kron(np.eye(4), tables.dft[0])  # I ⊗ F_4
T = np.diag(tables.twiddles[0].ravel())
product = P @ blocks @ T @ P @ blocks @ P

assert np.abs(product - F).max() < 1e-12
assert np.array_equal(P @ P, np.eye(n))  # swapping twice changes nothing
fft_factors(
    [product, P, blocks, T, P, blocks, P],
    ["$F_{16}$", "$P$", r"$I \otimes F_4$", "$T$", "$P$", r"$I \otimes F_4$", "$P$"],
    ["=", *"·····"],
    "The full Fourier matrix is a product of sparse ones",
)

# %% [markdown]
# Colours are angles: all entries have size 1 or 0. Two block-diagonal matrices with 64 entries each and 16
# twiddles do the work of 256. In general the blocks have $n (N_1 + N_2)$ entries instead of $n^2$. A matrix
# of the form block-diagonal, permutation, block-diagonal is called a *Monarch* matrix, after the butterfly:
# learned ones have replaced dense layers (Dao et al., 2022). With as many factors as $n$ has primes the
# recipe becomes the classical FFT with its $n \log_2 n$ steps; the fewer the factors, the larger and fewer
# the matrix products.
#
# **Never undo the permutation.** Call all but the last step $M$, so that $F_n = P M$. `monarch_fft` computes
# $M x$: the right frequencies in the wrong order. A convolution multiplies spectra entry by entry, and that
# does not care for the order, as long as both have the same one:
#
# $$ \mathcal F^{-1} \big( \mathcal F(h) \odot \mathcal F(u) \big)
#    = M^{-1} P^{-1} \big( P M h \odot P M u \big) = M^{-1} \big( M h \odot M u \big) . $$
#
# A permutation computes nothing and moves everything, so on a GPU it is pure loss. Here it cancels.

# %%
x, h = rng.standard_normal((2, n))
permuted = monarch_fft(x, factors)

assert np.abs(permuted - blocks @ T @ P @ blocks @ P @ x).max() < 1e-12
assert np.abs(permuted - np.fft.fft(x)[order]).max() < 1e-12  # the same numbers, elsewhere
circular = np.fft.ifft(np.fft.fft(h) * np.fft.fft(x))
never_undone = monarch_ifft(monarch_fft(h, factors) * permuted, factors)
assert np.abs(never_undone - circular).max() < 1e-12

print("position: ", *[f"{position:2d}" for position in range(n)])
print("frequency:", *[f"{frequency:2d}" for frequency in order])
for size in (256, 4096, 65536):
    split = monarch_factors(size)
    print(f"n = {size:>6,} = {split}: {size * sum(split):>10,} entries instead of {size**2:>13,}")

# %% [markdown]
# ## 5. Why two products can beat one FFT
#
# A processor has two limits: $R$ operations a second, and $W$ bytes a second from and to its memory. Work
# that needs $a$ operations and $b$ bytes takes at least
#
# $$ \max\Big(\frac{a}{R},\ \frac{b}{W}\Big) . $$
#
# This is the *roofline* model. On an A100, NVIDIA's data sheet states: $R = 19.5 \cdot 10^{12}$ for the
# general units in 32 bits; $312 \cdot 10^{12}$ for the matrix units in 16 bits, sixteen times as many;
# $W = 2.04 \cdot 10^{12}$. One of its multiprocessors holds up to 164 KiB of data on the chip. Now a
# convolution over $L$ tokens, for each channel, in three forms:
#
# | form | operations | units | bytes |
# |---|---|---|---|
# | library FFT: three programs that read and write memory | $2 \cdot \frac52 n \log_2 n$ | general | $44 L$ |
# | one program: FFT, product and FFT on the chip | the same | general | $8 L$ |
# | one program, by matrix products in 16 bits | $4 n\,(2 \sum_i N_i - N_1)$ | matrix | $4 L$ |
#
# The $44 L$: read the signal ($4L$ bytes), write its spectrum ($8L$), read and write it for the product
# ($16L$), read it again ($8L$), write $n = 2L$ numbers ($8L$). The filter's spectrum is shared by the batch
# and not counted. Complex products cost 8 operations, two channels share a transform, and $-N_1$ is the half
# of the first and last stage that causality leaves empty.

# %%
GENERAL, MATRIX, MEMORY, ON_CHIP = 19.5e12, 312e12, 2.039e12, 164 * 1024


def roofline(operations, rate, moved):
    """Nanoseconds at least, and which of the two limits sets them."""
    arithmetic, memory = operations / rate * 1e9, moved / MEMORY * 1e9
    return f"{max(arithmetic, memory):7.1f} {'arithmetic' if arithmetic > memory else 'memory':>10}"


def operation_counts(L):
    """Of a convolution, for each channel: by FFTs, and by matrix products."""
    n, split = 2 * L, monarch_factors(2 * L)
    return 5 * n * math.log2(n), 4 * n * (2 * sum(split) - split[0])


print("nanoseconds a channel:")
print(f"{'L':>7}  {'library FFT':>18}  {'one program':>18}  {'matrix products':>18}  factors")
for L in (512, 1024, 2048, 4096, 8192, 16384):
    assert 4 * 2 * L <= ON_CHIP  # n complex numbers of 2 + 2 bytes
    by_fft, by_products = operation_counts(L)
    columns = [roofline(by_fft, GENERAL, moved) for moved in (44 * L, 8 * L)]
    columns.append(roofline(by_products, MATRIX, 4 * L))
    print(f"{L:>7,}  {'  '.join(columns)}  {monarch_factors(2 * L)}")

# %% [markdown]
# The model has a picture, and its name from it. Across: how many operations a piece of work does for each
# byte that it moves. Up: the most operations a second. Where few operations come on a byte, memory is the
# limit, and the limit is a slope; where many do, arithmetic is, and the limit is flat.


# %%
@styled
def draw_roofline(L):
    """The two roofs of the A100, and where the three forms of a convolution stand below them."""
    intensity = 2.0 ** np.arange(-1, 12, 0.05)
    roofs = {"general units, 32 bits": GENERAL, "matrix units, 16 bits": MATRIX}
    curves = {name: np.minimum(rate, MEMORY * intensity) for name, rate in roofs.items()}
    axis = ("operations for each byte moved", "operations a second")
    figure = lines(intensity, curves, *axis, f"Under which roof? (L = {L:,})", log_x=True, log_y=True)
    by_fft, by_products = operation_counts(L)
    forms = [
        ("library FFT", "s", by_fft / (44 * L), GENERAL),
        ("one program", "^", by_fft / (8 * L), GENERAL),
        ("matrix products", "D", by_products / (4 * L), MATRIX),
    ]
    (axes,) = figure.axes
    for name, marker, x, rate in forms:
        axes.plot(x, min(rate, MEMORY * x), marker, color="black", markersize=8, label=name)
    axes.legend(loc="lower right")
    return figure


draw_roofline(4096)

# %% [markdown]
# Read the table by rows. The library's FFT waits for memory, so faster arithmetic would not help it. Once the
# whole convolution stays on the chip (most of the gain), arithmetic is the limit, and only then do the matrix
# units count: many more operations, in less time. FlashFFTConv (Fu et al., 2023) reports 7.9 times PyTorch's
# speed at 1K and 5.4 times at 8K, on an H100. At a million tokens nothing fits on the chip, and 1.7 times are
# left. (Peaks are never reached, and 16 bits carry three digits: this table says what is possible, not what
# will be.)
#
# ### The same on this processor
#
# It has one kind of unit, and NumPy runs one program after the other. So the model predicts a loss. How
# large? First the rates, then the experiment: `monarch_conv` against `fftconv`, both without a skip term, two
# texts at a time.

# %%
signal = random(D, 8192)
transform = seconds({"rfft": lambda: rfft(signal, 8192)})["rfft"]
fft_rate = 2.5 * D * 8192 * math.log2(8192) / transform
matrix_rate = rates["a product of matrices"]
print(f"matrix products do {matrix_rate / fft_rate:.1f} times the operations a second of the library's FFT")


# %%
def both_ways(L):
    u, h = random(2, D, L), random(D, L)
    made_once = monarch_tables(monarch_factors(2 * L), u)
    return {"products": lambda: monarch_conv(u, h, factors=made_once)[0], "FFT": lambda: fftconv(u, h)[0]}


def compared(calls):
    """Times of calls that must agree before they are timed."""
    first, *others = (to_numpy(call()) for call in calls.values())
    assert all(np.abs(other - first).max() < 1e-5 * np.abs(first).max() for other in others)
    return seconds(calls, repeats=7)


extra, slower = {}, {}
for L in (2**p for p in range(7, 12 if in_browser() else 14)):
    took = compared(both_ways(L))
    extra[L] = operation_counts(L)[1] / operation_counts(L)[0]
    slower[L] = took["products"] / took["FFT"]

figure = ratio_against_length(
    list(slower),
    {"operations (counted)": list(extra.values()), "time (measured here)": list(slower.values())},
    "Many more operations, done faster: is it enough?",
    "matrix products divided by FFT",
)
figure.axes[0].axhline(1, color="grey", linestyle="--")  # above: the FFT is cheaper
figure

# %% [markdown]
# Five to thirteen times the operations do not take as many times as long, because matrix products run at a
# higher rate even here. But a factor of sixteen is not to be had from a processor with one kind of unit, and
# every stage writes its table to memory and reads it back. Above the dashed line the products have lost;
# below it they would have won.
#
# ## 6. Short filters: two small matrices
#
# Products win easily where there is little to transform. A filter with few taps reaches only a little way
# back, so cut the text into blocks of $b$ positions. With at most $b + 1$ taps a block reads itself and the
# one before it, and the large Toeplitz matrix has two small ones, $H_0$ on its diagonal and $H_1$ below:
#
# $$ Y_r = H_0 X_r + H_1 X_{r-1}, \qquad (H_0)_{ij} = h_{i-j}, \qquad (H_1)_{ij} = h_{b+i-j} . $$
#
# That is `two_stage_conv`: about $4b$ operations a position, whatever the length of the text. It comes from
# StripedHyena 2 (Ku et al., 2025), whose short filters have 7 and 128 taps. The picture has $b = 8$ and nine
# taps: the matrix of the whole text, and its two kinds of blocks.

# %%
b, short_filter = 8, np.exp(-np.arange(9) / 4) * np.cos(np.arange(9))
whole = toeplitz(np.pad(short_filter, (0, 4 * b - 9))[None])[0]  # (4b, 4b)
block = np.arange(4 * b) // b
own, before = (np.where(block[:, None] - block == distance, whole, 0.0) for distance in (0, 1))

assert np.array_equal(own + before, whole)
assert all(np.array_equal(own[:b, :b], own[i : i + b, i : i + b]) for i in range(0, 4 * b, b))
matrix_row(
    [whole, own, before],
    ["$S_h$, nine taps", "$H_0$ in every block", "$H_1$ left of it"],
    ["=", "+"],
    "A short filter needs two small matrices only",
)

# %% [markdown]
# `overlap_save` also works on blocks, but by FFTs of four filter lengths or more. Both against the FFT of the
# whole text, for filters of 3 to 257 taps:

# %%
L = 2048 if in_browser() else 8192
u = random(1, D, L)


def with_taps(h):
    return {
        "FFT of the whole text": lambda: fftconv(u, h)[0],
        "FFTs of blocks": lambda: overlap_save(u, h)[0],
        "two matrices a channel": lambda: two_stage_conv(u, h)[0],
    }


taps = [2**p + 1 for p in range(1, 9)]
took = {count: compared(with_taps(random(D, count))) for count in taps}
short = {name: {count: took[count][name] for count in taps} for name in took[3]}

place = crossover(short["FFT of the whole text"], short["two matrices a channel"])
if place:
    print(f"two matrices a channel are quicker up to {place:.0f} taps")
whole = short.pop("FFT of the whole text")
figure = ratio_against_length(
    taps,
    {name: series(divided(by_count, whole), taps) for name, by_count in short.items()},
    f"Short filters want blocks (L = {L:,}, D = {D})",
    "time divided by that of one FFT",
)
figure.axes[0].axhline(1, color="grey", linestyle="--")  # below: quicker than the FFT of the whole text
figure.axes[0].set_xlabel("filter length (taps)")
figure

# %% [markdown]
# Below the dashed line a form is quicker than the transform of the whole text. The work of two matrices grows
# with the filter (and so do they: $2 b^2$ entries a channel must be laid out in every call), while the
# transform hardly notices. On matrix units the crossing moves to the right. Hyena's own filters are as long
# as the text: there is no block to cut, and the FFT stays.
#
# ## What you have now
#
# - Measured exponents: 2 for whatever touches all pairs, a little over 1 for the FFT; and the crossovers of
#   this machine.
# - Memory predicted by reading code, and confirmed: $L^2$ for matrices, $L$ for spectra, to the byte where
#   the package keeps a ledger.
# - A ratio of operations is no ratio of times. Ask: at which rate, on which units, and how many bytes?
# - $F_n$ is a product of block-diagonal matrices and permutations, and a convolution can leave the last
#   permutation undone.
# - Matrix products beat the FFT where matrix units exist and the data stay on the chip, or where filters are
#   short.
#
# ## On your own: three things to try
#
# 1. Give `forms` a batch of 8 texts. The transform of the filter is then shared, the matrices of attention
#    are not. Predict, from the counts of section 3, by how much the ratio of the two changes; then measure.
# 2. Take $n = 15 = 3 \cdot 5$ in section 4. The table is no square any more: there are two kinds of blocks,
#    and two permutations that undo each other, where a single one undid itself. Find the product that gives
#    $F_{15}$ to $10^{-12}$. (`monarch_order((3, 5))` and `monarch_order((5, 3))` are all you need.)
# 3. Put another machine into the roofline table: the data sheet of a GPU that you can use, or this processor
#    with the two rates that you measured. By how much must products be faster than FFTs for the last column
#    to win at $L = 4096$?
#
# ## Further reading
#
# - M. Poli et al., *Hyena Hierarchy: Towards Larger Convolutional Language Models*, 2023, Prop. 3.2, Sec. 4.4
#   and App. A.2, [arXiv:2302.10866](https://arxiv.org/abs/2302.10866).
# - D. Y. Fu et al., *FlashFFTConv: Efficient Convolutions for Long Sequences with Tensor Cores*, 2023,
#   [arXiv:2311.05908](https://arxiv.org/abs/2311.05908): sections 4 and 5 of this notebook, for real.
# - T. Dao et al., *Monarch: Expressive Structured Matrices for Efficient and Accurate Training*, 2022,
#   [arXiv:2204.00595](https://arxiv.org/abs/2204.00595).
# - T. Dao et al., *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness*, 2022,
#   [arXiv:2205.14135](https://arxiv.org/abs/2205.14135): the rival, and why bytes count more than operations.
# - J. Ku et al., *Systems and Algorithms for Convolutional Multi-Hybrid Language Models at Scale*, 2025,
#   [arXiv:2503.01868](https://arxiv.org/abs/2503.01868): two-stage blocked convolutions.
# - S. Williams, A. Waterman and D. Patterson, *Roofline: An Insightful Visual Performance Model*, 2009.
