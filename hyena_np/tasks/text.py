"""Character-level language modelling: windows of a text, and the character that follows each of theirs.

    text      d e f   f ( x ) :
    inputs    d e f   f ( x )      a window of L characters
    labels    e f   f ( x ) :      the character that follows each

Source: Hyena paper, Sec. 4.2, for the objective (the next token); the texts there are tokenised into words
and word pieces, characters are ours, because they need no tokeniser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyena_np.errors import DataError
from hyena_np.ops.checks import check_choice
from hyena_np.tasks.batches import IGNORE, TokenBatch, check_batch, next_tokens
from hyena_np.tasks.characters import CharacterVocabulary
from hyena_np.tasks.checks import generator, integer, set_integers
from hyena_np.tasks.corpora import Corpus

PARTS = ("train", "validation", "test")

# In percent: where the parts begin and end. The usual split of text8 and enwik8.
_BOUNDARIES = (0, 90, 95, 100)


@dataclass(frozen=True)
class TextTask:
    """Predict the next character of a text, in windows of L characters.

    The text is cut in order into 90 % for training, 5 % for validation and 5 % for the test, so that what is
    measured was never trained on. The vocabulary is that of the whole text unless another one is given: a
    trained model brings its own.

    Parameters
    ----------
    corpus : Corpus
        The text; each part must hold one window and the character behind it.
    length : int
        L, characters in a window.
    vocabulary : CharacterVocabulary, optional
        Must have every character of the text.

    Raises
    ------
    ConfigError
        If `length` is no integer of at least 1.
    DataError
        If a part is shorter than L + 1 characters.
    TokenError
        If the text has a character that a given vocabulary has not.

    Notes
    -----
    Source: Hyena paper, Sec. 4.2, for the objective; the split is the usual one of text8 and enwik8.
    """

    corpus: Corpus
    length: int
    vocabulary: CharacterVocabulary = None  # type: ignore[assignment]  # filled in below

    def __post_init__(self) -> None:
        set_integers(self, length=1)
        shortest, needed = min(len(self._bounds(part)) for part in PARTS), self.length + 1
        if shortest < needed:
            raise DataError(
                f"text: {self.corpus.name} has {len(self.corpus.text)} characters, too few: the smallest of "
                f"its three parts has {shortest}, a window of length {self.length} takes {needed}"
            )
        if self.vocabulary is None:
            object.__setattr__(self, "vocabulary", CharacterVocabulary.from_text(self.corpus.text))
        _ = self._ids  # an unknown character shows at once, not in the first step of a training

    @property
    def vocab_size(self) -> int:
        """V, the number of characters of the vocabulary."""
        return len(self.vocabulary)

    @property
    def input_length(self) -> int:
        """T = L."""
        return self.length

    @property
    def chance(self) -> float:
        """Share of the most frequent character in the training part, the best guess without context."""
        counts = np.bincount(self._part("train"))
        return float(counts.max() / counts.sum())

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n windows of the training part, uniform and independent; inputs and labels (n, L) int64."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        part = self._part("train")
        starts = rng.integers(len(part) - self.length, size=n)
        return next_tokens(part[starts[:, None] + np.arange(self.length + 1)])

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Keep every label: each character of a text is to be predicted."""
        check_batch(batch.inputs, batch.labels, self)
        return TokenBatch(batch.inputs, batch.labels.copy())

    def windows(self, part: str = "validation", length: int | None = None) -> TokenBatch:
        r"""Cut a part into windows without overlap: each character but the first is a label exactly once.

        With c characters there are :math:`\lceil (c-1)/L \rceil` windows. The last one is filled up with
        id 0 and the label `IGNORE`, which a causal model does not see earlier. The first characters of a
        window are predicted from a short context, so the loss over these windows is above that of a text
        read in one go; longer windows bring it down. The mean over all labels is what counts: windows that
        are evaluated in several batches weigh by their labels, the last one by less.

        Parameters
        ----------
        part : {"train", "validation", "test"}
            Which part of the text.
        length : int, optional
            Characters in a window, by default the task's.

        Returns
        -------
        TokenBatch
            `inputs` and `labels`, each (windows, length) int64.

        Raises
        ------
        ConfigError
            If `part` is none of the three, or `length` is no integer of at least 1.
        """
        length = self.length if length is None else integer("length", length, minimum=1)
        ids = self._part(part)
        count = -(-(len(ids) - 1) // length)
        inputs = np.zeros((count, length), dtype=np.int64)
        labels = np.full((count, length), IGNORE, dtype=np.int64)
        inputs.reshape(-1)[: len(ids) - 1] = ids[:-1]
        labels.reshape(-1)[: len(ids) - 1] = ids[1:]
        return TokenBatch(inputs, labels)

    @cached_property
    def _ids(self) -> np.ndarray:
        # Compact: an int64 for each of a hundred million characters would take 800 MB.
        return self.vocabulary.encode(self.corpus.text).astype(np.min_scalar_type(len(self.vocabulary) - 1))

    def _bounds(self, part: str) -> range:
        check_choice("part", part, PARTS)
        position, characters = PARTS.index(part), len(self.corpus.text)
        return range(*(characters * percent // 100 for percent in _BOUNDARIES[position : position + 2]))

    def _part(self, part: str) -> np.ndarray:
        bounds = self._bounds(part)
        return self._ids[bounds.start : bounds.stop]


def bits_per_character(loss: float) -> float:
    r"""Convert a mean cross-entropy in nats for each character into bits.

    .. math:: \text{bpc} = \frac{\text{loss}}{\ln 2}

    Parameters
    ----------
    loss : float
        Mean of -ln p over characters, in nats.

    Returns
    -------
    float
        Mean of -log2 p: how many bits a character takes when an ideal coder follows the model. Guessing
        uniformly among V characters costs log2 V.

    Notes
    -----
    Source: the definition; the customary measure on text8 and enwik8.
    """
    return float(loss) / math.log(2)
