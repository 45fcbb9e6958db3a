"""The demo from its first rung to its last file: climb, train, test, draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from hyena_np.backend import Backend, get_backend
from hyena_np.demo.ladder import Rung, climb
from hyena_np.demo.recipe import TARGET, RecallData, RecallRecipe
from hyena_np.demo.report import RESULT_NAME, draw_figures, write_result
from hyena_np.errors import CheckpointError, ConfigError, OutputError
from hyena_np.files import make_folder, write_json
from hyena_np.training.loop import CHECKPOINT_NAME, METRICS_NAME, train
from hyena_np.training.metrics import Record, read_metrics

RUN_NAME = "run.json"

Echo = Callable[[str], None]


class DemoResult(NamedTuple):
    """How a demo ended."""

    ladder_holds: bool
    interrupted: bool = False
    test_accuracy: float | None = None


def open_folder(folder: Path, asked: dict, resume: bool, overwrite: bool) -> tuple[RecallRecipe, str]:
    """Find out what to run in a folder, and never overwrite a run unasked.

    Parameters
    ----------
    folder : Path
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
        The folder holds something already, or cannot be written.
    ConfigError
        What was asked for contradicts the run to resume.
    CheckpointError
        The folder's description of its run cannot be read.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    if resume and overwrite:
        raise ConfigError("resume, overwrite: one goes on with a run, the other replaces it; allowed is one of them")
    if resume:
        return _recorded(folder, asked)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"out: {folder} is a file, allowed is a folder")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        what = "another run" if (folder / RUN_NAME).exists() else "files already"
        raise OutputError(
            f"out: {folder} holds {what}; --resume goes on with a run, --overwrite replaces it, "
            "--out names another folder"
        )
    given = {name: value for name, value in asked.items() if value is not None}
    backend = given.pop("backend", "numpy")
    recipe = RecallRecipe(**given)
    get_backend(backend)  # before anything is written
    make_folder(folder)
    for name in (CHECKPOINT_NAME, METRICS_NAME, RESULT_NAME, RUN_NAME):
        (folder / name).unlink(missing_ok=True)
    description = {"vocab": recipe.vocab, "length": recipe.length, "seed": recipe.seed, "steps": recipe.steps}
    write_json(folder / RUN_NAME, description | {"backend": backend})
    return recipe, backend


def _recorded(folder: Path, asked: dict) -> tuple[RecallRecipe, str]:
    path = folder / RUN_NAME
    if not path.is_file():
        raise OutputError(f"out: there is no run to resume in {folder}")
    try:
        recorded = json.loads(path.read_text())
        backend = recorded.pop("backend")
        recipe = RecallRecipe(**recorded)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path}: is no description of a run ({error})") from error
    for name, value in asked.items():
        there = backend if name == "backend" else getattr(recipe, name)
        if value is not None and value != there:
            raise ConfigError(f"{name}: got {value}, but the run in {folder} has {there}; --resume takes it as it is")
    make_folder(folder)
    return recipe, backend


def climb_ladder(seed: int, backend: Backend, echo: Echo) -> list[Rung]:
    """Climb the ladder and say what every rung found.

    Parameters
    ----------
    seed : int
    backend : Backend
    echo : callable
        Takes a line.

    Returns
    -------
    list of Rung

    Notes
    -----
    Source: Hyena paper, Sec. 2 to 3.2; shapes as in `climb`.
    """
    echo("The ladder: each rung computes what the one before it does, in another way (relative error, float64)")
    rungs = []
    for rung in climb(seed, backend):
        verdict = "ok" if rung.holds else f"FAILS, allowed is {rung.tolerance:.0e}"
        echo(f"  {rung.name:<13} {rung.compared:<46} {rung.error:8.1e}  {verdict}")
        rungs.append(rung)
    return rungs


def run_demo(
    recipe: RecallRecipe, backend: Backend, folder: Path, resume: bool = False, echo: Echo = print, bar: bool = True
) -> DemoResult:
    """Climb the ladder, train the model, test it, and write what was found.

    Parameters
    ----------
    recipe : RecallRecipe
    backend : Backend
    folder : Path
        Exists.
    resume : bool
        Go on with the folder's run.
    echo : callable
        Takes a line of text.
    bar : bool
        Show a progress bar.

    Returns
    -------
    DemoResult

    Raises
    ------
    HyenaError
        Of the parts: a folder that cannot be written, a damaged checkpoint, a loss that is not finite.

    Notes
    -----
    Source: Hyena paper, Sec. 2 to 4.1; shapes as in the parts.
    """
    ladder = climb_ladder(recipe.seed, backend, echo)
    if not all(rung.holds for rung in ladder):
        return DemoResult(ladder_holds=False)
    data = RecallData(recipe)
    echo(
        f"\nAssociative recall, V={recipe.vocab}, L={recipe.length}: {recipe.total_steps} steps, "
        f"seed {recipe.seed}, {backend.name} {backend.dtype_name}"
    )
    done = read_metrics(folder / METRICS_NAME) if resume and (folder / CHECKPOINT_NAME).exists() else []
    with tqdm(total=recipe.total_steps, initial=len(done), unit="step", disable=not bar, dynamic_ncols=True) as progress:

        def show(record: Record) -> None:
            if record.accuracy is not None:
                show.accuracy = f"{record.accuracy:.1%}"
            progress.set_postfix_str(f"loss {record.loss:.3f}, accuracy {show.accuracy}", refresh=False)
            progress.update(record.step - progress.n)

        show.accuracy = "?"
        result = train(
            recipe.model,
            recipe.training,
            backend,
            data.sample,
            lambda params: data.accuracy(params, data.validation),
            folder,
            recipe.describe(backend),
            resume,
            show,
        )
    if result.interrupted:
        return DemoResult(True, interrupted=True)
    params = result.state.params
    accuracy = data.accuracy(params, data.test)
    echo(f"\n{accuracy:.1%} of {len(data.test.inputs)} unseen examples, after {result.state.seconds:.1f} s of training")
    files = draw_figures(folder, recipe, data, params, ladder, backend)
    # Last: a folder with a result is a finished run.
    write_result(folder, recipe, backend, ladder, accuracy, result.state.seconds)
    files += [folder / name for name in (CHECKPOINT_NAME, METRICS_NAME, RESULT_NAME)]
    echo(f"\nWritten to {folder}/: {', '.join(sorted(file.name for file in files))}")
    return DemoResult(True, test_accuracy=accuracy)


__all__ = ["TARGET", "DemoResult", "climb_ladder", "open_folder", "run_demo"]
