"""All exercises, in the order of the paper."""

from __future__ import annotations

from hyena_np.errors import ConfigError
from hyena_np.exercises.exercise import Exercise
from hyena_np.exercises.sheets.attention_matrix import ATTENTION_MATRIX
from hyena_np.exercises.sheets.block_conv import BLOCK_CONV
from hyena_np.exercises.sheets.causal_conv import CAUSAL_CONV
from hyena_np.exercises.sheets.causality import CAUSALITY
from hyena_np.exercises.sheets.conv_backward import CONV_BACKWARD
from hyena_np.exercises.sheets.fast_operator import FAST_OPERATOR
from hyena_np.exercises.sheets.fftconv import FFTCONV
from hyena_np.exercises.sheets.hyena_matrix import HYENA_MATRIX
from hyena_np.exercises.sheets.positional_features import POSITIONAL_FEATURES
from hyena_np.exercises.sheets.recall_recipe import RECALL_RECIPE
from hyena_np.exercises.sheets.recurrence import RECURRENCE
from hyena_np.exercises.sheets.recurrence_backward import RECURRENCE_BACKWARD
from hyena_np.exercises.sheets.short_conv import SHORT_CONV
from hyena_np.exercises.sheets.sine_network import SINE_NETWORK
from hyena_np.exercises.sheets.toeplitz import TOEPLITZ
from hyena_np.exercises.sheets.window import WINDOW_EXERCISE

EXERCISES: tuple[Exercise, ...] = (
    TOEPLITZ,
    CAUSAL_CONV,
    FFTCONV,
    CONV_BACKWARD,
    POSITIONAL_FEATURES,
    SINE_NETWORK,
    WINDOW_EXERCISE,
    SHORT_CONV,
    RECURRENCE,
    RECURRENCE_BACKWARD,
    HYENA_MATRIX,
    CAUSALITY,
    RECALL_RECIPE,
    FAST_OPERATOR,
    BLOCK_CONV,
    ATTENTION_MATRIX,
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
