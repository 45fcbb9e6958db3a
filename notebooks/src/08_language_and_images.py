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
# # Language and images
#
# Recall is a test for a laboratory. The paper's claim is about the real thing: a model with Hyena operators
# in the place of attention reads text equally well (Sec. 4.2), and the same operator, given the pixels of an
# image one after another, recognises what is in it (Sec. 4.5). You do both here, small: programs written in
# Python, one character after another, and handwritten digits of 8 by 8 pixels.
#
# **What you will do**
#
# - measure in bits how well a text can be predicted, first by counting, then with two trained models;
# - let a model of your own write, at three temperatures;
# - look at a filter and at a Hyena matrix that have read code;
# - read an image as a sequence, and see which pixels a pixel can see;
# - train a causal and a two-dimensional Hyena on digits, and look at the ones they get wrong.
#
# **What you will learn**
#
# What *bits per character* mean and what to compare them with, why the first characters of a window are
# hard, and why images ask for an operator without a direction of time.
#
# **What you need**
#
# Notebook 3 (the operator and its matrix $H(u)$) and notebook 5 (a training loop). The paper is *Hyena
# Hierarchy* (Poli et al., 2023, arXiv 2302.10866). The digits come with scikit-learn, which the extra `data`
# of this package installs. The four trainings take about a minute on a laptop. A browser gives Python one
# thread and a quarter of the speed, so there the text is shorter and every training has fewer steps; the
# numbers in the text are those of the full size.

# %%
from itertools import pairwise
from pathlib import Path

import numpy as np
from IPython.display import Markdown, display

import hyena_np
from hyena_np import (
    AttentionConfig,
    Hyena2DConfig,
    HyenaConfig,
    LanguageModelConfig,
    SequenceModelConfig,
    TextTask,
    digit_images,
    get_backend,
    hyena,
    hyena2d,
    hyena2d_backward,
    hyena_backward,
    init_hyena,
    init_hyena2d,
    language_model,
    parameter_count,
    patch_sequence,
    pixel_sequence,
    sequence_model,
    softmax,
    split_images,
    standard_library,
)
from hyena_np.demo.inside import layer_filters, layer_matrices
from hyena_np.errors import ConfigError
from hyena_np.experiments.experiment import experiment_in
from hyena_np.experiments.published import PILE_LOSS, RECALL_BY_VOCABULARY
from hyena_np.experiments.show import results_to_show
from hyena_np.machine import in_browser
from hyena_np.plots import filters_before_after, lines, matrix_pair, new_figure
from hyena_np.plots.style import BLUE, styled
from hyena_np.tasks.corpora import Corpus
from hyena_np.training.loop import TrainConfig, initial_state, train_step
from hyena_np.training.schedule import Schedule
from hyena_np.writing.generate import generate
from hyena_np.writing.sampling import token_probabilities

backend = get_backend("numpy", "float32")

# %% [markdown]
# ## Part 1: language
#
# ## 1. A text
#
# A corpus that is on every machine: the source of Python's standard library, a million characters of it. (In
# a browser the library is packed away; there we read the source of this package.) The first 90 % are for
# training. The next 5 % are *held out*: no model ever learns from them, and everything below is measured on
# them.


# %%
def own_source(limit):
    """The source of this package as one text."""
    files = sorted(Path(hyena_np.__file__).parent.rglob("*.py"))
    return Corpus("hyena_np", "".join(file.read_text(encoding="utf-8") for file in files)).head(limit)


