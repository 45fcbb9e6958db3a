"""Text that is on this machine: the source of Python's standard library, or a file.

The library is the default: ten million characters of careful code and prose, there wherever Python is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hyena_np.errors import DataError
from hyena_np.tasks.checks import integer

# Tests repeat themselves; the rest is not Python's, or differs between two machines with the same Python.
_SKIPPED = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
_SKIPPED_NAMES = ("_sysconfigdata", "sitecustomize", "usercustomize")
_PLAIN = {"\n", *map(chr, range(ord(" "), ord("~") + 1))}


@dataclass(frozen=True)
class Corpus:
    """A text with a name; its checksum tells whether two results rest on the same one.

    Parameters
    ----------
    name : str
        What it is, versions included.
    text : str
        The characters; lines end in a line feed.

    Notes
    -----
    Source: ours.
    """

    name: str
    text: str = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, in hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def head(self, characters: int) -> Corpus:
        """Keep the first characters only, at most all; the name says so."""
        characters = integer("characters", characters, minimum=1)
        if characters >= len(self.text):
            return self
        return Corpus(f"{self.name}[:{characters}]", self.text[:characters])


def standard_library(limit: int | None = 1_000_000) -> Corpus:
    """Join the source files of Python's standard library into one text.

    Files are sorted by their path and joined as they are. Left out are test folders, installed packages,
    files that differ between builds of one Python, and the few files (17 of 734 in Python 3.11) with a
    character other than printable ASCII and the line feed, so that the vocabulary has at most 96 characters.

    The text depends on the version of Python, which is in the corpus' name, and on the parts of the library
    that a distribution installs; compare `Corpus.sha256` before comparing results of two machines.

    Parameters
    ----------
    limit : int, optional
        Stop after this many characters; None takes all.

    Returns
    -------
    Corpus

    Raises
    ------
    DataError
        If this Python came without its source.
    ConfigError
        If `limit` is no integer of at least 1.

    Notes
    -----
    Source: ours; the paper's corpora (WikiText-103, The Pile) are not on every machine.
    """
    limit = None if limit is None else integer("limit", limit, minimum=1)
    folder = Path(sysconfig.get_path("stdlib"))
    texts, total = [], 0
    for text in _plain_sources(folder):
        texts.append(text)
        total += len(text)
        if limit is not None and total > limit:  # one more than needed, or `head` would not see the cut
            break
    if not texts:
        raise DataError(f"{folder}: has no source of Python's standard library; give a text file instead")
    whole = Corpus(f"python-{platform.python_version()}-library", "".join(texts))
    return whole if limit is None else whole.head(limit)


def read_text(path: str | Path) -> Corpus:
    r"""Read a file of UTF-8 text.

    A byte-order mark is dropped, and a line that ends in ``\r\n`` ends in ``\n``.

    Parameters
    ----------
    path : str or Path
        A file of UTF-8 text.

    Returns
    -------
    Corpus
        Named after the file, without its folder.

    Raises
    ------
    DataError
        If the file is missing, cannot be read, is no regular file, is empty, or is not text: a byte that is
        not UTF-8, or a NUL character. The message gives the offset of the byte.

    Notes
    -----
    Source: ours.
    """
    return Corpus(Path(path).name, decode_text(str(path), file_content(Path(path)), "utf-8"))


def _plain_sources(folder: Path) -> Iterator[str]:
    """The library's files in the order of their paths, those with unusual characters left out."""
    for path in sorted(_sources(folder), key=lambda path: path.relative_to(folder).as_posix()):
        text = path.read_text(encoding="utf-8", errors="replace")
        if set(text) <= _PLAIN:
            yield text if not text or text.endswith("\n") else text + "\n"


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # Assigned in place: os.walk then stays out of the others, of installed packages above all.
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith("config-")]
        yield from (
            Path(parent, file)
            for file in files
            if file.endswith(".py") and not file.startswith(_SKIPPED_NAMES)
        )


def file_content(path: Path) -> bytes:
    """Read a file whole; DataError if that cannot be done."""
    if os.path.exists(path) and not os.path.isfile(path):  # reading a device or a pipe might never end
        kind = "a folder" if os.path.isdir(path) else "no regular file"
        raise DataError(f"{path}: is {kind}; text is read from a file")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: does not exist; text is read from a file") from error
    except (OSError, ValueError) as error:  # a name with a NUL character is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{str(path)!r}: cannot be read ({reason})") from error


def decode_text(name: str, content: bytes, encoding: str) -> str:
    """Turn bytes into text; DataError, with the offset of the first wrong byte, if they are none."""
    try:
        text = content.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        found = f"byte {content[error.start]:#04x} at offset {error.start}"
        raise DataError(f"{name}: is not {encoding.upper()} text ({found})") from error
    if not text:
        raise DataError(f"{name}: is empty; a text has characters")
    if "\0" in text:
        raise DataError(f"{name}: is not text (NUL byte at offset {content.index(0)})")
    return text
