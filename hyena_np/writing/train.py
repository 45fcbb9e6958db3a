"""``hyena-np train`` from its first step to its last file: train, measure, write a sample."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from hyena_np.backend import Backend, threads
from hyena_np.files import exclusive, make_folder
from hyena_np.models.language_model import parameter_count
from hyena_np.tasks.batches import TokenBatch
from hyena_np.tasks.text import TextTask, bits_per_character
from hyena_np.training.bar import StepBar
from hyena_np.training.evaluation import evaluate_tokens
from hyena_np.training.loop import CHECKPOINT_NAME, METRICS_NAME, TrainResult, train
from hyena_np.training.metrics import Evaluation, Record
from hyena_np.writing.folder import RESULT_NAME, begin_folder
from hyena_np.writing.report import draw_curve, write_result
from hyena_np.writing.run import RUN_NAME, WritingRun
from hyena_np.writing.trained import TrainedModel, write_on
from hyena_np.writing.windows import spread_windows

Echo = Callable[[str], None]

_VALIDATED = 2**14  # characters of a measurement during training
_TESTED = 2**17  # and at the end
_SAMPLE = 300
_TEMPERATURE = 0.8
_NARROW = 128


class WritingBar(StepBar):
    """Progress of a training: steps, rate, remaining time, loss in bits per character."""

    validation = "?"

    def numbers(self, record: Record) -> str:
        """Loss, and the last one that was measured on held-out text."""
        if record.validation_loss is not None:
            self.validation = f"{bits_per_character(record.validation_loss):.3f}"
        return f"loss {bits_per_character(record.loss):.3f}, validation {self.validation} bits"


def run_training(
    run: WritingRun,
    task: TextTask,
    backend: Backend,
    folder: Path,
    resume: bool = False,
    echo: Echo = print,
    bar: bool = True,
) -> None:
    """Train a model on a text, test it, let it write, and leave all of that in a folder.

    Parameters
    ----------
    run : WritingRun
    task : TextTask
        The run's text.
    backend : Backend
        The run's library.
    folder : Path
        Made where it does not exist; an earlier run in it is replaced unless `resume`.
    resume : bool
        Go on with the folder's run.
    echo : callable
        Takes a line of text.
    bar : bool
        Show a progress bar.

    Raises
    ------
    HyenaError
        Of the parts: a folder that cannot be written or that another process works in, a damaged checkpoint,
        a loss that is not finite.
    KeyboardInterrupt
        Ctrl-C; if training had begun, the checkpoint is written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    make_folder(folder)
    with exclusive(folder):
        if not resume:
            begin_folder(folder, run)
        for line in _introduction(run, task):
            echo(line)
        result = _train(run, task, backend, folder, resume, bar)
        if result.interrupted:
            raise KeyboardInterrupt
        model = TrainedModel(result.state.params, run.model, run.vocabulary)
        bits = {part: _bits(model, task, part) for part in ("validation", "test")}
        echo(
            f"\n{bits['test']:.3f} bits per character of the test part ({bits['validation']:.3f} of the "
            f"validation part), after {result.state.seconds:.1f} s; guessing takes "
            f"{math.log2(len(run.vocabulary)):.3f}"
        )
        rng = np.random.default_rng([run.recipe.seed, 1])
        sample = "".join(write_on(model, "", _SAMPLE, rng, _TEMPERATURE))
        echo(f"\nWhat it writes (temperature {_TEMPERATURE}):\n\n{sample}\n")
        curve = draw_curve(folder, f"Learning {run.text_name}")
        # Last: a folder with a result is a finished run.
        write_result(folder, run, backend, bits, sample, result.state.seconds)
    names = sorted((curve.name, CHECKPOINT_NAME, METRICS_NAME, RUN_NAME, RESULT_NAME))
    echo(f"Written to {folder}/: {', '.join(names)}")
    echo(f"'hyena-np generate {shlex.quote(str(folder))} --prompt ...' writes more.")


def _introduction(run: WritingRun, task: TextTask) -> list[str]:
    recipe = run.recipe
    return [
        f"{run.text_name}: {len(task.corpus.text):,} characters, {len(run.vocabulary)} distinct",
        f"{recipe.mixer}, {recipe.layers} layers of width {recipe.width}, {parameter_count(run.model):,} "
        f"parameters: {recipe.steps} steps of {recipe.batch} windows of {recipe.length} characters, "
        f"seed {recipe.seed}, {run.backend}",
    ]


def _train(
    run: WritingRun, task: TextTask, backend: Backend, folder: Path, resume: bool, bar: bool
) -> TrainResult:
    """Train with a live bar."""
    steps = WritingBar(run.recipe.steps, bar)
    validation = spread_windows(task.windows("validation"), _VALIDATED)
    # The products of a narrow model are small: on a busy machine, threads would only wait for one another.
    alone = threads(1) if run.recipe.width <= _NARROW else nullcontext()
    with alone, steps as progress:
        return train(
            run.model,
            run.recipe.training,
            backend,
            partial(_sample, run, task),
            lambda params: Evaluation(loss=evaluate_tokens(params, run.model, *validation).loss),
            folder,
            run.describe(),
            resume,
            progress.show,
        )


def _sample(run: WritingRun, task: TextTask, rng: np.random.Generator, step: int) -> TokenBatch:
    return task.sample(rng, run.recipe.batch)


def _bits(model: TrainedModel, task: TextTask, part: str) -> float:
    windows = spread_windows(task.windows(part), _TESTED)
    found = evaluate_tokens(model.params, model.config, *windows)
    return bits_per_character(found.loss or 0.0)
