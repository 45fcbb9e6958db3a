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
# # Filters compete
#
# Inside a Hyena operator stands a long filter, a list of numbers $h_0, h_1, \dots$ that says how much of the
# past arrives. Nothing forces it to be computed by a network of sines. It can be stored tap by tap, be the
# echo of a damped oscillator, or be drawn in frequency. The paper lets six ways compete at the same task
# (Sec. 4.1, Fig. 4.1) and finds large differences. In this notebook you see why.
#
# **What you will do**
#
# - write one filter down in seven ways, and count what each costs;
# - look at all of them before training, in time and in frequency;
# - prove for two of them that they are what their name says: an echo, and a feedback loop;
# - train a small model with each at the same task, and watch who learns to recall;
# - look again, at what training made of the filters;
# - read the whole competition off a table, beside the published numbers.
#
# **What you will learn**
#
# That a parametrisation is a prejudice about filters, which prejudice recall needs, and why the number of
# parameters explains nothing.
#
# **What you need**
#
# Notebook 2 (Hyena's own filter) and notebook 5 (the recall task). The seven trainings take half a minute on
# a laptop. In a browser, which has one thread and a quarter of the speed, three of the seven compete. The
# paper is *Hyena Hierarchy* (Poli et al., 2023, arXiv 2302.10866).

# %%
import numpy as np
from IPython.display import Markdown, display

from hyena_np import (
    CKConvConfig,
    FIRConfig,
    FNOConfig,
    HyenaConfig,
    LanguageModelConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
    get_backend,
    init_hyena,
    language_model,
    long_filter,
    stable_denominator,
    threads,
    tree_leaves,
)
from hyena_np.experiments.experiment import experiment_in
from hyena_np.experiments.show import results_to_show
from hyena_np.experiments.token_data import TokenData
from hyena_np.machine import in_browser
from hyena_np.plots import lines
from hyena_np.plots.gallery import filter_gallery
from hyena_np.plots.signals import signals
from hyena_np.tasks.recall import RecallTask, mask_labels
from hyena_np.training.loop import TrainConfig, initial_state, train_step
from hyena_np.training.schedule import Schedule

backend = get_backend("numpy", "float32")
L = 128

# %% [markdown]
# ## 1. Seven ways to write a filter down
#
# | name | the filter $h_t$ | what is learned |
# |---|---|---|
# | Hyena | $\mathrm{Window}(t) \cdot \mathrm{FFN}(\mathrm{PE}(t))$, eq. (7) | a network of sines |
# | CKConv | $\mathrm{FFN}(t)$, $t$ from -1 to 1, no window | a network of sines |
# | S4D | $2\,\mathrm{Re} \sum_n C_n B_n A_n^t$ | damped oscillators |
# | transfer function | $b(z) / a(z)$ as a power series in $z^{-1}$ | two polynomials |
# | FNO | $\sum_k H_k\, e^{2 \pi i k t / L}$, $k < 64$ | low frequencies |
# | Conv1d | $w_t$ for $t < 64$, then zero | 64 taps |
# | LongConv | $w_t$ for every $t$; what is smaller than a threshold is 0 | all taps |
#
# A *tap* is the number at one lag. FFN and PE are the network and the features of notebook 2, $z^{-1}$ stands
# for a delay by one token, $\mathrm{Re}$ for the real part; section 3 takes two of the rows apart.
#
# All seven go into the *same* operator: projections, short convolutions, gates and skip term do not change.
# One function computes them all. It takes parameters and a length, and gives a filter a channel.

# %%
FILTERS = {
    "Hyena": None,
    "CKConv": CKConvConfig(width=32),
    "S4D": S4DConfig(state=64),
    "transfer function": TransferFunctionConfig(order=64),
    "FNO": FNOConfig(modes=64),
    "Conv1d": FIRConfig(taps=64),
    "LongConv": LongConvConfig(),
}


def operator(name, D=64, l_max=L + 2):
    """The config of an operator whose long filter is written in this way."""
    return HyenaConfig(D, l_max, emb_dim=5, filter_order=32, shift=0.5, filter=FILTERS[name])


before = {}
for name in FILTERS:
    params = init_hyena(operator(name), np.random.default_rng(0), backend)
    before[name], _ = long_filter(params, L, operator(name))
    print(f"{name:>18}: h has shape {before[name].shape}, (filters, D, L)")

# %% [markdown]
# ### What each costs
# The parameters of the filter alone, for 64 channels, as the longest input grows. Only LongConv pays for
# length. None of the others does: this is what "sublinear parameters" means in Sec. 2 of the paper.


