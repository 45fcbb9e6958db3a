"""The hidden parts: the seeds and sizes that students do not see."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from hyena_np.errors import DataError
from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.exercises.exercise import Exercise

# Beside the package in a checkout. They are not in the wheel: what is installed, students can read.
BESIDE = Path(__file__).resolve().parents[2] / "notebooks" / "exercises" / "hidden"
Hidden = Mapping[str, Mapping]  # by the name of the exercise


def load_hidden(folder: Path | None) -> Hidden:
    """Seeds and sizes of all exercises.

    Parameters
    ----------
    folder : Path or None
        Of one TOML file an exercise; None looks beside the package.

    Raises
    ------
    DataError
        A file is missing or does not fit its exercise.
    """
    where = BESIDE if folder is None else folder
    if not where.is_dir():
        raise DataError(
            f"hidden: {where} is no folder; a clone of the repository has notebooks/exercises/hidden, "
            "--hidden DIR names another, --public-only does without"
        )
    return {exercise.name: _load(where / f"{exercise.name}.toml", exercise) for exercise in EXERCISES}


def _load(path: Path, exercise: Exercise) -> Mapping:
    try:
        found = tomllib.loads(path.read_text())
    except OSError as error:
        raise DataError(f"hidden: {path} cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise DataError(f"hidden: {path} is no TOML ({error})") from error
    parts, seed = found.get("parts"), found.get("seed")
    names = {part.name for part in exercise.parts}
    if not isinstance(parts, dict) or parts.keys() != names or not isinstance(seed, int):
        raise DataError(f"hidden: {path} must have a seed, and sizes for: {', '.join(sorted(names))}")
    return found


def digest(hidden: Hidden | None) -> str:
    """Changes with every exercise, its parts and its hidden sizes."""
    exercises = [(e.name, [(part.name, part.points) for part in e.parts], e.forbidden) for e in EXERCISES]
    content = json.dumps([exercises, hidden], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
