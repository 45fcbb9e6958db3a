"""The pages: JupyterLite, the kernel, notebooks and exercises, in one folder of plain files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from hyena_np.files import make_folder, write_json
from notebooks.lab import wheels
from notebooks.lab.files import LabError
from notebooks.lab.pyodide import LOCK

ROOT = wheels.ROOT
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
KERNEL_PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
# Nothing of the page asks another host: no package index, no news, no look for newer extensions.
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "hyena_np",
        "exposeAppInBrowser": True,
        "disabledExtensions": [
            "@jupyterlab/apputils-extension:announcements",
            "@jupyterlab/extensionmanager-extension",
        ],
        "litePluginSettings": {KERNEL_PLUGIN: {"disablePyPIFallback": True}},
    },
}


def write_contents(folder: Path) -> None:
    """The notebooks with their outputs, the students' exercises, and a first page."""
    make_folder(folder / "exercises")
    shutil.copy(Path(__file__).parent / "welcome.md", folder / "welcome.md")
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        _copy_notebook(path, folder / path.name)
    for path in sorted((ROOT / "hyena_np" / "exercises" / "start").glob("*.ipynb")):
        _copy_notebook(path, folder / "exercises" / path.name)


def _copy_notebook(source: Path, target: Path) -> None:
    """Name the browser's kernel in it, or the page asks which one to take."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    notebook["metadata"]["kernelspec"] = KERNEL
    write_json(target, notebook)


def write_pyodide(folder: Path, core: Path, lock: dict, packages: list[Path]) -> None:
    """Pyodide's folder in the pages: the core, the packages, and a lock that names these and no others."""
    make_folder(folder)
    names = {entry["file_name"] for entry in lock["packages"].values()}
    for path in packages:
        if path.name in names:
            shutil.copy(path, folder / path.name)
    for path in core.iterdir():
        if path.name != LOCK and (path.name in names or path.suffix in (".js", ".mjs", ".wasm", ".zip")):
            shutil.copy(path, folder / path.name)
    write_json(folder / LOCK, lock)


def write_pages(work: Path, out: Path, extensions: list[Path]) -> None:
    """Run JupyterLite on a folder that has ``files/`` and ``static/pyodide/``."""
    config = {
        "lite_dir": str(work),
        "output_dir": str(out),
        "contents": [str(work / "files")],
        "apps": ["lab", "tree", "notebooks"],
        "no_sourcemaps": True,
        # Only the extensions pinned in wheels.txt, whatever else is installed here.
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(wheel) for wheel in extensions],
    }
    write_json(work / "jupyter-lite.json", SETTINGS)
    write_json(work / "jupyter_lite_config.json", {"LiteBuildConfig": config})
    command = [sys.executable, "-m", "jupyterlite_core.app", "build"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode or not (out / "lab" / "index.html").exists():
        last = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()][-3:]
        raise LabError(f"jupyter lite build failed: {' / '.join(last) or 'no message'}")
