"""All exercises, in the order of the paper."""

from __future__ import annotations

from hyena_np.errors import ConfigError
from hyena_np.exercises.exercise import Exercise
from hyena_np.exercises.sheets.fftconv import FFTCONV
from hyena_np.exercises.sheets.toeplitz import TOEPLITZ

EXERCISES: tuple[Exercise, ...] = (
    TOEPLITZ,
    FFTCONV,
)


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises
    ------
    ConfigError
        There is none.
    """
    for exercise in EXERCISES:
        if exercise.name == name:
            return exercise
    raise ConfigError(f"exercise: got {name!r}, allowed are {', '.join(e.name for e in EXERCISES)}")
