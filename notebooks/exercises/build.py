"""Build the exercises: ``python notebooks/exercises/build.py``.

People write and review ``notebooks/exercises/src/NN_name.py`` (percent format), solutions included, between
``### BEGIN SOLUTION`` and ``### END SOLUTION``. This script writes what students get, without solutions: a
notebook and a module of the same cells, both in ``hyena_np/exercises/start/``. ``--solutions DIR`` runs the
sources and writes the solved notebooks, with their outputs, for teachers.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import jupytext
import nbformat
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT))  # the builder of the other notebooks is no package that is installed

from hyena_np.files import make_folder, write_bytes  # noqa: E402
from notebooks.build import NotebookError, chosen, execute, read_source, write  # noqa: E402

SOURCES = FOLDER / "src"
START = ROOT / "hyena_np" / "exercises" / "start"
_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.DOTALL | re.MULTILINE)
_MARKS = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION\n?", re.MULTILINE)
_PLACEHOLDER = 'raise NotImplementedError("your turn")'


def student_version(source: Path) -> NotebookNode:
    """The notebook of a source with a placeholder for every solution."""
    notebook = read_source(source)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, n = _SOLUTION.subn(rf"\1{_PLACEHOLDER}", cell.source)
            count += n
            if "SOLUTION" in cell.source:
                raise NotebookError(f"{source.name}: a solution is not closed")
    if not count:
        raise NotebookError(f"{source.name}: has no solution between ### BEGIN SOLUTION and ### END SOLUTION")
    return notebook


def solved_version(source: Path) -> NotebookNode:
    """The notebook of a source with its solutions, without the marks around them."""
    notebook = read_source(source)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = _MARKS.sub("", cell.source).rstrip("\n")
    return notebook


def as_notebook(notebook: NotebookNode) -> bytes:
    """The bytes of an .ipynb file."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n").encode()


def as_module(notebook: NotebookNode) -> bytes:
    """The same cells as a module, Markdown as comments: for those who prefer an editor."""
    text = jupytext.writes(nbformat.v4.new_notebook(cells=notebook.cells, metadata={}), fmt="py:percent")
    return re.sub(r"\A# ---\n.*?\n# ---\n\n", "", text, flags=re.DOTALL).encode()


def student_files(sources: Path = SOURCES) -> dict[str, bytes]:
    """Everything that students get, by file name."""
    files = {}
    for source in chosen(sources, ()):
        notebook = student_version(source)
        files[f"{source.stem}.ipynb"] = as_notebook(notebook)
        files[f"{source.stem}.py"] = as_module(notebook)
    return files


def disagreements(files: dict[str, bytes], folder: Path) -> list[str]:
    """Names of files that are absent, too many, or other than they should be."""
    found = {path.name: path.read_bytes() for path in folder.glob("[0-9][0-9]_*")}
    return sorted(name for name in files.keys() | found.keys() if files.get(name) != found.get(name))


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; say whether the students' files are up to date.")
@click.option(
    "--solutions", type=click.Path(path_type=Path, file_okay=False), help="Write solved notebooks here."
)
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...], check: bool, solutions: Path | None) -> None:
    """Write the students' notebooks and modules; with --solutions, run and write the solved ones.

    NAMES choose some of the solved ones, by how they begin: 03.
    """
    try:
        if solutions is not None:
            make_folder(solutions)
            for source in chosen(SOURCES, names):
                write(execute(solved_version(source), source.stem, 600), solutions / f"{source.stem}.ipynb")
            return
        files = student_files()
        if check:
            if wrong := disagreements(files, START):
                raise NotebookError(f"{', '.join(wrong)}: run python notebooks/exercises/build.py")
            return
        for name in disagreements(files, START):
            if name in files:
                write_bytes(START / name, files[name])
            else:
                (START / name).unlink()
            click.echo(name)
    except NotebookError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