L = 128
corpus = own_source(600_000) if in_browser() else standard_library(1_000_000)
task = TextTask(corpus, L)
V = task.vocab_size
print(f"{corpus.name}: {len(corpus.text):,} characters, {V} of them different\n")
print(corpus.text[corpus.text.index("    def ", len(corpus.text) // 2) :][:500])

# %% [markdown]
# A token is a single character, so there is no tokeniser to explain. An example is a *window* of $L = 128$
# characters from a random place. At each of its positions the model is to name the next character: the
# labels are the inputs, one step earlier.

# %%
batch = task.sample(np.random.default_rng(1), 3)
for inputs, labels in zip(batch.inputs, batch.labels, strict=True):
    print("inputs ", ascii(task.vocabulary.decode(inputs[:60])))
    print("labels ", ascii(task.vocabulary.decode(labels[:60])), end="\n\n")
assert (batch.inputs[:, 1:] == batch.labels[:, :-1]).all()

# %% [markdown]
# ## 2. Bits per character
#
# A model gives every character a probability $p$ before it sees it. If it was nearly sure, being right is no
# news; if it gave it little, the character is a surprise of $-\log_2 p$ *bits*. The mean over a text is its
# **bits per character**: the size to which the text could be compressed with this model. Half a bit less at
# each character is a lot. A training loss is the same number with the natural logarithm, in nats: 1 nat is
# 1.44 bits.
#
# Whoever knows nothing gives each of the $V$ characters $p = 1/V$, which costs $\log_2 V$ bits. What can be
# reached without any network, by **counting**? How often each character occurs; how often after this one (a
# *bigram*); how often after these two, three, ... The more characters of context, the fewer examples of it
# were ever seen. So each estimate is mixed with the one from a shorter context, which weighs as much as 5
# observations:
#
# $$p_k(\text{next}) = \frac{n(k \text{ characters, then next}) + 5\, p_{k-1}(\text{next})}
# {n(k \text{ characters}) + 5}$$


# %%
def grams(ids, n):
    """Every run of n tokens as one number, written to the base V."""
    code = np.zeros(len(ids) - n + 1, dtype=np.int64)
    for i in range(n):
        code = code * V + ids[i : i + len(code)]
    return code


def occurrences(seen, asked):
    """How often each of the asked runs was seen."""
    known, counts = np.unique(seen, return_counts=True)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[place] == asked, counts[place], 0)


def counted_bits(train, text, longest=7):
    """Bits per character of a text when the last 0, 1, 2, ... characters were counted in another."""
    p, bits = 1 / V, []
    for k in range(longest + 1):
        start = text[longest - k :]  # the same characters are predicted with every k
        together = occurrences(grams(train, k + 1), grams(start, k + 1))
        context = occurrences(grams(train[:-1], k), grams(start[:-1], k))
        p = (together + 5 * p) / (context + 5)
        bits.append(float(-np.log2(p).mean()))
    return np.array(bits)


# %%
ids = task.vocabulary.encode(corpus.text)
train_ids, held_out_ids = ids[: len(ids) * 90 // 100], ids[len(ids) * 90 // 100 : len(ids) * 95 // 100]
counted = counted_bits(train_ids, held_out_ids)
relearned = counted_bits(train_ids, train_ids[-len(held_out_ids) :])
uniform = np.log2(V)
print(f"guessing {uniform:.2f} bits, counting characters {counted[0]:.2f}, a bigram {counted[1]:.2f}")
assert uniform > counted[0] > counted[1] > counted[2]
lines(
    np.arange(8),
    {"held-out text": counted, "text that was counted": relearned},
    "characters of context",
    "bits per character",
    title="What counting can do, and what it only remembers",
)

# %% [markdown]
# Four characters of context bring most of what counting can bring. After that the two curves part: on text
# that it has counted the table becomes ever more sure, on new text it does not. That is *overfitting*,
# without any network. And the table grows: it holds a number for every run of eight characters that occurs.

# %%
print(f"{len(np.unique(grams(train_ids, 8))):,} numbers for runs of eight characters")

# %% [markdown]
# ## 3. Two models
#
# The language model of notebook 5, with two layers. One mixes positions with order-2 Hyena operators, the
# other with causal attention of three heads. Attention alone does not know in which order the characters
# stand, so its model adds a learned vector for each position; Hyena's filters know the distance.

# %%
D = 96
MIXERS = {
    "Hyena": HyenaConfig(D, L, emb_dim=5, shift=0.5),
    "attention": AttentionConfig(D, L, num_heads=3),
}
language = {
    name: LanguageModelConfig(
        V,
        2,
        mixer,
        max_position_embeddings=L if name == "attention" else 0,
        init="torch",
        embedding_std=0.1,
    )
    for name, mixer in MIXERS.items()
}
STEPS, BATCH = 100 if in_browser() else 300, 8
training = TrainConfig(Schedule(6e-3, warmup=30, total=STEPS, decay="linear"), betas=(0.9, 0.95))
for name, model in language.items():
    print(f"{name:>9}: {parameter_count(model):,} parameters")
print(f"each reads {STEPS} x {BATCH} x {L} = {STEPS * BATCH * L:,} characters")

# %% [markdown]
# Two functions for everything that follows: the training loop, which takes any model, and the surprise of a
# language model at every position of some windows.


# %%
def learn(model, training, sample, measure, every=25):
    """Train a model in a plain loop; its first and last parameters, and what was measured on the way."""
    state, rng, curve = initial_state(model, training, backend), np.random.default_rng(training.seed), []
    start, total = state.params, training.schedule.total
    live = display(Markdown("starting"), display_id=True)
    for step in range(1, total + 1):
        state, _, _ = train_step(state, *sample(rng, step - 1), model, training)
        if step % every == 0:
            curve.append((step, measure(state.params)))
            live.update(Markdown(f"step {step} of {total}: {curve[-1][1]:.3f}"))
    return start, state.params, np.array(curve)


def surprise(params, model, windows):
    """Bits for each character that follows one of the windows'."""
    logits, _ = language_model(windows.inputs, params, model)
    p = softmax(logits.astype(np.float64))
    return -np.log2(np.take_along_axis(p, windows.labels[..., None], axis=-1)[..., 0])


# %%
every_window = task.windows("validation")
rows = np.arange(0, len(every_window.inputs) - 1, 5)  # every fifth window; the last one is not full
held_out = type(every_window)(every_window.inputs[rows], every_window.labels[rows])
print(f"measured on {held_out.labels.size:,} characters")
first, trained, curves = {}, {}, {}
for name, model in language.items():
    first[name], trained[name], curves[name] = learn(
        model,
        training,
        lambda rng, step: task.sample(rng, BATCH),
        lambda params, model=model: surprise(params, model, held_out).mean(),
    )

# %% [markdown]
# ## 4. The learning curves
#
# Both models start near the bits of guessing, above the picture. The two flat lines are what counting
# reaches with one and with seven characters of context.

# %%
for name, model in language.items():
    at_the_start = surprise(first[name], model, held_out).mean()
    print(f"{name:>9}: {at_the_start:.2f} bits at the start, guessing {uniform:.2f}")
steps = curves["Hyena"][:, 0]
lines(
    steps,
    {name: curve[:, 1] for name, curve in curves.items()}
    | {"counting: 1 character": np.full(len(steps), counted[1])}
    | {"counting: 7 characters": np.full(len(steps), counted[7])},
    "training step",
    "bits per held-out character",
    title="Learning to read Python",
)

# %%
final = {name: curve[-1, 1] for name, curve in curves.items()}
for name, bits in final.items():
    print(f"{name:>9}: {bits:.2f} bits per character")
assert final["Hyena"] < counted[1]

# %% [markdown]
# Within 50 steps Hyena predicts better than a table of pairs; its short convolution puts the last three
# characters side by side from the first step on. Attention must first find out which position is the one
# before, by comparing learned positions, and so few steps are not enough for that. Neither learning rate
# was tuned here, and a head start is not a victory: section 8 has the longer comparison.
#
# Counting with seven characters of context is still ahead of both. It has read the training text once, in
# whole (900,000 characters), and remembers all of it in hundreds of thousands of numbers; the models have
# read a third of that. The table is at its end. The models are not.

# %% [markdown]
# ### Where in the window?
# The mean hides something. At position 0 of a window the model has seen one character, at position 127 it
# has seen 128. If it uses what lies far back, it must get better along the window.

# %%
edges = [0, 1, 2, 4, 8, 16, 32, 64, 128]
ranges = list(pairwise(edges))
by_place = {}
for name, model in language.items():
    bits = surprise(trained[name], model, held_out).mean(axis=0)  # (L,)
    by_place[name] = np.array([bits[a:b].mean() for a, b in ranges])
middle = [(a + b - 1) / 2 + 1 for a, b in ranges]
lines(
    middle,
    by_place,
    "characters of context (mean of a range, logarithmic)",
    "bits per held-out character",
    title="More context, less surprise",
    log_x=True,
)

# %%
near, far = by_place["Hyena"][0], by_place["Hyena"][-1]
print(f"Hyena: {near:.2f} bits after one character, {far:.2f} after 65 to 128")
assert far < near - 1

# %% [markdown]
# Most is won in the first few characters: after four, a line of Python is about as predictable as it gets
# for a model this young. From there to the end of the window there is hardly any gain (the bump that both
# curves have is in the text of the windows that are measured). The long filters reach 128 characters back,
# but what to do with a name that was mentioned 100 characters ago is learned late. Language models tend to
# learn in this order: frequencies, pairs, words, and only then the long range.

# %% [markdown]
# ## 5. Writing
#
# To write, ask the model for the next character, draw one from its probabilities, append it, and ask again.
# Before drawing, the logits $z_i$ are divided by a **temperature** $\tau$:
#
# $$p_i = \frac{e^{z_i / \tau}}{\sum_j e^{z_j / \tau}}$$
#
# At $\tau = 1$ this is what the model believes. A small $\tau$ makes the probable more probable still; a
# large one makes all characters alike. What comes after `return `?

# %%
model, params = language["Hyena"], trained["Hyena"]
TEMPERATURES = (0.4, 0.8, 1.3)


def name_of(token):
    """A character that can be seen."""
    character = task.vocabulary.characters[token]
    return {" ": "␣", "\n": "⏎"}.get(character, character)


prompt = task.vocabulary.encode("        return ")
logits = language_model(prompt[None, :], params, model)[0][0, -1, :V]
likely = np.argsort(-logits)[:12]


@styled
def draw_temperatures():
    """The twelve most probable characters, at each temperature."""
    figure = new_figure(height=2.9)
    for axes, temperature in zip(figure.subplots(1, 3, sharey=True), TEMPERATURES, strict=True):
        axes.bar(range(12), token_probabilities(logits, temperature)[likely])
        axes.set_xticks(range(12), [name_of(token) for token in likely])
        axes.set_title(f"temperature {temperature}")
        axes.grid(axis="x", visible=False)
    figure.supylabel("probability")
    figure.supxlabel("next character, the most probable first")
    return figure


draw_temperatures()

# %% [markdown]
# `generate` does the asking and appending. The model that writes these lines has seen 300,000 characters in
# all, for the first time in its life.

# %%
prompt = task.vocabulary.encode("    def read(self, ")
for temperature in TEMPERATURES:
    rng = np.random.default_rng(2)
    written = np.array(list(generate(params, model, prompt, 240, rng, temperature)))
    print(f"--- temperature {temperature} " + "-" * 60)
    print(task.vocabulary.decode(np.concatenate([prompt, written])), end="\n\n")

# %% [markdown]
# At the lowest temperature the model soon falls into an indentation that does not end: after many spaces,
# one more is the most probable character. At 0.8 there are words, calls, commas and lines of the right
# shape, without a meaning. At 1.3 even the words dissolve. A temperature does not make a model know more. It
# only decides how far it may stray from what it believes.

# %% [markdown]
# ## 6. A filter that has read
#
# The long filters of the second layer (eq. (7)), before and after.

# %%
before, after = (layer_filters(tree, model, layer=1, L=L) for tree in (first["Hyena"], params))
filters_before_after(before, after, title="Filters of layer 2, before and after reading")

# %%
for layer in (0, 1):
    shares = []
    for tree in (first["Hyena"], params):
        h = layer_filters(tree, model, layer, L)
        shares.append(float((h[:, :8] ** 2).sum() / (h**2).sum()))
    print(f"layer {layer + 1}: {shares[0]:.0%} of the energy at lags 0 to 7 before, {shares[1]:.0%} after")

# %% [markdown]
# Before, a filter is small and reaches over the whole window: with `shift=0.5` no window closes. After, many
# channels have grown a peak at the first lags. That is the opposite of what recall did to them in notebook
# 5, where a pair may stand anywhere and the filters became flat. What matters for the next character of a
# program stands mostly right before it, and the spectra say the same: a peak in time is broad in frequency.
# Other channels stay long.

# %% [markdown]
# ## 7. A line of code as a matrix
#
# The filter is the same for every text. The *matrix* $H(u)$ of notebook 3 is not: the gates, which the text
# itself computes, decide where the filter is let through. For one line of code, take all channels of both
# layers. For each, how far back does it look on average? Here are the one that looks least far and the one
# that looks furthest.

# %%
line = "for word in words:\n    print(wor"
tokens = task.vocabulary.encode(line)
names = [name_of(token) for token in tokens]
matrices = np.concatenate([found[0] for found in layer_matrices(tokens[None, :], params, model)])
weight = np.abs(matrices)  # (channels of both layers, t, s)
distance = np.subtract.outer(np.arange(len(line)), np.arange(len(line)))
reach = (weight * distance).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
nearest, furthest = int(reach.argmin()), int(reach.argmax())
titles = [f"layer {i // D + 1}, channel {i % D}: {reach[i]:.1f} tokens back" for i in (nearest, furthest)]
matrix_pair(matrices[nearest], matrices[furthest], tuple(titles), tokens=(names, names))

# %% [markdown]
# On the left a channel that has become a pointwise product: each character is weighed by the gates, and the
# past does not count. On the right one that adds up the line: a column is a character that the first gate
# let in, red or blue, and from then on it is present in every row below, until the end of the line and
# beyond. The horizontal stripes are the other gate: at some characters the sum is read, at others it is not.
# Two diagonal matrices around a Toeplitz matrix (Sec. 3.2), in a model that has read for half a minute.

# %% [markdown]
# ## 8. The experiment
#
# A laptop's half minute says little about which operator is better. `hyena-np experiment run language`
# trains both for longer, with a learning rate of their own and three seeds. The paper does the same with two
# large corpora (Tables 4.3 and 4.4), and draws the loss against the operations that training took
# (Fig. 4.2). These are the results of the experiment:


# %%
def show_results(name):
    """The first table of an experiment's report, from the results that come with the package or your own."""
    experiment = experiment_in(f"hyena_np.experiments.{name}")
    try:
        _, rows = results_to_show(experiment, "laptop", None)
    except ConfigError as missing:
        print(missing)
        return
    report = experiment.report(rows)
    head, *body = [report.tables[0].head, ["---"] * len(report.tables[0].head), *report.tables[0].rows]
    table = [f"| {' | '.join(cells)} |" for cells in [head, *body]]
    display(Markdown("\n".join(table + [""] + [f"- {said}" for said in report.conclusions])))


show_results("language")

# %% [markdown]
# Was it worth the while, then, to study recall (notebook 5) before language? The paper's answer is Table C.1:
# the accuracy of five operators at recall with 20 tokens, and the loss of five language models made of them,
# after 5 billion tokens of The Pile.


# %%
@styled
def draw_recall_and_language():
    """Published: one point an operator."""
    figure = new_figure(4.6, 3.2)
    axes = figure.subplots()
    for name, loss in PILE_LOSS.rows.items():
        recall = RECALL_BY_VOCABULARY.rows[name][20]
        axes.plot(recall, loss[5], "o", color=BLUE)
        below = name == "Hyena"  # the Transformer stands at the same place
        place = {"xytext": (-6, -14 if below else 6), "ha": "right" if recall > 50 else "left"}
        axes.annotate(name, (recall, loss[5]), textcoords="offset points", **place)
    axes.set(title="who recalls, models language", xlim=(0, 105), ylim=(2.3, 4.5))
    axes.set(xlabel="accuracy at recall (%)", ylabel="loss (nats a token)")
    return figure


draw_recall_and_language()

# %% [markdown]
# ## Part 2: images
#
# ## 9. An image as a sequence
#
# 1,797 handwritten digits, 8 by 8 pixels each, from black (0) to white (1). A tenth is held out for
# validation, a fifth for the test.

# %%
digits = split_images(digit_images(), np.random.default_rng(0), validation=0.1, test=0.2)
examples = digits.train.take(np.array([np.flatnonzero(digits.train.labels == d)[0] for d in range(10)]))


@styled
def picture_row(images, titles, height):
    """Small images side by side."""
    figure = new_figure(height=height)
    row = figure.subplots(1, len(images))
    for axes, image, title in zip(row, images, titles, strict=True):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[], title=title)
        axes.grid(False)
    return figure


print([len(part) for part in digits], "images to learn from, for validation, for the test")
picture_row(examples.images[..., 0], list("0123456789"), height=1.15)

# %% [markdown]
# An operator reads sequences. So the image is read like a page: pixel after pixel, row after row, 64
# positions with one number each. Or *patch* after patch, as in a Vision Transformer: 16 positions with the
# four numbers of 2 by 2 pixels.

# %%
three = examples.images[3:4]
pixels, patches = pixel_sequence(three)[0], patch_sequence(three, 2)[0]  # (64, 1) and (16, 4)


@styled
def draw_sequences():
    """One image, as it is and as two sequences."""
    figure = new_figure(height=4.0)
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 3.2])
    axes = figure.add_subplot(grid[:, 0])
    axes.imshow(three[0, ..., 0], cmap="gray")
    axes.set(title="the image", xlabel="column", ylabel="row")
    axes.grid(False)
    axes = figure.add_subplot(grid[0, 1])
    axes.step(np.arange(64), pixels[:, 0], where="mid")
    axes.set(title="64 pixels; a line where a row begins", ylabel="brightness", xlabel="position (pixels)")
    axes.set(xticks=np.arange(0, 64, 8), yticks=[0, 1])
    axes.grid(axis="x", color="0.6")
    axes = figure.add_subplot(grid[1, 1])
    axes.imshow(patches.T, cmap="gray", aspect="auto")
    axes.set(title="16 patches of 4 pixels", ylabel="pixel", xlabel="position (patches)")
    axes.set(xticks=np.arange(0, 16, 4), yticks=range(4))
    axes.grid(False)
    return figure


