"""``hyena-np exercises``: list, start, check, hint, progress."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def exercises() -> None:
    """Write the pieces of the operator yourself, and be told at once what is wrong.

    \b
    Examples:
      hyena-np exercises list
      hyena-np exercises start my-exercises        a notebook for each; then: jupyter lab my-exercises
      hyena-np exercises check my-exercises/03_fftconv.ipynb
      hyena-np exercises hint fftconv
      hyena-np exercises progress my-exercises
    """


@exercises.command("list")
def list_exercises() -> None:
    """Name every exercise, how long it takes, and its points."""
    from hyena_np.exercises import EXERCISES

    for e in EXERCISES:
        click.echo(f"{e.number:>3}  {e.name:<20}  {e.minutes:>2} min  {e.points:>2} points  {e.title}")
    minutes, points = sum(e.minutes for e in EXERCISES), sum(e.points for e in EXERCISES)
    click.echo(f"     {'together':<20}  {minutes / 60:.0f} h     {points:>3} points")


@exercises.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "form",
    type=click.Choice(["notebooks", "modules", "both"]),
    default="notebooks",
    show_default=True,
    help="Notebooks for JupyterLab, or modules of the same cells for an editor.",
)
def start(directory: Path, form: str) -> None:
    """Put all exercises into DIR, with a test file for pytest; what is there already stays as it is."""
    from hyena_np.exercises.folder import start

    written, kept = start(directory, form)
    click.echo(f"{directory}: {len(written)} files written, {len(kept)} kept as they were")
    click.echo(f"hyena-np exercises progress {directory}    shows how far you are")


@exercises.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check the exercises in FILE, a notebook or a module, as saved; exit status 1 if a point is missing."""
    from hyena_np.exercises import exercise_named
    from hyena_np.exercises.folder import check_file
    from hyena_np.exercises.report import report

    found = check_file(file)
    for name, results in found.items():
        click.echo(report(exercise_named(name), results))
    if not found:
        click.echo(f"{file}: has no function of an exercise; 'hyena-np exercises list' names them")
    if not found or not all(result.passed for results in found.values() for result in results):
        sys.exit(1)


@exercises.command()
@click.argument("name")
@click.option("--level", type=click.IntRange(1, 3), default=1, show_default=True, help="1, a nudge, to 3.")
def hint(name: str, level: int) -> None:
    """Print a hint for the exercise NAME."""
    from hyena_np.exercises import hint

    hint(name, level)


@exercises.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path), default=Path())
def progress(directory: Path) -> None:
    """Check every notebook and module in DIR, as saved, and show the points."""
    from hyena_np.exercises import progress

    progress(directory)
