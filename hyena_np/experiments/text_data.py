"""Characters of a real text to learn from: a pinned corpus, windows of it, and what a model writes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from hyena_np.errors import DataError
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.tasks.batches import TokenBatch
from hyena_np.tasks.characters import CharacterVocabulary
from hyena_np.tasks.corpora import Corpus, standard_library
from hyena_np.tasks.text import TextTask, bits_per_character
from hyena_np.training.evaluation import evaluate_tokens
from hyena_np.training.metrics import Evaluation
from hyena_np.writing.generate import generate

PROMPT = "\n    def "
SAMPLE_LENGTH = 120


@cache
def library(limit: int | None) -> Corpus:
    """The source of Python's standard library, read once a process."""
    return standard_library(limit)


@cache
def pinned(limit: int | None) -> dict[str, Any]:
    """What tells a corpus from that of another machine: the library differs between versions of Python.

    It stands in the settings of a run, so that rows on another text are noticed.
    """
    corpus = library(limit)
    return {
        "name": corpus.name,
        "limit": limit,
        "characters": len(corpus.text),
        "vocab_size": len(set(corpus.text)),
        "sha256": corpus.sha256,
    }


def pinned_corpus(pin: dict[str, Any]) -> Corpus:
    """The corpus that a run's settings ask for; DataError where this machine has another one."""
    here = pinned(pin["limit"])
    if here != pin:
        raise DataError(
            f"corpus: got {here['name']} with SHA-256 {here['sha256'][:12]}, the run asks for {pin['name']} "
            f"with {pin['sha256'][:12]}"
        )
    return library(pin["limit"])


class TextData:
    """Data of character-level language modelling.

    Parameters
    ----------
    task : TextTask
    model : LanguageModelConfig
    seed : int
        Of the sample that the trained model writes.
    batch : int
        Windows of a step.
    validation : int
        Windows of the validation part that are measured along the way, spread evenly over it.
    """

    def __init__(self, task: TextTask, model: LanguageModelConfig, seed: int, batch: int, validation: int):
        self.task, self.model, self.seed, self.batch = task, model, seed, batch
        self._validation = _spread(task.windows("validation"), validation)

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels (B, L) of a step: windows from anywhere in the training part."""
        return self.task.sample(rng, self.batch)

    def validate(self, params: dict) -> Evaluation:
        """Share of the characters that are guessed, and their cross-entropy in nats."""
        return evaluate_tokens(params, self.model, *self._validation)

    def test(self, params: dict) -> dict[str, Any]:
        """Loss in nats and bits over the whole test part, and a sample as a JSON string."""
        loss = evaluate_tokens(params, self.model, *self.task.windows("test")).loss or 0.0
        rng = np.random.default_rng([self.seed, 1])
        written = write(params, self.model, self.task.vocabulary, rng, SAMPLE_LENGTH)
        return {"test_loss": loss, "test_bits": bits_per_character(loss), "sample": json.dumps(written)}


def _spread(windows: TokenBatch, count: int) -> TokenBatch:
    """At most `count` of the full windows, evenly over all of them."""
    full = max(1, len(windows.inputs) - 1)
    rows = np.unique(np.linspace(0, full - 1, count).astype(int))
    return TokenBatch(windows.inputs[rows], windows.labels[rows])


def write(
    params: dict,
    model: LanguageModelConfig,
    vocabulary: CharacterVocabulary,
    rng: np.random.Generator,
    characters: int,
    temperature: float = 0.8,
) -> str:
    """Characters that a model writes after `PROMPT`, drawn one by one from its softened predictions."""
    known = "".join(character for character in PROMPT if character in vocabulary.characters)
    ids = vocabulary.encode(known or vocabulary.characters[0])
    written = generate(params, model, ids.tolist(), characters, rng, temperature)
    return vocabulary.decode(np.fromiter(written, dtype=np.int64))