draw_sequences()

# %% [markdown]
# What was above is now 8 positions back. A long convolution finds it there, if its filter has learned that
# lag 8 means "above".

# %%
for row, column in [(1, 0), (3, 4), (7, 7)]:
    assert pixels[8 * row + column - 8, 0] == three[0, row - 1, column, 0]

# %% [markdown]
# ## 10. What a pixel can see
#
# In text the future must not be seen. In an image there is no future: to know whether a stroke goes on, look
# to all sides. Two operators:
#
# - *causal Hyena*, as always: a filter of 64 lags, and a pixel sees what was read before it;
# - *two-dimensional Hyena* (Sec. 4.5): a filter with two lags, one a row and one a column, $15 \times 15$
#   taps, computed from both lags by one network of sines. Its short convolution sees 3 by 3 pixels.
#
# Which pixels does the output at one pixel depend on? The gradient tells: it is zero where nothing is seen.

# %%
WIDTH = 32
SEEING = {
    "causal": HyenaConfig(WIDTH, 64, emb_dim=5, filter_order=16),
    "two-dimensional": Hyena2DConfig(WIDTH, 8, 8, emb_dim=5, filter_order=16),
}
OPERATORS = {
    "causal": (init_hyena, hyena, hyena_backward),
    "two-dimensional": (init_hyena2d, hyena2d, hyena2d_backward),
}


