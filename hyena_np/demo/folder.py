"""The folder of a run: it says what was asked for, and nothing in it is overwritten unasked."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from hyena_np.backend import get_backend
from hyena_np.demo.recipe import RecallRecipe
from hyena_np.demo.report import FIGURE_PATTERNS, RESULT_NAME
from hyena_np.errors import CheckpointError, ConfigError, OutputError
from hyena_np.files import check_one_of, names_in, remove_files, write_json
from hyena_np.training.loop import CHECKPOINT_NAME, METRICS_NAME

RUN_NAME = "run.json"


def open_folder(folder: Path, asked: dict, resume: bool, overwrite: bool) -> tuple[RecallRecipe, str]:
    """Find out what to run in a folder; nothing is written.

    Parameters
    ----------
    folder : Path
        Need not exist.
    asked : dict
        What the user asked for by name: vocab, length, seed, steps, backend; None where nothing was said.
    resume, overwrite : bool

    Returns
    -------
    recipe : RecallRecipe
    backend : str
        Its name.

    Raises
    ------
    OutputError
        The folder holds something already, holds no run to resume, or cannot be read.
    ConfigError
        A value is not allowed, or contradicts the run to resume.
    BackendError
        The library or its device is not there.
    CheckpointError
        The folder's description of its run cannot be read.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    check_one_of(resume, overwrite)
    held = names_in(folder)
    if resume:
        if RUN_NAME not in held:
            raise OutputError(f"out: there is no run to resume in {folder}")
        recipe, backend = _recorded(folder, asked)
    else:
        _check_free(folder, held, overwrite)
        given = {name: value for name, value in asked.items() if value is not None}
        backend = given.pop("backend", "numpy")
        recipe = RecallRecipe(**given)
    get_backend(backend)
    return recipe, backend


def begin_run(folder: Path, recipe: RecallRecipe, backend: str) -> None:
    """Write down in a folder what is run there, and remove what an earlier run left.

    Parameters
    ----------
    folder : Path
        Exists, and is one that `open_folder` allowed.
    recipe : RecallRecipe
    backend : str
        Name of the library.

    Raises
    ------
    OutputError
        The folder cannot be written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    written = (RESULT_NAME, CHECKPOINT_NAME, METRICS_NAME, *FIGURE_PATTERNS)
    remove_files(path for pattern in written for path in folder.glob(pattern))
    write_json(folder / RUN_NAME, asdict(recipe) | {"backend": backend})


def resumable(folder: Path) -> bool:
    """Whether a folder holds a run that ``--resume`` would go on with."""
    return RUN_NAME in names_in(folder)


def finished_accuracy(folder: Path) -> float | None:
    """The test accuracy of a finished run, or None of one that has not come to its result yet.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    float or None

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    try:
        return float(json.loads((folder / RESULT_NAME).read_text())["test_accuracy"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # the checkpoint is there still, and gives the same result again


def _check_free(folder: Path, held: set[str], overwrite: bool) -> None:
    if RUN_NAME in held and not _is_foreign(folder / RUN_NAME):
        if not overwrite:
            raise OutputError(
                f"out: {folder} holds another run; --resume goes on with it, --overwrite replaces it, "
                "--out names another folder"
            )
    elif held:
        raise OutputError(
            f"out: {folder} holds files that no run of this demo wrote; --out names another folder"
        )


def _is_foreign(path: Path) -> bool:
    """Whether a description is that of a run of another command; one that is damaged may be ours."""
    try:
        return "vocab" not in json.loads(path.read_text())
    except (OSError, ValueError, TypeError):
        return False


def _recorded(folder: Path, asked: dict) -> tuple[RecallRecipe, str]:
    path = folder / RUN_NAME
    try:
        recorded = json.loads(path.read_text())
        backend = recorded.pop("backend")
        recipe = RecallRecipe(**recorded)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path}: is no description of a run ({error})") from error
    there = asdict(recipe) | {"steps": recipe.total_steps, "backend": backend}
    for name, value in asked.items():
        if value is not None and value != there[name]:
            raise ConfigError(
                f"{name}: got {value}, but the run in {folder} has {there[name]}; --resume takes it as it is"
            )
    return recipe, backend
