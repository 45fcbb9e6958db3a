"""What the exports to other graders share: the exercises asked for, their cells, their hidden parts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the builder of the other notebooks is no package that is installed

from hyena_np.errors import HyenaError, OutputError  # noqa: E402
from hyena_np.exercises import EXERCISES, exercise_named  # noqa: E402
from hyena_np.exercises.exercise import Exercise  # noqa: E402
from hyena_np.files import make_folder, write_bytes  # noqa: E402
from hyena_np.grading.hidden import load_hidden  # noqa: E402
from notebooks.build import read_source  # noqa: E402
from notebooks.exercises.build import SOURCES, as_notebook  # noqa: E402


@dataclass(frozen=True)
class Sheet:
    """An exercise, its source with the solutions between their marks, and its hidden seed and sizes."""

    exercise: Exercise
    notebook: NotebookNode
    hidden: dict[str, Any]


def sheets(names: tuple[str, ...], hidden: Path | None) -> Iterator[Sheet]:
    """Those of the exercises of these names, or of all."""
    chosen = [exercise_named(name) for name in names] or EXERCISES
    parts = load_hidden(hidden)
    for exercise in chosen:
        notebook = read_source(SOURCES / f"{exercise.stem}.py")
        yield Sheet(exercise, notebook, dict(parts[exercise.name]))


def tagged(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell has this tag."""
    return tag in cell.metadata.get("tags", ())


def literal(hidden: dict[str, Any], *parts: str) -> str:
    """The hidden inputs as Python, a line each part; of these parts, or of all."""
    chosen = {part: hidden["parts"][part] for part in parts or hidden["parts"]}
    lines = [f"        {part!r}: {sizes!r}," for part, sizes in chosen.items()]
    return "\n".join(["{", f"    'seed': {hidden['seed']},", "    'parts': {", *lines, "    },", "}"])


def write_all(folder: Path, files: dict[str, NotebookNode | bytes], overwrite: bool) -> None:
    """Write every file, or none where one is there already and may not be replaced."""
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(f"{folder / there[0]}: is there already; --overwrite replaces it")
    for name, content in files.items():
        path = folder / name
        make_folder(path.parent)
        write_bytes(path, content if isinstance(content, bytes) else as_notebook(content))


def command(
    files: Callable[[list[Sheet]], dict[str, NotebookNode | bytes]],
    help: str,
    settings: Mapping[str, bytes] | None = None,
) -> click.Command:
    """The command line of an export: the files it makes of the sheets, and settings where there are none."""

    def export(directory: Path, names: tuple[str, ...], hidden: Path | None, overwrite: bool) -> None:
        try:
            made = files(list(sheets(names, hidden)))
            own = {name: text for name, text in (settings or {}).items() if not (directory / name).exists()}
            write_all(directory, made | own, overwrite)
        except HyenaError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{directory}: {len(made)} files written")

    path = click.Path(path_type=Path)
    return click.Command(
        "export",
        callback=export,
        help=help,
        params=[
            click.Argument(["directory"], metavar="DIR", type=path),
            click.Argument(["names"], nargs=-1, metavar="[NAMES]..."),
            click.Option(["--hidden"], type=path, help="Folder of the hidden parts. [default: hidden/]"),
            click.Option(["--overwrite"], is_flag=True, help="Replace files that are there."),
        ],
    )
