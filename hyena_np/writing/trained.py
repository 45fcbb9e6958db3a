"""A trained model as ``hyena-np generate`` finds it in a folder, and what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hyena_np.backend import Backend
from hyena_np.errors import CheckpointError, OutputError, TokenError
from hyena_np.files import names_in
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.tasks.characters import CharacterVocabulary
from hyena_np.training.checkpoint import load_checkpoint
from hyena_np.training.loop import CHECKPOINT_NAME
from hyena_np.writing.generate import generate
from hyena_np.writing.run import RUN_NAME, run_from_json


class TrainedModel(NamedTuple):
    """What it takes to write."""

    params: dict  # parameter tree
    config: LanguageModelConfig
    vocabulary: CharacterVocabulary


def load_trained(folder: Path, backend: Backend) -> TrainedModel:
    """Read the model of a training run from its last checkpoint, also while it is being trained.

    Parameters
    ----------
    folder : Path
        Of the run.
    backend : Backend
        Where the arrays go; any library, whichever the model was trained with. Shapes of `model_shapes`.

    Returns
    -------
    TrainedModel

    Raises
    ------
    OutputError
        There is no such folder, or no training run in it.
    CheckpointError
        There is no checkpoint yet, it is damaged, or it does not fit the folder's ``run.json``.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    held = names_in(folder)
    if RUN_NAME not in held:
        missing = "holds no training run" if folder.is_dir() else "there is no such folder"
        raise OutputError(f"{folder}: {missing}; 'hyena-np train --out {folder}' makes one")
    run = run_from_json(folder / RUN_NAME)
    if CHECKPOINT_NAME not in held:
        raise CheckpointError(f"{folder}: has no checkpoint yet; training writes the first after some steps")
    checkpoint = load_checkpoint(folder / CHECKPOINT_NAME, backend, run.describe())
    return TrainedModel(checkpoint.params, run.model, run.vocabulary)


def write_on(
    model: TrainedModel,
    prompt: str,
    count: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> Iterator[str]:
    """Continue a text, character by character.

    Parameters
    ----------
    model : TrainedModel
    prompt : str
        What the text begins with. If empty, the model writes as after a line break, which is not shown; after
        a space where its text had no lines.
    count : int
        Characters to write.
    rng : numpy.random.Generator
    temperature : float
    top_k : int, optional
        As in `generate`.

    Returns
    -------
    iterator of str
        The new characters.

    Raises
    ------
    TokenError
        The model does not know a character of the prompt.
    ConfigError
        As in `generate`.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    known = model.vocabulary.characters
    for character in prompt:
        if character not in known:
            raise TokenError(
                f"prompt: the model does not know the character {character!r}; "
                f"it was trained on a text of {len(known)} characters without it"
            )
    start = prompt or next(character for character in ("\n", " ", known[0]) if character in known)
    ids = model.vocabulary.encode(start).tolist()
    written = generate(model.params, model.config, ids, count, rng, temperature, top_k)
    return (known[token] for token in written)
