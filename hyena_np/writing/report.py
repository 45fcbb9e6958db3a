"""What a training run leaves behind: its learning curve, and its numbers in one JSON file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hyena_np.backend import Backend
from hyena_np.files import write_json
from hyena_np.machine import versions_with
from hyena_np.models.language_model import parameter_count
from hyena_np.plots import lines, save
from hyena_np.tasks.text import bits_per_character
from hyena_np.training.loop import METRICS_NAME
from hyena_np.training.metrics import read_metrics
from hyena_np.writing.folder import CURVE_NAME, RESULT_NAME
from hyena_np.writing.run import WritingRun


def draw_curve(folder: Path, title: str) -> Path:
    """Draw bits per character against steps: held out, and on what was read since the last measurement.

    Parameters
    ----------
    folder : Path
        Of a run with a metrics file.
    title : str

    Returns
    -------
    Path
        The figure.

    Raises
    ------
    OutputError
        The file cannot be written.
    CheckpointError
        The metrics file is damaged.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    steps, training, held_out, losses = [], [], [], []
    for record in read_metrics(folder / METRICS_NAME):
        losses.append(record.loss)
        if record.validation_loss is not None:
            steps.append(record.step)
            training.append(bits_per_character(float(np.mean(losses))))
            held_out.append(bits_per_character(record.validation_loss))
            losses = []
    series = {"training (mean since the last point)": np.array(training), "validation": np.array(held_out)}
    figure = lines(np.array(steps), series, "training step", "bits per character", title)
    return save(figure, folder / CURVE_NAME)


def write_result(
    folder: Path,
    run: WritingRun,
    backend: Backend,
    bits: dict[str, float],
    sample: str,
    seconds: float,
) -> None:
    """Write ``result.json``.

    Parameters
    ----------
    folder : Path
    run : WritingRun
    backend : Backend
    bits : dict
        Bits per character of the "validation" and the "test" part.
    sample : str
        What the model writes.
    seconds : float
        Spent training, measurements included.

    Raises
    ------
    OutputError
        The file cannot be written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    result: dict[str, Any] = {
        "validation_bits_per_character": bits["validation"],
        "test_bits_per_character": bits["test"],
        "characters": len(run.vocabulary),
        "parameters": parameter_count(run.model),
        **asdict(run.recipe),
        "text_name": run.text_name,
        "text_sha256": run.text_sha256,
        "sample": sample,
        "train_seconds": round(seconds, 3),
        "backend": backend.name,
        "dtype": backend.dtype_name,
        "versions": versions_with(backend.name),
    }
    write_json(folder / RESULT_NAME, result)