def seen_from(name, row, column):
    """Size of the gradient of one pixel's output with respect to every pixel's input, (8, 8)."""
    init, forward, backward = OPERATORS[name]
    rng = np.random.default_rng(0)
    params = init(SEEING[name], rng, backend)
    u = rng.standard_normal((1, 64, WIDTH)).astype(np.float32)
    _, cache = forward(u, params, SEEING[name])
    dy = np.zeros_like(u)
    dy[0, 8 * row + column, :] = rng.standard_normal(WIDTH)
    du, _ = backward(dy, cache)
    return np.sqrt((du[0] ** 2).sum(axis=-1)).reshape(8, 8)


# %%
@styled
def draw_sight(row, column):
    """What one pixel sees, by both operators."""
    figure = new_figure(7.4, 4.0, square=True)
    for axes, name in zip(figure.subplots(1, 2), SEEING, strict=True):
        seen = seen_from(name, row, column)
        image = axes.imshow(np.log10(np.maximum(seen / seen.max(), 1e-4)), cmap="magma", vmin=-4, vmax=0)
        ring = {"markersize": 14, "markerfacecolor": "none", "markeredgecolor": "tab:blue"}
        axes.plot(column, row, "o", markeredgewidth=2, **ring)
        count = int((seen > 1e-7 * seen.max()).sum())
        axes.set(title=f"{name}: {count} of 64 pixels", xlabel="column", ylabel="row")
        axes.grid(False)
    figure.colorbar(image, label=r"$\log_{10}$ of |gradient|, largest = 0", shrink=0.8)
    figure.suptitle("What the ringed pixel sees, before training")
    return figure


