"""The usual small corpora by name, from the network the first time, and a corpus of one's own address."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from hyena_np.errors import ConfigError, DataError
from hyena_np.tasks.corpora import Corpus, decode_text, file_content, standard_library
from hyena_np.tasks.downloads import Source, download


@dataclass(frozen=True)
class TextSource:
    """A corpus that can be downloaded.

    Parameters
    ----------
    source : Source
        The file, with its checksum.
    member : str
        Name of the text inside a zip archive; empty if the file is the text itself.
    encoding : str
        How bytes become characters.

    Notes
    -----
    Source: ours.
    """

    source: Source
    member: str = ""
    encoding: str = "utf-8"


TEXT_SOURCES = {
    # One million characters of plays, 65 of them distinct.
    "tiny-shakespeare": TextSource(
        Source(
            "tiny-shakespeare.txt",
            "https://raw.githubusercontent.com/karpathy/char-rnn/"
            "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
            "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        )
    ),
    # The first 10^8 characters of a Wikipedia of 2006, reduced to a-z and the space.
    "text8": TextSource(
        Source(
            "text8.zip",
            "http://mattmahoney.net/dc/text8.zip",
            "sha256:a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
        ),
        member="text8",
    ),
    # The first 10^8 bytes of the same, untouched. Published numbers are bits per byte, and Latin-1 makes
    # each byte one character.
    "enwik8": TextSource(
        Source(
            "enwik8.zip",
            "http://mattmahoney.net/dc/enwik8.zip",
            "sha256:547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
        ),
        member="enwik8",
        encoding="latin-1",
    ),
}


def load_corpus(name: str = "library", limit: int | None = None, folder: str | Path | None = None) -> Corpus:
    """Get a corpus by its name, from this machine or, the first time, from the network.

    Parameters
    ----------
    name : {"library", "tiny-shakespeare", "text8", "enwik8"}
        "library" is `standard_library`; the others are downloaded once, 1 MB, 31 MB and 36 MB.
    limit : int, optional
        Keep this many characters from the beginning.
    folder : str or Path, optional
        Where downloads are kept, by default the user's cache folder.

    Returns
    -------
    Corpus

    Raises
    ------
    ConfigError
        If there is no such corpus.
    DataError
        If it cannot be downloaded, or what came has another checksum.

    Notes
    -----
    Source: karpathy/char-rnn for tiny-shakespeare; Matt Mahoney, "About the test data", for the other two.
    """
    if name == "library":
        return standard_library(limit)
    if name not in TEXT_SOURCES:
        allowed = ", ".join(["library", *TEXT_SOURCES])
        raise ConfigError(
            f"corpus: got {name!r}, allowed are {allowed}; a file of your own is given by its path"
        )
    corpus = download_text(name, TEXT_SOURCES[name], folder)
    return corpus if limit is None else corpus.head(limit)


def download_text(name: str, source: TextSource, folder: str | Path | None = None) -> Corpus:
    """Download a corpus of which you know the address and the checksum, and read it.

    Parameters
    ----------
    name : str
        The corpus' name.
    source : TextSource
        Where it is, and how it is packed.
    folder : str or Path, optional
        Where the download is kept, by default the user's cache folder.

    Returns
    -------
    Corpus

    Raises
    ------
    DataError
        If it cannot be downloaded, has another checksum, or is not the text that `source` promises.
    BackendError
        If Pooch, which downloads, is not installed.

    Notes
    -----
    Source: ours.
    """
    path = download(source.source, folder)
    content = file_content(path)
    if source.member:
        try:
            with zipfile.ZipFile(path) as archive:
                content = archive.read(source.member)
        except (zipfile.BadZipFile, KeyError) as error:
            raise DataError(f"{path}: is no zip archive that holds {source.member!r}") from error
    return Corpus(name, decode_text(str(path), content, source.encoding))
