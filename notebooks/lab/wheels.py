"""The wheels beside Pyodide: this package's own, and pure Python ones that Pyodide lacks or has too old."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from notebooks.lab.files import LabError, missing, sha256
from notebooks.lab.pyodide import PINS, canonical

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).parent / "wheels.txt"
_LINE = re.compile(r"([a-z0-9-]+)==([0-9.]+) --hash=sha256:([0-9a-f]{64})")

# Native code that nobody has built for Pyodide; only what needs it fails, and says so.
NOT_IN_A_BROWSER = {"safetensors"}
# The sliders of `hyena_np.plots.panel`, and the digits of notebook 8, optional elsewhere.
ALSO = ("ipython", "ipywidgets", "scikit-learn")
# The wheels that are no modules for Python there, but parts of the page.
EXTENSIONS = ("jupyterlab-widgets", "jupyterlite-pyodide-kernel")
# What the wheels need of each other and of Pyodide; the rest need nothing.
_DEPENDS = {
    "comm": ["traitlets"],
    "ipywidgets": ["comm", "ipython", "traitlets"],
}


def pinned() -> dict[str, tuple[str, str]]:
    """``wheels.txt`` as name -> (version, sha256)."""
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    matches = [_LINE.fullmatch(line) for line in lines]
    if None in matches:
        raise LabError(f"{LIST.name}: allowed are comments and lines like name==1.0 --hash=sha256:...")
    return {match[1]: (match[2], match[3]) for match in matches if match}


def wheel_name(name: str, version: str) -> str:
    """File name of a wheel without native code."""
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl"


def fetch(cache: Path) -> Path:
    """The folder with all pinned wheels; pip downloads those that the cache lacks, and checks them."""
    folder = cache / "wheels"
    wanted = {wheel_name(name, version): checksum for name, (version, checksum) in pinned().items()}
    if missing(wanted, folder):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--platform", "any", "--python-version", PINS["python"]]
        done = subprocess.run([*command, "-r", str(LIST), "-d", str(folder)], capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise LabError(f"pip cannot download the wheels of {LIST.name} ({last})")
    if absent := missing(wanted, folder):
        raise LabError(f"{', '.join(sorted(absent))}: not as {LIST.name} says")
    return folder


def build_own(folder: Path) -> Path:
    """Build the wheel of this checkout, with the installed hatchling and without network."""
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ImportError as error:
        raise LabError("hatchling is not installed; it is in the extra 'lab'") from error
    return Path(next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))))


def requirements() -> set[str]:
    """Canonical names of what the package requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {canonical(re.split(r"[\[>=<~! ]", line)[0]) for line in project["dependencies"]}


def own_depends(available: set[str]) -> list[str]:
    """What is loaded with the package: what it requires, but for what no browser has."""
    depends = sorted((requirements() - NOT_IN_A_BROWSER) | set(ALSO))
    if absent := set(depends) - available:
        raise LabError(
            f"{', '.join(sorted(absent))}: required, but neither in Pyodide nor in {LIST.name}; "
            "add it there, or to NOT_IN_A_BROWSER"
        )
    return depends


def lock_entry(name: str, wheel: Path, version: str, depends: list[str]) -> dict:
    """How Pyodide's lock describes a wheel; an import of it in a cell then loads it, without an installer."""
    return {
        "name": name,
        "version": version,
        "file_name": wheel.name,
        "sha256": sha256(wheel.read_bytes()),
        "imports": [name.replace("-", "_")],
        "depends": depends,
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }


def lock_entries(folder: Path, own: Path, available: set[str]) -> dict[str, dict]:
    """The lock's entries for the pinned wheels and the package's own; `available` are those it has."""
    entries = {
        name: lock_entry(name, folder / wheel_name(name, version), version, _DEPENDS.get(name, []))
        for name, (version, _) in pinned().items()
        if name not in EXTENSIONS
    }
    depends = own_depends(available | entries.keys())
    entries["hyena-np"] = lock_entry("hyena-np", own, own.name.split("-")[1], depends)
    return entries