assert (seen_from("causal", 4, 3).ravel()[8 * 4 + 3 + 1 :] < 1e-6).all()
draw_sight(4, 3)

# %% [markdown]
# ## 11. Training on digits
#
# The same stack of blocks as for text. Instead of an embedding of characters there is a linear map of each
# pixel to 32 channels; instead of an answer at every position the mean over all positions is read out into
# ten logits. Neither model has learned positions. As in the experiments, the brightness is shifted and
# scaled to mean 0 and deviation 1.

# %%
mean, deviation = digits.train.images.mean(), digits.train.images.std()


def read(images):
    """Images (n, 8, 8, 1) as sequences (n, 64, 1)."""
    return pixel_sequence((images - mean) / deviation)


def answers(params, model, images):
    """The digit that a model takes each image for."""
    logits, _ = sequence_model(read(images), params, model)
    return logits.argmax(axis=-1)


def sample_digits(rng, step, size=32):
    """A batch of training images and their labels."""
    chosen = digits.train.take(rng.integers(len(digits.train), size=size))
    return read(chosen.images), chosen.labels


# %%
image_models = {
    name: SequenceModelConfig(1, 10, 2, mixer, d_inner=64, pooling="mean", init="torch")
    for name, mixer in SEEING.items()
}
image_steps = 75 if in_browser() else 150
image_training = TrainConfig(Schedule(1e-2, warmup=20, total=image_steps, decay="linear"), betas=(0.9, 0.99))
seeing, image_curves = {}, {}
for name, model in image_models.items():
    _, seeing[name], image_curves[name] = learn(
        model,
        image_training,
        sample_digits,
        lambda params, model=model: np.mean(
            answers(params, model, digits.validation.images) == digits.validation.labels
        ),
    )