# %%
def filter_parameters(name, l_max):
    """Learned numbers of the long filter; tables that follow from the length are not learned."""
    fixed = ("positional.z", "positional.t", "window.deltas")
    params = init_hyena(operator(name, l_max=l_max), np.random.default_rng(0), backend)["filter"]
    leaves = {key: leaf for key, leaf in tree_leaves(params).items() if key not in (*fixed, "skip")}
    return sum(leaf.size for leaf in leaves.values())


lengths = (256, 1024, 4096)
rows = [f"| {name} | {' | '.join(f'{filter_parameters(name, n):,}' for n in lengths)} |" for name in FILTERS]
head = "| filter | " + " | ".join(f"L = {n:,}" for n in lengths) + " |\n|---|" + "---:|" * len(lengths)
display(Markdown("\n".join([head, *rows])))
assert filter_parameters("LongConv", 4096) == 4 * filter_parameters("LongConv", 1024)
assert filter_parameters("S4D", 4096) == filter_parameters("S4D", 1024)

# %% [markdown]
# ## 2. Before training
#
# Three channels of each, at random initial parameters. Look at two things: does the filter reach the far end
# of the sequence at all, and is it the same everywhere?

# %%
for name in FILTERS:
    loud = np.abs(before[name][0]).max(axis=0)  # over channels
    reach = np.flatnonzero(loud > 0.01 * loud.max())[-1]
    print(f"{name:>18}: the last lag above 1 % of the largest tap is {reach} of {L - 1}")
assert not before["Conv1d"][..., 64:].any()
filter_gallery({name: [h[0]] for name, h in before.items()}, ["at the start"], title="Seven prejudices")

# %% [markdown]
# - *Conv1d* ends at lag 64. So does the *transfer function* for now: its feedback starts at zero.
# - *FNO* is a spike at lag 0 in a little noise. It is periodic, so the last lags are neighbours of the first:
#   the noise rises again at the end. (Its 64 frequencies are nearly all that 128 lags have. Only on longer
#   texts does the limit make it smooth.)
# - *S4D* forgets: each of its echoes decays from the first tap on.
# - *CKConv* has no window: nothing prefers near to far.
# - *Hyena* has both. The window makes some channels short and others long, and its shift keeps the tails
#   alive.
# - *LongConv* is sparse noise: most taps are below the threshold. No lag knows of its neighbour, so every lag
#   must be learned by itself.

# %% [markdown]
# ## 3. Two of them from their definitions
#
# **An echo.** A state space model keeps a state of 32 oscillators. Each turns and shrinks by its own complex
# factor $A_n$ at every step, and the input pushes it by $B_n$; the output reads $2\,\mathrm{Re}\,\langle C,
# \text{state}\rangle$. Push once, at $t=0$, and what comes out is the filter.

# %%
double = get_backend("numpy", "float64")
params = init_hyena(operator("S4D"), np.random.default_rng(0), double)
h, _ = long_filter(params, L, operator("S4D"))
s4d = params["filter"]["s4d"]
dt = np.exp(s4d["log_dt"])[:, None]  # (D, 1), how fast the clock of each channel runs
A = -np.exp(s4d["log_decay"]) + 1j * s4d["frequency"]  # (D, 32), decay and frequency of each oscillator
C = s4d["c_real"] + 1j * s4d["c_imag"]
step = (1 + dt * A / 2) / (1 - dt * A / 2)  # the bilinear transform: one step of discrete time
state = dt / (1 - dt * A / 2)  # after the push at t = 0
echo = []
for _ in range(L):
    echo.append(2 * np.sum(C * state, axis=1).real)
    state = step * state
error = np.abs(np.stack(echo, axis=1) - h[0]).max() / np.abs(h).max()
print(f"loop over the state against the formula: {error:.1e}")
assert error < 1e-12 and np.abs(step).max() < 1

# %% [markdown]
# The picture takes one channel apart: two of its oscillators alone, and all 32 together. (The scales differ.)

# %%
lag = np.arange(L)
channel = int(np.argmin(np.abs(np.log(dt[:, 0]) - np.log(0.02))))  # a clock of middle speed


def oscillator(n):
    """The echo of one oscillator."""
    push = dt[channel, 0] / (1 - dt[channel, 0] * A[channel, n] / 2)
    return 2 * np.real(C[channel, n] * push * step[channel, n] ** lag)


assert np.allclose(sum(oscillator(n) for n in range(32)), h[0, channel], atol=1e-12)
together = "all 32 together: the filter"
signals(
    {"oscillator 2": oscillator(2), "oscillator 9": oscillator(9), together: h[0, channel]},
    title=f"Damped oscillators add up to a filter (channel {channel})",
    x_label="lag t (tokens)",
    share_y=False,
)

