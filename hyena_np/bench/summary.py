"""What the table shows: lines about growth and crossing, and figures against length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hyena_np.bench.cases import STEP
from hyena_np.bench.contenders import FLOOR, NAMES, OURS
from hyena_np.bench.fit import FIT_FROM, at_length, crossover, exponent
from hyena_np.bench.table import Row
from hyena_np.plots import Figure, save
from hyena_np.plots.scaling import cost_against_length, ratio_against_length
from hyena_np.plots.style import short_number

# The paper's claims for the operator against optimised attention, on one A100 GPU.
_CLAIMS = {8192: 2, 65536: 100}
FIGURE_PATTERNS = ("time_*.png", "ratio_*.png", "memory_*.png")


class Series(NamedTuple):
    """The rows of one kind, order and number of threads that differ in length alone."""

    kind: str
    order: int
    threads: int
    width: int
    rows: dict[str, dict[int, Row]]  # contender -> length -> row

    @property
    def title(self) -> str:
        """What the figures and lines are about."""
        return f"{self.kind}, order {self.order}, D={self.width}, threads: {self.threads}"

    @property
    def lengths(self) -> list[int]:
        """All lengths, ascending."""
        return sorted({length for rows in self.rows.values() for length in rows})

    def seconds(self, name: str) -> dict[int, float]:
        """Length to time of a contender."""
        return {length: row.seconds_median for length, row in self.rows.get(name, {}).items()}


def series_of(rows: Iterable[Row]) -> Iterator[Series]:
    """Every series of two lengths or more: batches of one, at the width that most rows have."""
    single = [row for row in rows if row.B == 1 and row.kind != STEP]
    if not single:
        return
    width = Counter(row.D for row in single).most_common(1)[0][0]
    groups: dict[tuple[str, int, int], list[Row]] = {}
    for row in single:
        if row.D == width:
            groups.setdefault((row.kind, row.order, row.threads), []).append(row)
    for (kind, order, threads), members in groups.items():
        found: dict[str, dict[int, Row]] = {}
        for row in members:
            found.setdefault(row.contender, {})[row.L] = row
        series = Series(kind, order, threads, width, found)
        if len(series.lengths) > 1:
            yield series


def conclusions(rows: Iterable[Row]) -> list[str]:
    """Lines on how time grows with length and where Hyena becomes quicker than attention."""
    lines = []
    for series in series_of(rows):
        powers = {name: exponent(series.seconds(name)) for name in series.rows}
        grown = [f"{name} L^{power:.2f}" for name, power in powers.items() if power is not None]
        if grown:
            lines.append(
                f"{series.title}: from {short_number(FIT_FROM)} on, time grows as {', '.join(grown)}"
            )
        lines += _against_attention(series)
    return lines


def _against_attention(series: Series) -> Iterator[str]:
    for suffix in (" (cupy)", ""):
        ours = series.seconds(NAMES[OURS] + suffix)
        for key in ("attention", "attention-bf16"):
            name = NAMES[key] + (" (cuda)" if suffix else "")
            theirs = series.seconds(name)
            shared = sorted(set(ours) & set(theirs))
            if len(shared) < 2:
                continue
            place = crossover(ours, theirs)
            first = f"{series.title}: "
            if place is not None:
                first += f"quicker than {name} from L = {place:.0f} on"
            elif all(ours[length] < theirs[length] for length in shared):
                first += f"quicker than {name} at every length from {shared[0]} on"
            else:
                first += f"not yet quicker than {name} at L = {shared[-1]}"
            claims = [
                f"{at_length(theirs, L) / at_length(ours, L):.1f} times at {short_number(L)} (paper: {claim})"
                for L, claim in _CLAIMS.items()
                if shared[0] <= L <= shared[-1]
            ]
            yield "; ".join([first, *claims])


def draw(rows: Iterable[Row], folder: Path) -> list[Path]:
    """Draw time, ratio and peak memory against length, one figure for each and for each series.

    Parameters
    ----------
    rows : iterable of Row
    folder : Path
        Exists.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OutputError
        A file cannot be written.

    Notes
    -----
    Source: Hyena paper, Fig. 4.3.
    """
    written = []
    for series in series_of(rows):
        kind = series.kind.replace("+", "_")
        name = f"{kind}_order{series.order}_threads{series.threads}.png"
        for what, figure in _figures(series):
            written.append(save(figure, folder / f"{what}_{name}"))
    return written


def _figures(series: Series) -> Iterator[tuple[str, Figure]]:
    time = _columns(series, "seconds_median")
    yield "time", cost_against_length(series.lengths, time, f"Time: {series.title}", "time of a call (s)")
    ratio = _columns(series, "ratio_to_ours")
    title, label = f"Compared with hyena_np: {series.title}", "time / time of hyena_np"
    yield "ratio", ratio_against_length(series.lengths, ratio, title, label)
    if memory := _columns(series, "peak_multiple"):
        title, label = f"Peak memory: {series.title}", "peak memory / one (B, L, D) array"
        yield "memory", ratio_against_length(series.lengths, memory, title, label)


def _columns(series: Series, field: str) -> dict[str, list[float]]:
    """A field of every contender that has it, at every length; NaN where it was not measured.

    The floor comes last. It has no memory, and so every contender has one colour in all figures.
    """
    columns = {}
    for name, rows in sorted(series.rows.items(), key=lambda item: item[0] == NAMES[FLOOR]):
        values = [getattr(rows[length], field) if length in rows else None for length in series.lengths]
        if any(value for value in values):
            columns[name] = [math.nan if not value else float(value) for value in values]
    return columns
