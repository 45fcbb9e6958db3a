"""Exercises that check themselves: write a piece of the operator, and hear at once what is wrong with it."""

from hyena_np.exercises.catalogue import EXERCISES, exercise_named
from hyena_np.exercises.checking import check, check_part, hint
from hyena_np.exercises.folder import progress

__all__ = ["EXERCISES", "check", "check_part", "exercise_named", "hint", "progress"]
