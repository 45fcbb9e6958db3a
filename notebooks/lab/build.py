"""Build the lab in the browser: ``python notebooks/lab/build.py --out DIR``.

The folder that it writes is a JupyterLab of plain files, with Python, this package, the notebooks and the
exercises in it. Any web server can serve it; nothing is installed, and no page asks another host. It needs
the extra ``lab``, and the files of Pyodide; see ``README.md`` beside this script.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the notebooks are no package that is installed

from hyena_np.errors import HyenaError
from notebooks.lab import pages, pyodide, wheels
from notebooks.lab.files import LabError


def default_cache() -> Path:
    """Where downloads are kept: ``HYENA_NP_PYODIDE``, or the user's cache folder."""
    if named := os.environ.get("HYENA_NP_PYODIDE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hyena-np" / "lab"


def build(out: Path, cache: Path, given: Path | None = None) -> Path:
    """Write the whole site to `out`, which is replaced in one step when all has gone well."""
    out = out.resolve()
    if out.exists() and not (out / "jupyter-lite.json").exists() and any(out.iterdir()):
        raise LabError(f"out: {out} holds something else than a lab; name a new folder")
    core, lock = pyodide.collect(cache, given)
    folder = wheels.fetch(cache)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        work = Path(scratch)
        own = wheels.build_own(work)
        lock["packages"] |= wheels.lock_entries(folder, own, set(lock["packages"]))
        pages.write_pyodide(work / "static" / "pyodide", core, lock, [own, *folder.iterdir()])
        pages.write_contents(work / "files")
        pinned = wheels.pinned()
        extensions = [folder / wheels.wheel_name(name, pinned[name][0]) for name in wheels.EXTENSIONS]
        pages.write_pages(work, work / "site", extensions)
        if out.exists():
            shutil.rmtree(out)
        os.replace(work / "site", out)
    return out


@click.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the site."
)
@click.option(
    "--pyodide",
    "given",
    type=click.Path(path_type=Path, exists=True),
    help="Archive or folder with Pyodide's files, instead of a download.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that keeps downloads.  [default: the user's cache]",
)
def main(out: Path, given: Path | None, cache: Path | None) -> None:
    """Build JupyterLab with Python, the package, notebooks and exercises as a folder of plain files."""
    try:
        built = build(out, cache or default_cache(), given)
    except (LabError, HyenaError) as error:
        raise click.ClickException(str(error)) from None
    size = sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) / 2**20
    click.echo(f"{built}: {size:.0f} MB; python -m http.server -d {built} and open the page /lab/")


if __name__ == "__main__":
    main()
