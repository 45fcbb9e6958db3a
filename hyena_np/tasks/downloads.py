"""Downloads: a file is kept only if it is whole and has the checksum that is known beforehand.

Pooch does the work: it downloads into a temporary file, compares, and renames. A file that is there already
and has the checksum is used without asking anybody.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyena_np.errors import BackendError, ConfigError, DataError
from hyena_np.files import make_folder

# A server that says nothing for this long, in seconds, is taken to be down.
_TIMEOUT = 30

_CHECKSUM = r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}"


@dataclass(frozen=True)
class Source:
    """A file on the network.

    Parameters
    ----------
    name : str
        What the file is called here, without a folder.
    url : str
        Where it is, http or https. The checksum, not the connection, vouches for what comes.
    checksum : str
        "sha256:" or "md5:" and the hexadecimal digits, as published.

    Raises
    ------
    ConfigError
        If one of them is not of this form.

    Notes
    -----
    Source: ours.
    """

    name: str
    url: str
    checksum: str

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name or self.name in ("", ".."):
            raise ConfigError(f"name: got {self.name!r}, allowed is a file name without a folder")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ConfigError(f"url: got {self.url!r}, allowed are http and https addresses")
        if not re.fullmatch(_CHECKSUM, str(self.checksum)):
            raise ConfigError(
                f'checksum: got {self.checksum!r}, allowed are "sha256:" and 64, or "md5:" and 32, '
                f"hexadecimal digits"
            )


def download(source: Source, folder: str | Path | None = None, progress: bool = False) -> Path:
    """Download a file, unless it is there already.

    Parameters
    ----------
    source : Source
        What to get.
    folder : str or Path, optional
        Where to keep it, by default the user's cache folder for ``hyena-np``. Made if it is not there.
    progress : bool
        Show a bar on the terminal.

    Returns
    -------
    Path
        The file, which has the checksum.

    Raises
    ------
    DataError
        If nothing came, not all of it, or something with another checksum. What came is removed; a file of
        that name that was there before stays.
    OutputError
        If the folder cannot be written.
    BackendError
        If Pooch is not installed.

    Notes
    -----
    Source: ours, on Pooch.
    """
    pooch = _pooch()
    folder = make_folder(pooch.os_cache("hyena-np") if folder is None else folder)
    level = pooch.get_logger().level
    pooch.get_logger().setLevel(logging.WARNING)  # one line less on the user's terminal
    try:
        found = pooch.retrieve(
            source.url,
            known_hash=source.checksum,
            fname=source.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT, progressbar=progress),
        )
    except OSError as error:
        reason = f"{_reason(error)}; {source.name} can also be put into {folder} by hand"
        raise DataError(f"{source.url}: cannot be downloaded ({reason})") from error
    except ValueError as error:
        raise DataError(
            f"{source.url}: what came has not the checksum of {source.name}, {source.checksum}; "
            f"it was removed"
        ) from error
    finally:
        pooch.get_logger().setLevel(level)
    return Path(found)


def _reason(error: OSError) -> str:
    """A few words; the messages of the HTTP library are paragraphs."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP status {status}" if status else error.strerror or type(error).__name__


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise BackendError(
            'download: Pooch is not installed; python -m pip install "hyena-np[data]"'
        ) from error
    return pooch