# %% [markdown]
# **A feedback loop.** A transfer function is a recipe for an output that hears itself:
# $s_t = b_t - \sum_i a_i\, s_{t-i}$. If the feedback is too strong it howls. Here the coefficients are
# divided by their own sum, so that $\sum_i |a_i| < 1$, and no parameter whatsoever can make it unstable.

# %%
params = init_hyena(operator("transfer function"), np.random.default_rng(0), double)
transfer = params["filter"]["transfer_function"]
noise = np.random.default_rng(1)
transfer["denominator"] = noise.standard_normal(transfer["denominator"].shape)  # at the start, a = 0
h, _ = long_filter(params, L, operator("transfer function"))
a, b = stable_denominator(transfer["denominator"]), transfer["numerator"]
s = np.zeros((len(b), L))
for t in range(1, L):
    order = min(t, a.shape[1])
    heard = np.sum(a[:, :order] * s[:, t - order : t][:, ::-1], axis=1)
    s[:, t] = (b[:, t - 1] if t <= b.shape[1] else 0) - heard
s[:, 0] = transfer["h0"]
error = np.abs(s - h[0]).max() / np.abs(h).max()
print(f"loop with feedback against the quotient of two transforms: {error:.1e}")
assert error < 1e-9 and np.abs(a).sum(axis=1).max() < 1

# %%
silent = np.concatenate([transfer["h0"][:1], b[0], np.zeros(L)])[:L]
signals(
    {"without feedback: the polynomial b, then nothing": silent, "with feedback: it goes on": s[0]},
    title="What feedback adds (channel 0)",
    x_label="lag t (tokens)",
)

# %% [markdown]
# ## 4. The competition
#
# The recall task of notebook 5 with four keys ($V = 10$) and $L = 128$ tokens: two layers, 64 channels,
# fresh examples at every step, the same steps and the same learning rate for all. (In the experiment below,
# everybody has a learning rate of its own.)

# %%
task, steps = RecallTask(10, L), 100


RIVALS = ("Hyena", "Conv1d", "LongConv") if in_browser() else tuple(FILTERS)


def model_with(name):
    """A language model of two layers whose operators hold this kind of filter."""
    return LanguageModelConfig(10, 2, operator(name), d_inner=128, init="torch", embedding_std=0.2)


training = TrainConfig(Schedule(1e-2, warmup=30, total=steps, decay="linear"), betas=(0.9, 0.95))


def compete(name):
    """Train with one kind of filter: losses, test accuracy, and the last parameters."""
    model = model_with(name)
    data = TokenData(task, model, seed=0, batch=8, loss="seen", test=200)
    state, rng, losses = initial_state(model, training, backend), np.random.default_rng(1), []
    with threads(1):  # the products are small: two threads would wait for one another
        for number in range(steps):
            state, loss, _ = train_step(state, *data.sample(rng, number), model, training)
            losses.append(float(loss))
        return losses, data.test(state.params)["test_accuracy"], state.params


# %%
losses, accuracies, trained = {}, {}, {}
live = display(Markdown("starting"), display_id=True)
for name in RIVALS:
    losses[name], accuracies[name], trained[name] = compete(name)
    live.update(Markdown(", ".join(f"{done}: {share:.0%}" for done, share in accuracies.items())))

# %%
smooth = {name: np.convolve(loss, np.ones(10) / 10, "valid") for name, loss in losses.items()}
lines(np.arange(10, steps + 1), smooth, "step", "training loss (nats, mean of ten)", "Who learns to recall")

# %% [markdown]
# Guessing among four values is right once in four times.

# %%
for name, share in sorted(accuracies.items(), key=lambda item: -item[1]):
    print(f"{name:>18}: {share:.1%} of 200 unseen examples")
assert accuracies["Hyena"] > accuracies["Conv1d"] > 1 / 8

# %% [markdown]
# By their losses several kinds are as good as Hyena, and yet they fail more questions. How can that be? The
# answer is asked for after `=>`, and that one token makes the question harder than it looks. How many tokens
# back stands the value that belonged to a key before? Count, inside the sequence and at the question.

# %%
ids = task.sample(np.random.default_rng(9), 1).inputs[0]
pairs_of = {key: np.flatnonzero(ids[:L:2] == key) * 2 for key in set(ids[:L:2])}
inside = {int(t - s - 1) for places in pairs_of.values() for t in places for s in places if s < t}
asked = {int(len(ids) - 1 - s - 1) for s in pairs_of[ids[-1]]}
print("inside the sequence:", sorted(inside)[:12], "...")
print("at the question:    ", sorted(asked)[:12], "...")
assert all(distance % 2 == 1 for distance in inside) and all(distance % 2 == 0 for distance in asked)

