"""Files known by their sha256: taken from folders and archives, kept in a cache, checked at every build."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from hyena_np.files import make_folder, write_bytes


class LabError(Exception):
    """The lab cannot be built; the message is one line."""


def sha256(content: bytes) -> str:
    """The checksum that pins and locks hold."""
    return hashlib.sha256(content).hexdigest()


def missing(wanted: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Those of the wanted files (name -> sha256) that `folder` lacks, or has with other bytes."""
    return {
        name: checksum
        for name, checksum in wanted.items()
        if not (folder / name).is_file() or sha256((folder / name).read_bytes()) != checksum
    }


def take(wanted: Mapping[str, str], source: Path, folder: Path) -> set[str]:
    """Copy wanted files from a folder or an archive, wherever they are in it; names whose bytes differ."""
    rejected, left = set(), dict(wanted)
    make_folder(folder)
    for name, content in _files_in(source, wanted.keys()):
        if name not in left:
            continue
        if sha256(content) == left[name]:
            write_bytes(folder / name, content)
            del left[name]
        else:
            rejected.add(name)
    return rejected & left.keys()


def _files_in(source: Path, names: set[str] | Mapping) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the files in a folder, tar or zip archive that bear one of the names."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.name in names and path.is_file():
                yield path.name, path.read_bytes()
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as tar:
            for member in tar:  # one pass: a compressed archive can only be read forwards
                name = PurePosixPath(member.name).name
                if name in names and member.isfile():
                    yield name, tar.extractfile(member).read()  # type: ignore[union-attr]
    elif source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for member in archive.namelist():
                name = PurePosixPath(member).name
                if name in names:
                    yield name, archive.read(member)
    else:
        raise LabError(f"{source}: allowed are a folder, a tar archive and a zip archive that exist")
