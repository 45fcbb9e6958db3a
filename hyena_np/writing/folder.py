"""The folder of a run: it says what is run there, and nothing in it is overwritten unasked."""

from __future__ import annotations

import json
from pathlib import Path

from hyena_np.errors import OutputError
from hyena_np.files import check_one_of, names_in, remove_files, write_json
from hyena_np.training.loop import CHECKPOINT_NAME, METRICS_NAME
from hyena_np.writing.run import RUN_NAME, WritingRun, wrote_this

RESULT_NAME = "result.json"
CURVE_NAME = "learning_curve.png"


def check_folder(folder: Path, resume: bool, overwrite: bool) -> None:
    """Raise unless a run may begin, or go on, in a folder; nothing is written.

    Parameters
    ----------
    folder : Path
        Need not exist.
    resume, overwrite : bool

    Raises
    ------
    OutputError
        The folder holds something already, holds no run to resume, or cannot be read.
    ConfigError
        Both flags are set.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    check_one_of(resume, overwrite)
    held = names_in(folder)
    if RUN_NAME in held and wrote_this(folder / RUN_NAME):
        if not (resume or overwrite):
            raise OutputError(
                f"out: {folder} holds another run; --resume goes on with it, --overwrite replaces it, "
                "--out names another folder"
            )
    elif resume:
        raise OutputError(f"out: there is no training run to resume in {folder}")
    elif held:
        raise OutputError(f"out: {folder} holds files that no training run wrote; --out names another folder")


def begin_folder(folder: Path, run: WritingRun) -> None:
    """Write down in a folder what is run there, and remove what an earlier run left.

    Parameters
    ----------
    folder : Path
        Exists, and is one that `check_folder` allowed.
    run : WritingRun

    Raises
    ------
    OutputError
        The folder cannot be written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    remove_files(folder / name for name in (RESULT_NAME, CHECKPOINT_NAME, METRICS_NAME, CURVE_NAME))
    write_json(folder / RUN_NAME, run.to_json())


def resumable(folder: Path) -> bool:
    """Whether ``--resume`` would find a run in a folder."""
    return RUN_NAME in names_in(folder)


def finished_bits(folder: Path) -> float | None:
    """Test bits per character of a finished run; None of one that has not come to its result yet."""
    try:
        return float(json.loads((folder / RESULT_NAME).read_text())["test_bits_per_character"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # the checkpoint is there still, and gives the same result again
