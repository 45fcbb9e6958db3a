"""The demo from its first rung to its last file: climb, train, test, draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hyena_np.backend import Backend, threads
from hyena_np.demo.folder import RUN_NAME, begin_run, finished_accuracy
from hyena_np.demo.ladder import Rung, climb
from hyena_np.demo.recipe import RecallData, RecallRecipe
from hyena_np.demo.report import RESULT_NAME, draw_figures, write_result
from hyena_np.files import make_folder
from hyena_np.training.bar import StepBar
from hyena_np.training.loop import CHECKPOINT_NAME, METRICS_NAME, train
from hyena_np.training.metrics import Record

Echo = Callable[[str], None]


class DemoResult(NamedTuple):
    """How a demo ended: what failed to hold, or what the model can do."""

    broken: tuple[str, ...] = ()  # rungs of the ladder
    test_accuracy: float = 0.0  # share of the unseen examples; 0 if nothing was trained


class TrainingBar(StepBar):
    """Progress of a training: steps, rate, remaining time, loss and accuracy."""

    accuracy = "?"

    def numbers(self, record: Record) -> str:
        """Loss, and the last accuracy that was measured."""
        if record.accuracy is not None:
            self.accuracy = f"{record.accuracy:.1%}"
        return f"loss {record.loss:.3f}, accuracy {self.accuracy}"


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
    echo(
        "The ladder: each rung computes what the one before it does, in another way (relative error, float64)"
    )
    rungs = []
    for rung in climb(seed, backend):
        verdict = "ok" if rung.holds else f"FAILS, allowed is {rung.tolerance:.0e}"
        echo(f"  {rung.name:<13} {rung.compared:<46} {rung.error:8.1e}  {verdict}")
        rungs.append(rung)
    return rungs


def run_demo(
    recipe: RecallRecipe,
    backend: Backend,
    folder: Path,
    resume: bool = False,
    echo: Echo = print,
    bar: bool = True,
) -> DemoResult:
    """Climb the ladder, train the model, test it, and write what was found.

    Parameters
    ----------
    recipe : RecallRecipe
    backend : Backend
    folder : Path
        Made where it does not exist; an earlier run in it is replaced unless `resume`.
    resume : bool
        Go on with the folder's run. A finished one is not touched.
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
    KeyboardInterrupt
        Ctrl-C; if training had begun, the checkpoint is written.

    Notes
    -----
    Source: Hyena paper, Sec. 2 to 4.1; shapes as in the parts.
    """
    if resume and (accuracy := finished_accuracy(folder)) is not None:
        echo(f"The run in {folder} is finished: {accuracy:.1%} of unseen examples; --overwrite replaces it")
        return DemoResult(test_accuracy=accuracy)
    data = RecallData(recipe)  # refuses too small a task, before anything is written
    make_folder(folder)
    ladder = climb_ladder(recipe.seed, backend, echo)
    if broken := tuple(rung.name for rung in ladder if not rung.holds):
        return DemoResult(broken)
    if not resume:
        begin_run(folder, recipe, backend.name)
    params, seconds = _train(recipe, data, backend, folder, resume, echo, bar)
    accuracy = data.accuracy(params, data.test)
    echo(f"\n{accuracy:.1%} of {len(data.test.inputs)} unseen examples, after {seconds:.1f} s of training")
    files = draw_figures(folder, recipe, data, params, ladder, backend)
    # Last: a folder with a result is a finished run.
    write_result(folder, recipe, backend, ladder, accuracy, seconds)
    files += [folder / name for name in (CHECKPOINT_NAME, METRICS_NAME, RUN_NAME, RESULT_NAME)]
    echo(f"\nWritten to {folder}/: {', '.join(sorted(file.name for file in files))}")
    first = "hyena_matrix.png and " if folder / "hyena_matrix.png" in files else ""
    echo(f"Open {first}learning_curve.png next, then notebooks/05_learning_to_recall.ipynb.")
    return DemoResult(test_accuracy=accuracy)


def _train(
    recipe: RecallRecipe,
    data: RecallData,
    backend: Backend,
    folder: Path,
    resume: bool,
    echo: Echo,
    bar: bool,
) -> tuple[dict, float]:
    """Train with a live bar; the parameters, and the seconds that it took."""
    echo(
        f"\nAssociative recall, V={recipe.vocab}, L={recipe.length}: {recipe.total_steps} steps, "
        f"seed {recipe.seed}, {backend.name} {backend.dtype_name}"
    )
    bar_of_steps = TrainingBar(recipe.total_steps, bar)
    # The products of this model are small: on a busy machine, threads would only wait for one another.
    with threads(1), bar_of_steps as progress:
        result = train(
            recipe.model,
            recipe.training,
            backend,
            data.sample,
            data.validate,
            folder,
            recipe.describe(backend),
            resume,
            progress.show,
        )
    if result.interrupted:
        raise KeyboardInterrupt
    return result.state.params, result.state.seconds