# %%
steps = image_curves["causal"][:, 0]
lines(
    steps,
    {name: curve[:, 1] for name, curve in image_curves.items()},
    "training step",
    "accuracy on validation images",
    title="Learning to read digits",
)

# %%
right = {}
for name, model in image_models.items():
    right[name] = answers(seeing[name], model, digits.test.images) == digits.test.labels
    print(f"{name:>15}: {right[name].mean():.1%} of {len(digits.test)} test images")
assert right["two-dimensional"].mean() > right["causal"].mean() > 0.2

# %% [markdown]
# The same blocks, the same width, the same images. What differs is what a pixel can see. The causal model
# must recognise a digit from outputs that each know a part of it; those of the upper rows have seen next to
# nothing. Its window also counts pixels in reading order: one row up is 8 lags away, as far as 8 columns to
# the left. The two-dimensional filter has both neighbours at distance one. Causal Hyena is not unable to do
# it, only slower; the experiment below lets both train for longer.

# %% [markdown]
# ## 12. The wrong ones
#
# Errors teach more than a percentage. First some of the test images that the two-dimensional model gets
# wrong: "9, not 7" is a nine that it took for a seven. Then which digit was taken for which, by both models.

# %%
given = answers(seeing["two-dimensional"], image_models["two-dimensional"], digits.test.images)
wrong = np.flatnonzero(~right["two-dimensional"])[:8]
titles = [f"{digits.test.labels[i]}, not {given[i]}" for i in wrong]
picture_row(digits.test.images[wrong, ..., 0], titles, height=1.4)


