"""A vocabulary of characters: no tokeniser, and every text is a sequence of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyena_np.errors import ConfigError, DataError, TokenError
from hyena_np.tasks.checks import integer_array


@dataclass(frozen=True)
class CharacterVocabulary:
    """The characters of a text in the order of their code points; the id of a character is its index.

    Parameters
    ----------
    characters : str
        Distinct characters, ascending; at least one. `from_text` collects them from a text.

    Raises
    ------
    ConfigError
        If there is none, or if they are not distinct and ascending.

    Notes
    -----
    Source: ours; a vocabulary of single characters is the custom for text8 and enwik8.

    Examples
    --------
    >>> vocabulary = CharacterVocabulary.from_text("hello")
    >>> vocabulary.characters
    'ehlo'
    >>> vocabulary.decode(vocabulary.encode("hole"))
    'hole'
    """

    characters: str

    def __post_init__(self) -> None:
        found = self.characters
        if not isinstance(found, str) or not found or list(found) != sorted(set(found)):
            raise ConfigError(
                f"characters: got {_shortened(found)}, allowed are distinct characters in ascending order"
            )

    @classmethod
    def from_text(cls, text: str) -> CharacterVocabulary:
        """Collect the characters of a text; DataError if it is empty."""
        if not text:
            raise DataError("text: got an empty text, which has no characters to collect")
        return cls("".join(sorted(set(text))))

    @classmethod
    def from_list(cls, characters: Sequence[str]) -> CharacterVocabulary:
        """Rebuild the vocabulary from what `to_list` gave; ConfigError if it cannot come from there."""
        if not all(isinstance(character, str) and len(character) == 1 for character in characters):
            raise ConfigError(f"characters: got {_shortened(characters)}, allowed are single characters")
        return cls("".join(characters))

    def to_list(self) -> list[str]:
        """Give the characters as a list, which JSON can hold; the id of a character is its index."""
        return list(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Replace characters by ids, (len(text),) int64; TokenError names one that is not here, and where."""
        codes = _code_points(text)
        ids = np.searchsorted(self._codes, codes)
        unknown = self._codes[np.minimum(ids, len(self) - 1)] != codes
        if unknown.any():
            position = int(unknown.argmax())
            raise TokenError(
                f"text: character {text[position]!a} at position {position} is not one of the "
                f"{len(self)} characters of the vocabulary"
            )
        return ids.astype(np.int64)

    def decode(self, ids: np.ndarray) -> str:
        """Replace ids, (T,) integer, by characters; TokenError if one lies outside the vocabulary."""
        integer_array("ids", ids)
        if ids.size and not (0 <= ids.min() and ids.max() < len(self)):
            raise TokenError(
                f"ids: got {ids.min()} to {ids.max()}, allowed are 0 to {len(self) - 1}, the vocabulary's"
            )
        return "".join(self.characters[i] for i in ids.ravel())

    @cached_property
    def _codes(self) -> np.ndarray:
        return _code_points(self.characters)


def _code_points(text: str) -> np.ndarray:
    # Lone surrogates stand for bytes of a command line that were no text: they are unknown, not an error.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _shortened(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
