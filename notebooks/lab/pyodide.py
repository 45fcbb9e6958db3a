"""Pyodide: Python and its scientific packages as WebAssembly, every file by its checksum.

`pyodide.json` pins the six files of the core, the lock among them. The lock, Pyodide's own, holds the
checksum of every package; so what is pinned here pins all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

from tqdm import tqdm

from notebooks.lab.files import LabError, missing, take

PINS = json.loads((Path(__file__).parent / "pyodide.json").read_text())
VERSION: str = PINS["version"]
LOCK = "pyodide-lock.json"
# The whole distribution, some hundred megabytes, of which the lab needs a tenth.
RELEASE = f"https://github.com/pyodide/pyodide/releases/download/{VERSION}/pyodide-{VERSION}.tar.bz2"
_HELP = f"give --pyodide the archive or the unpacked folder of {RELEASE}"


def canonical(name: str) -> str:
    """A package's name as the lock's keys spell it."""
    return name.lower().replace("_", "-").replace(".", "-")


def closure(names: Iterable[str], packages: Mapping[str, dict]) -> dict[str, dict]:
    """The entries of a lock that packages need, with all that these need."""
    found: dict[str, dict] = {}
    queue = [canonical(name) for name in names]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        if name not in packages:
            raise LabError(f"{name}: is not in Pyodide {VERSION}")
        found[name] = packages[name]
        queue += [canonical(needed) for needed in packages[name]["depends"]]
    return dict(sorted(found.items()))


def collect(cache: Path, given: Path | None) -> tuple[Path, dict]:
    """The folder with the core and the packages, and the lock cut down to these packages.

    What the cache lacks comes from `given`, a folder or an archive; what is still absent from the npm package
    (the core) and from Pyodide's release (the rest).
    """
    folder = cache / f"pyodide-{VERSION}"
    _complete(PINS["core"], folder, given, _from_npm)
    lock = json.loads((folder / LOCK).read_text())
    lock["packages"] = closure(PINS["packages"], lock["packages"])
    packages = {entry["file_name"]: entry["sha256"] for entry in lock["packages"].values()}
    _complete(packages, folder, given, _from_release)
    return folder, lock


def _complete(wanted: Mapping[str, str], folder: Path, given: Path | None, last_source) -> None:
    rejected: set[str] = set()
    if given is not None and (absent := missing(wanted, folder)):
        rejected = take(absent, given, folder)
    if absent := missing(wanted, folder):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                rejected |= take(absent, last_source(Path(scratch)), folder)
            except LabError as error:
                reason = f"; other bytes than the lock's: {', '.join(sorted(rejected))}" if rejected else ""
                raise LabError(f"{len(absent)} files of Pyodide are missing{reason}; {error}") from error
    if absent := missing(wanted, folder):
        raise LabError(f"{', '.join(sorted(absent))}: not found with the checksum of the lock; {_HELP}")


def _from_npm(scratch: Path) -> Path:
    """The npm package, which holds the core and no package."""
    npm = shutil.which("npm")
    if npm is None:
        raise LabError(f"npm, which would bring the core, is not installed; {_HELP}")
    command = [npm, "pack", "--silent", f"pyodide@{VERSION}"]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"npm pack pyodide@{VERSION} failed; {_HELP}")
    return next(scratch.glob("*.tgz"))


def _from_release(scratch: Path, url: str = RELEASE) -> Path:
    """The archive of Pyodide's release, downloaded."""
    target = scratch / "pyodide.tar.bz2"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, target.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0) or None
            with tqdm(total=size, unit="B", unit_scale=True, desc="Pyodide", disable=None) as bar:
                while chunk := answer.read(1 << 20):
                    file.write(chunk)
                    bar.update(len(chunk))
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise LabError(f"the release cannot be downloaded ({reason}); {_HELP}") from error
    return target
