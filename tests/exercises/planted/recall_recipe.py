"""Recipes that do not reach 99 %, and one that is none."""

import numpy as np

from exercises.planted import Wrong

GOOD = {"embedding_std": 0.2, "loss": "seen", "learning_rate": 1e-2, "decay": "linear", "warmup": 20}


def every_position():
    return GOOD | {"loss": "all"}


def last_answer_only():
    return GOOD | {"loss": "last"}


def asleep():
    return GOOD | {"embedding_std": 0.02}


def too_slow():
    return GOOD | {"learning_rate": 1e-3}


def too_fast():
    return GOOD | {"learning_rate": 0.3}


def never_falls():
    return GOOD | {"warmup": 200}


def incomplete():
    return {name: value for name, value in GOOD.items() if name != "decay"}


def misspelt():
    return GOOD | {"loss": "seem"}


def an_array():
    return GOOD | {"loss": np.arange(2)}


WRONG = (
    Wrong(every_position, "what nobody can know", points=1),
    Wrong(last_answer_only, "one answer of each example", points=1),
    Wrong(asleep, "the embedding is asleep", points=1),
    Wrong(too_slow, "too low", points=1),
    Wrong(too_fast, "too high", points=1),
    Wrong(never_falls, "the warm-up is too long", points=5),
    Wrong(incomplete, "has no 'decay'", points=0),
    Wrong(misspelt, "got 'seem'", points=0),
    Wrong(an_array, "got array", points=0),
)
