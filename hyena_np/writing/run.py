"""One run: its text, its vocabulary and its recipe, as ``run.json`` keeps them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hyena_np.backend import get_backend
from hyena_np.errors import CheckpointError, ConfigError, DataError
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.serialise import config_to_dict
from hyena_np.tasks.characters import CharacterVocabulary
from hyena_np.tasks.corpora import Corpus, read_text
from hyena_np.tasks.text import TextTask
from hyena_np.tasks.text_sources import load_corpus
from hyena_np.writing.options import RECIPE_OPTIONS, SOURCE_OPTIONS
from hyena_np.writing.recipe import WritingRecipe

RUN_NAME = "run.json"
DEFAULT_CORPUS = "library"


@dataclass(frozen=True)
class WritingRun:
    """Everything that a model of a text depends on.

    Parameters
    ----------
    recipe : WritingRecipe
    backend : str
        Name of the library.
    source : dict
        ``{"text": path}`` or ``{"corpus": name}``: where the text came from. Not part of what the run is.
    text_name, text_sha256 : str
        Which text it was.
    vocabulary : CharacterVocabulary

    Raises
    ------
    ConfigError
        The recipe does not allow a model of so many characters.

    Notes
    -----
    Source: no counterpart in the paper.
    """

    recipe: WritingRecipe
    backend: str
    source: dict[str, str]
    text_name: str
    text_sha256: str
    vocabulary: CharacterVocabulary

    @property
    def model(self) -> LanguageModelConfig:
        """The model."""
        return self.recipe.model(len(self.vocabulary))

    def describe(self) -> dict[str, Any]:
        """The whole run as JSON holds it: what a checkpoint is compared with."""
        characters = self.vocabulary.characters.encode("utf-8", "surrogatepass")
        return {
            "task": {"name": "text", "sha256": self.text_sha256, "length": self.recipe.length},
            "vocabulary": {"sha256": hashlib.sha256(characters).hexdigest()},
            "model": config_to_dict(self.model),
            "training": config_to_dict(self.recipe.training) | {"batch": self.recipe.batch},
            "backend": {"name": self.backend, "dtype": "float32"},
        }

    def to_json(self) -> dict[str, Any]:
        """What `run_from_json` reads."""
        return {
            **self.source,
            **asdict(self.recipe),
            "backend": self.backend,
            "text_name": self.text_name,
            "text_sha256": self.text_sha256,
            "vocabulary": self.vocabulary.characters,
        }


def wrote_this(path: Path) -> bool:
    """Whether a ``run.json``, whole or damaged, is of a training on text; the demo writes one too."""
    try:
        return b'"text_sha256"' in path.read_bytes()
    except OSError:
        return False


def run_from_json(path: Path) -> WritingRun:
    """Read ``run.json``; CheckpointError where it is no description of a run."""
    try:
        found = json.loads(path.read_text())
        source = {name: found.pop(name) for name in SOURCE_OPTIONS if name in found}
        recipe = WritingRecipe(**{name: found.pop(name) for name in RECIPE_OPTIONS})
        vocabulary = CharacterVocabulary(found.pop("vocabulary"))
        run = WritingRun(recipe, source=source, vocabulary=vocabulary, **found)
        texts = (run.backend, run.text_name, run.text_sha256, *source.values())
        if len(source) != 1 or not all(isinstance(text, str) for text in texts):
            raise ValueError("text, corpus, backend, text_name and text_sha256 must be there, as strings")
        return run
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path}: is no description of a run ({error})") from error


def begin(asked: dict[str, Any]) -> tuple[WritingRun, TextTask]:
    """A new run of what was asked for, and its text.

    Parameters
    ----------
    asked : dict
        Of `merge_options`.

    Returns
    -------
    run : WritingRun
    task : TextTask

    Raises
    ------
    ConfigError
        A value is not allowed.
    DataError
        The text cannot be read, or is too short.
    BackendError
        The library or its device is not there.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    recipe = WritingRecipe(**{name: asked[name] for name in RECIPE_OPTIONS if name in asked})
    backend = asked.get("backend", "numpy")
    get_backend(backend)
    source = {name: asked[name] for name in SOURCE_OPTIONS if name in asked} or {"corpus": DEFAULT_CORPUS}
    corpus = _read(source)
    task = TextTask(corpus, recipe.length)
    return WritingRun(recipe, backend, source, corpus.name, corpus.sha256, task.vocabulary), task


def go_on(run: WritingRun, asked: dict[str, Any], folder: Path) -> TextTask:
    """The text of a run to resume, after a look at whether it is the one that is asked for.

    Parameters
    ----------
    run : WritingRun
    asked : dict
        Of `merge_options`. A text or a corpus may be named anew, for instance because the file has moved: its
        content counts.
    folder : Path
        Of the run, for messages.

    Returns
    -------
    TextTask

    Raises
    ------
    ConfigError
        A value contradicts the run's.
    DataError
        The text cannot be read, or is another one.
    BackendError
        The library or its device is not there.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    there = asdict(run.recipe) | {"backend": run.backend}
    for name in there:
        if name in asked and asked[name] != there[name]:
            raise ConfigError(
                f"{name}: got {asked[name]!r}, but the run in {folder} has {there[name]!r}; "
                "--resume takes it as it is"
            )
    get_backend(run.backend)
    source = {name: asked[name] for name in SOURCE_OPTIONS if name in asked} or run.source
    corpus = _read(source)
    if corpus.sha256 != run.text_sha256:
        raise DataError(
            f"text: {corpus.name} is not what the run in {folder} has read, {run.text_name}; "
            "--resume needs the same text"
        )
    return TextTask(corpus, run.recipe.length, run.vocabulary)


def _read(source: dict[str, str]) -> Corpus:
    return read_text(source["text"]) if "text" in source else load_corpus(source["corpus"])