# %%
@styled
def draw_confusion():
    """How often each digit was taken for each."""
    figure = new_figure(8.0, 4.4, square=True)
    for axes, name in zip(figure.subplots(1, 2), image_models, strict=True):
        given = answers(seeing[name], image_models[name], digits.test.images)
        confusion = np.zeros((10, 10), dtype=int)
        np.add.at(confusion, (digits.test.labels, given), 1)
        errors = np.where(np.eye(10), 0, confusion)
        axes.imshow(errors, cmap="Oranges", vmin=0, vmax=20)
        for i, j in zip(*np.nonzero(confusion), strict=True):
            colour = "white" if errors[i, j] > 12 else "black"
            axes.text(j, i, confusion[i, j], ha="center", va="center", fontsize=8, color=colour)
        axes.set(title=name, xticks=range(10), yticks=range(10), xlabel="answer", ylabel="true digit")
        axes.grid(False)
    figure.suptitle("Test images by true digit and answer: errors are coloured")
    return figure


draw_confusion()

# %% [markdown]
# The causal model confuses digits that share a part, in the same way over and over. The other one is left
# with the digits that people hesitate at, too, at 8 by 8 pixels.
#
# ## 13. The experiment
#
# `hyena-np experiment run images` compares attention and three Hyenas, on pixels and on patches, each with
# its own learning rate and three seeds. The paper's Table 4.7 is about larger images: ImageNet in patches,
# and CIFAR-10.

# %%
show_results("images")

# %% [markdown]
# ## What you have now
#
# - Bits per character, and what to hold them against: guessing, counting, and text that was counted.
# - A model whose filters have learned what matters for the next character: mostly what stands right before
#   it.
# - An image as a sequence; and why an operator that sees to all sides reads it better than one that sees only
#   what came before.
#
# ## On your own: three things to try
#
# 1. Write with the model at temperature 0. Why does it run in circles?
# 2. Shuffle the pixels of all digits in the same way, with one fixed permutation. Which of the two models
#    suffers, and why not the other one in the same measure?
# 3. Read the digits in patches of 2 by 2. What changes in the sizes of the models? Which of them wins now?
#
# ## Further reading
#
# - *Hyena Hierarchy*, Sec. 4.2 (language), Sec. 4.5 and Table 4.7 (images).
# - Shannon, *Prediction and Entropy of Printed English* (1951): people guess the next letter.
# - Dosovitskiy et al., *An Image is Worth 16x16 Words* (2020, arXiv 2010.11929): patches as tokens.
# - Nguyen et al., *S4ND* (2022, arXiv 2210.06583): long convolutions over images.
# - Arora et al., *Zoology* (2023, arXiv 2312.04927): where in a text convolutions and attention differ.
