"""Exercise 13: train recall to 99 % by choosing initialisation, loss and schedule."""

from __future__ import annotations

import tempfile
import threading
from functools import cache
from typing import Any

import numpy as np
from tqdm import tqdm

from hyena_np.backend import get_backend, threads
from hyena_np.demo.recipe import recall_answers
from hyena_np.errors import NonFiniteError
from hyena_np.exercises.exercise import Ask, Exercise, Failure, Part, Question, Sizes, Value
from hyena_np.exercises.kinds import asked
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.recall import RecallTask, accuracy, mask_labels
from hyena_np.training.loop import TrainConfig, train
from hyena_np.training.metrics import Evaluation
from hyena_np.training.schedule import Schedule

STEPS, BATCH, WIDTH, VOCAB = 200, 16, 32, 10
LOSSES, DECAYS = ("all", "last", "seen"), ("constant", "linear", "cosine")
# The names of a recipe, and what each may be.
ALLOWED = {
    "embedding_std": "a number from 1e-4 to 10",
    "loss": f"one of {', '.join(LOSSES)}",
    "learning_rate": "a number from 1e-6 to 1",
    "decay": f"one of {', '.join(DECAYS)}",
    "warmup": f"an integer from 0 to {STEPS}",
}


def checked(recipe: Value) -> dict[str, Any]:
    """The recipe, if it is one; else a Failure that says what is allowed."""
    if not isinstance(recipe, dict):
        raise Failure(f"returned {type(recipe).__name__}, allowed is a dictionary: {', '.join(ALLOWED)}")
    recipe = {name: _number(value) for name, value in recipe.items()}
    for name in (*ALLOWED, *recipe):
        if name not in recipe:
            raise Failure(f"the recipe has no {name!r}: {ALLOWED[name]}")
        if name not in ALLOWED:
            raise Failure(f"the recipe has an unknown name, {name!r:.40}; allowed are {', '.join(ALLOWED)}")
        if not _allowed(name, recipe[name]):
            raise Failure(f"{name}: got {recipe[name]!r:.60}, allowed is {ALLOWED[name]}")
    return recipe


def _number(value: Value) -> Value:
    """A NumPy scalar, which comes as an array without axes, as Python's own number."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _allowed(name: str, value: Value) -> bool:
    if name in ("loss", "decay"):
        return isinstance(value, str) and value in (LOSSES if name == "loss" else DECAYS)
    if isinstance(value, bool) or not isinstance(value, int if name == "warmup" else int | float):
        return False
    low, high = {"embedding_std": (1e-4, 10), "learning_rate": (1e-6, 1), "warmup": (0, STEPS)}[name]
    return low <= value <= high


def trained_accuracy(recipe: dict[str, Any], sizes: Sizes) -> float:
    """Share of fresh examples that a model of this recipe answers; 0 where training diverges."""
    return _trained(tuple(sorted(recipe.items())), sizes["L"], sizes["seed"])


@cache  # one training serves the parts that ask for more and more of it
def _trained(items: tuple, length: int, seed: int) -> float:
    recipe = dict(items)
    task = RecallTask(VOCAB, length)
    mixer = HyenaConfig(WIDTH, 258, emb_dim=5, shift=0.5)
    model = LanguageModelConfig(
        VOCAB, 1, mixer, d_inner=2 * WIDTH, init="torch", embedding_std=recipe["embedding_std"]
    )
    schedule = Schedule(recipe["learning_rate"], recipe["warmup"], STEPS, recipe["decay"])
    config = TrainConfig(schedule, seed=seed, betas=(0.9, 0.95), eval_every=STEPS, checkpoint_every=STEPS)
    test = task.sample(np.random.default_rng([seed, 1]), 500)

    def sample(rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        inputs, labels = task.sample(rng, BATCH)
        return inputs, mask_labels(inputs, labels, recipe["loss"], task)

    def evaluate(params: dict) -> Evaluation:
        return Evaluation(accuracy(recall_answers(params, model, test.inputs), test.labels[:, -1]))

    # In a thread of the grader, which draws a bar of its own, this one is silent.
    quiet = None if threading.current_thread() is threading.main_thread() else True
    bar = tqdm(total=STEPS, desc="training", unit="step", leave=False, disable=quiet)
    with tempfile.TemporaryDirectory() as folder, threads(1), bar:
        try:
            result = train(
                model,
                config,
                get_backend("numpy"),
                sample,
                evaluate,
                folder,
                {},
                on_record=lambda _: bar.update(),
            )
        except NonFiniteError:
            return 0.0
        return evaluate(result.state.params).accuracy or 0.0


def advice(recipe: dict[str, Any]) -> str:
    """The choice that holds a recipe back most."""
    rate, std = recipe["learning_rate"], recipe["embedding_std"]
    if rate > 3e-2:
        return "the learning rate is too high: the steps jump over what they look for"
    if recipe["loss"] == "all":
        return "the loss counts what nobody can know: the next key is random, and so is a new key's value"
    if recipe["loss"] == "last":
        return "the loss counts one answer of each example, and throws away what the others could teach"
    if std < 0.1:
        return "the embedding is asleep: so small at the start that hardly a gradient passes the gates"
    if std > 0.5:
        return "the embedding is too loud: large activations at the start, which take long to tame"
    if rate < 5e-3:
        return f"the learning rate is too low for {STEPS} steps"
    if recipe["warmup"] > STEPS // 2:
        return "the warm-up is too long: the rate has hardly begun to fall when the training ends"
    if recipe["decay"] == "constant":
        return "the learning rate never falls: the last per cent are found with small steps"
    return "the choices are near; try another learning rate"


QUESTION = Question(
    name="recall_recipe",
    arguments=(),
    inputs=lambda rng, sizes, dtype: (),
    reference=dict,  # many recipes are right
    outputs=("recipe",),
    axis=None,
)


def _judge_recipe(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    checked(asked(QUESTION, ask, ()).value)


def reaches(share: float, points: int, sizes: tuple[Sizes, ...]) -> Part:
    """The trained model answers at least this share of fresh examples."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        recipe = checked(asked(QUESTION, ask, ()).value)
        for size in sizes:
            reached = trained_accuracy(recipe, size)
            if reached < share:
                raise Failure(
                    f"{reached:.1%} of fresh examples are answered, {share:.0%} are asked",
                    inputs={"recipe": recipe},
                    likely=advice(recipe),
                )

    return Part(f"{share:.0%} recalled", points, judge, sizes)


_SIZES = ({"L": 32, "seed": 0},)

RECALL_RECIPE = Exercise(
    number=13,
    name="recall_recipe",
    title="Train recall to 99 %",
    goal="Find out, by trying, which choices make a model learn, and why.",
    minutes=40,
    paper=("Sec. 4.1", "Table A.1"),
    questions=(QUESTION,),
    parts=(
        Part("a complete recipe", 1, _judge_recipe, ({"L": 32},)),
        reaches(0.85, 2, _SIZES),
        reaches(0.95, 2, _SIZES),
        reaches(0.99, 3, _SIZES),
    ),
    hints=(
        "Change one choice at a time and write the accuracy down. Begin with the loss: which of the labels "
        "can a model know at all?",
        "The official embedding has the standard deviation 0.02. The operator multiplies three branches of "
        "that size: how large is the product, and its gradient?",
        "Loss 'seen', an embedding of 0.1 to 0.4, a rate near 1e-2 that falls to zero. Which of them "
        "matters most? Take each back once.",
    ),
    needs=("recurrence",),
    slow=True,
)