# %% [markdown]
# Odd inside, even at the question. A smooth filter treats both alike. Free taps can learn the odd lags and
# know nothing of the even ones. Is that what happened? Compare the accuracy on keys that were seen before,
# inside the sequence, with that at the question.

# %%
batch = task.sample(np.random.default_rng(9), 200)
seen = mask_labels(batch.inputs, batch.labels, "seen", task)
for name, params in trained.items():
    logits, _ = language_model(batch.inputs, params, model_with(name))
    right = logits[..., : task.vocab_size].argmax(axis=-1) == seen
    within = right[:, :-1][seen[:, :-1] >= 0].mean()
    print(f"{name:>18}: {within:.1%} inside the sequence, {right[:, -1].mean():.1%} at the question")

# %% [markdown]
# It is. Hyena, CKConv and S4D do as well in one place as in the other. The transfer function, FNO and
# LongConv lose much at the question, Conv1d a little: what they have learned about odd lags does not hold for
# even ones.

# %% [markdown]
# ## 5. What training made of them
#
# The filters of the second layer: at the start on the left, after training on the right.

# %%
pairs = {}
for name in RIVALS:
    start = initial_state(model_with(name), training, backend).params
    trees = (tree["layers"]["1"]["mixer"] for tree in (start, trained[name]))
    pairs[name] = [long_filter(tree, L, operator(name))[0][0] for tree in trees]
filter_gallery(
    pairs, ["at the start", "after training"], title="What training made of the filters of layer 2"
)

# %%
# How much of a filter's energy lies beyond lag 64, where a short filter has nothing?
for name, (start, end) in pairs.items():
    far = [float(np.sum(h[:, 64:] ** 2) / np.sum(h**2)) for h in (start, end)]
    print(f"{name:>18}: {far[0]:5.1%} of the energy beyond lag 64 at the start, {far[1]:5.1%} after training")

# %% [markdown]
# Recall does not ask *when* something was said. A filter that suits it reaches far and changes little from
# one lag to the next. Hyena and CKConv begin like this, and training mostly changes their levels. Free taps
# begin as noise, or as nothing, and each has to be learned by itself. That works for four keys; for nine it
# takes longer than the competition below lasts.

# %% [markdown]
# ## 6. The whole competition
#
# `hyena-np experiment run recall-by-parametrisation` does this in earnest: $L = 256$, four vocabularies,
# three seeds, a tuned learning rate for everybody. These are its results, with those of the paper beside
# them: Table A.2, at length 131,072. Fig. 4.1 there draws more vocabularies and lengths.

# %%
experiment = experiment_in("hyena_np.experiments.recall_by_parametrisation")
path, rows = results_to_show(experiment, "laptop", None)
report = experiment.report(rows)
head, *body = [report.tables[0].head, ["---"] * len(report.tables[0].head), *report.tables[0].rows]
display(Markdown("\n".join(f"| {' | '.join(cells)} |" for cells in [head, *body])))
report.figures["recall_by_parametrisation"]()

# %% [markdown]
# ## What you have now
#
# - Seven ways to write a filter down, one operator around them; only LongConv pays for length.
# - Two of them from first principles: a sum of damped oscillators, and an output that hears itself.
# - A filter that suits recall reaches far and is smooth in the lag. What begins like this learns in few
#   steps.
# - A low training loss with a poor test: look for what the test asks and training does not.
#
# ## On your own: three things to try
#
# 1. Give `FIRConfig` 128 taps. Does Conv1d catch up? At which length does it fall behind again?
# 2. Set `shift=0.0` in `operator`: Hyena's filters now die out. What happens to its accuracy?
# 3. Write an eighth kind: two taps, at lag 1 and at a lag that is learned? `CONTRIBUTING.md` says what a new
#    op needs. Why is a learned *lag* hard for gradients?
#
# ## Further reading
#
# - *Hyena Hierarchy*, Sec. 4.1 and App. A.1: the published competition.
# - Gu et al., *On the Parameterization and Initialization of Diagonal State Space Models* (2022): S4D.
# - Romero et al., *CKConv* (2021, arXiv 2102.02611): continuous kernels.
# - Li et al., *Fourier Neural Operator* (2020, arXiv 2010.08895).
# - Parnichkun et al., *State-Free Inference of State-Space Models* (2024, arXiv 2405.06147): transfer
#   functions.
