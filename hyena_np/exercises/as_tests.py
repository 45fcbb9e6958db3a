"""The parts of the exercises as tests, for a student's folder: ``pytest -m fftconv``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hyena_np.exercises.catalogue import EXERCISES, exercise_named
from hyena_np.exercises.exercise import Result
from hyena_np.exercises.folder import best_results
from hyena_np.exercises.report import explain


def pytest_configure(config: Any) -> None:
    """A marker for every exercise."""
    for exercise in EXERCISES:
        config.addinivalue_line("markers", f"{exercise.name}: exercise {exercise.number}, {exercise.title}")


def pytest_generate_tests(metafunc: Any) -> None:
    """A test for every part."""
    folder = Path(metafunc.module.__file__).parent
    parts = []
    for exercise in EXERCISES:
        marks = getattr(pytest.mark, exercise.name)
        for n, part in enumerate(exercise.parts):
            parts.append(
                pytest.param(folder, exercise.name, n, id=f"{exercise.name}: {part.name}", marks=marks)
            )
    metafunc.parametrize(("folder", "name", "part"), parts)


def test_part(folder: Path, name: str, part: int) -> None:
    """One part of one exercise; skipped where no file of the folder has begun it."""
    results = _results(folder, name)
    if results is None:
        pytest.skip(f"no file defines {exercise_named(name).questions[0].name}")
    result = results[part]
    if not result.written:
        pytest.fail(f"not written yet: {result.part.points} points", pytrace=False)
    if result.failure:
        hint = f'0 of {result.part.points} points; a hint: hint("{name}")'
        pytest.fail(f"{explain(result.failure)}\n{hint}", pytrace=False)


@cache
def _results(folder: Path, name: str) -> tuple[Result, ...] | None:
    results = best_results(exercise_named(name), folder)
    return None if results is None else tuple(results)
