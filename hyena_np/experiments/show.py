"""What an experiment found, as text for a terminal, as Markdown, and as figures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from hyena_np.errors import CheckpointError, ConfigError
from hyena_np.experiments.experiment import Experiment, Table
from hyena_np.experiments.store import RESULTS_NAME, Row, read_results
from hyena_np.files import make_folder, write_bytes
from hyena_np.plots import save

REPORT_NAME = "report.md"
_COMMITTED = Path(__file__).with_name("results")
_WIDTH = 100


def committed_results(experiment: Experiment, preset: str) -> Path:
    """The results file of an experiment that comes with the package."""
    return _COMMITTED / f"{experiment.name}-{preset}.csv"


def results_to_show(experiment: Experiment, preset: str, out: Path | None) -> tuple[Path, list[Row]]:
    """The results in a folder, or else the user's own in the default folder, or else the package's.

    Raises
    ------
    ConfigError
        There are none.
    CheckpointError
        The file is damaged, or of another experiment.
    """
    own = Path("hyena-experiments", f"{experiment.name}-{preset}") if out is None else out
    candidates = [own / RESULTS_NAME]
    if out is None:
        candidates.append(committed_results(experiment, preset))
    for path in candidates:
        if path.is_file():
            rows, damaged = read_results(path, experiment)
            if damaged:
                raise CheckpointError(damaged[0])
            return path, rows
    raise ConfigError(
        f"out: there are no results of {experiment.name} in {own}; "
        f"'hyena-np experiment run {experiment.name} --preset {preset}' makes them"
    )


def as_text(experiment: Experiment, preset: str, rows: Sequence[Row]) -> str:
    """The report of an experiment for a terminal."""
    report = experiment.report(rows)
    lines = [f"{experiment.title} ({experiment.paper})", ""]
    lines += textwrap.wrap(experiment.question, _WIDTH)
    for table in report.tables:
        lines += ["", table.title, *_aligned(table)]
    lines += [""] if report.conclusions else []
    for conclusion in report.conclusions:
        lines += textwrap.wrap(conclusion, _WIDTH, initial_indent="- ", subsequent_indent="  ")
    lines += ["", *textwrap.wrap(f"Different from the paper: {experiment.differs}", _WIDTH)]
    return "\n".join([*lines, "", _where(preset, rows)])


def as_markdown(experiment: Experiment, preset: str, rows: Sequence[Row], figures: str) -> str:
    """The report of an experiment as Markdown, with its figures from a folder."""
    report = experiment.report(rows)
    lines = [f"## {experiment.title}", "", f"`{experiment.name}`, after {experiment.paper}.", ""]
    lines += [experiment.question, ""]
    lines += [f"![{name.replace('_', ' ')}]({figures}/{name}.png)\n" for name in report.figures]
    for table in report.tables:
        lines += [f"**{table.title}**", ""]
        for cells in (table.head, ["---"] * len(table.head), *table.rows):
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    lines += [f"- {conclusion}" for conclusion in report.conclusions]
    return "\n".join(
        [*lines, "", f"Different from the paper: {experiment.differs}", "", _where(preset, rows), ""]
    )


def draw(experiment: Experiment, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw the figures of an experiment into a folder.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    make_folder(folder)
    return [
        save(figure(), folder / f"{name}.png") for name, figure in experiment.report(rows).figures.items()
    ]


def write_report(experiment: Experiment, preset: str, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write ``report.md`` and the figures into a folder.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    text = as_markdown(experiment, preset, rows, ".")
    return [write_bytes(folder / REPORT_NAME, text.encode()), *draw(experiment, rows, folder)]


def _aligned(table: Table) -> list[str]:
    widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]
    lines = []
    for cells in (table.head, ["-" * width for width in widths], *table.rows):
        first, *rest = (cell for cell in cells)
        padded = [first.ljust(widths[0]), *(cell.rjust(n) for cell, n in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(padded).rstrip())
    return lines


def _where(preset: str, rows: Sequence[Row]) -> str:
    """How many runs, where, and how long."""
    devices = ", ".join(sorted({f"{row.device} ({row.backend})" for row in rows}))
    minutes = sum(row.seconds for row in rows) / 60
    return (
        f"Preset {preset}: {len(rows)} runs, {minutes:.0f} minutes of computing, on {devices or 'nothing'}."
    )
