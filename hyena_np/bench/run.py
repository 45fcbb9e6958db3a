"""The benchmark from its first case to its last file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from hyena_np.backend import get_backend
from hyena_np.bench.cases import BOTH, FORWARD, STEP, Case
from hyena_np.bench.compare import Results, max_error, reference
from hyena_np.bench.contenders import FLOOR, NAMES, OURS, Contender, UnavailableError, name_of
from hyena_np.bench.floor import Floor
from hyena_np.bench.inputs import Inputs, make_inputs
from hyena_np.bench.line_up import build, build_floor, equal_threads, why_not
from hyena_np.bench.machine import cores, describe
from hyena_np.bench.memory import available, measure_peak, predicted_multiple
from hyena_np.bench.outside import load_outside, why_missing
from hyena_np.bench.summary import FIGURE_PATTERNS, conclusions, draw
from hyena_np.bench.table import RESULTS_NAME, Row, heading, line, read_rows, write_rows
from hyena_np.bench.timing import Sample, Spread, interleave, spread
from hyena_np.errors import ConfigError, OutputError
from hyena_np.files import make_folder, remove_parts

Echo = Callable[[str], None]

# What a case may need at its most, in float32 (B, L, D) arrays: with a backward, its reference in float64.
_NEEDED = {FORWARD: 24, BOTH: 64, STEP: 64}


@dataclass(frozen=True)
class Plan:
    """What is measured, and how.

    Parameters
    ----------
    cases : tuple of Case
    threads : tuple of int
    keys : tuple of str
        Contenders, of ``NAMES``; ours takes part even if it is not named.
    backend : {"numpy", "cupy"}
    budget : float
        Seconds for each row.
    repeats : int, optional
        Calls for each row, instead.
    memory : bool
        Whether peaks are measured.
    benchmarks : Path, optional
        Folder of the contenders that are not part of the package.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: no counterpart in the paper.
    """

    cases: tuple[Case, ...]
    threads: tuple[int, ...]
    keys: tuple[str, ...] = (OURS, FLOOR)
    backend: str = "numpy"
    budget: float = 2.0
    repeats: int | None = None
    memory: bool = True
    benchmarks: Path | None = None

    def __post_init__(self) -> None:
        for key in self.keys:
            if key not in NAMES:
                raise ConfigError(f"contenders: got {key!r}, allowed are {', '.join(NAMES)}")
        if self.backend not in ("numpy", "cupy"):
            raise ConfigError(f"backend: got {self.backend!r}, allowed are numpy and cupy")
        for count in self.threads:
            if not 1 <= count <= cores():
                raise ConfigError(
                    f"threads: got {count}, allowed are 1 to {cores()}, the cores of this machine"
                )

    @property
    def line_up(self) -> tuple[str, ...]:
        """The contenders in the order of the table."""
        return tuple(key for key in NAMES if key in self.keys or key == OURS)


def run_bench(
    plan: Plan,
    folder: Path,
    resume: bool = False,
    overwrite: bool = False,
    echo: Echo = tqdm.write,
    bar: bool = True,
) -> list[Row]:
    """Measure every case with every number of threads; write table and figures.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Gets ``results.csv``, after every case, and the figures.
    resume : bool
        Keep the rows that are in the folder, and do not measure them again.
    overwrite : bool
        Replace them.
    echo : callable
        Takes a line of text.
    bar : bool
        Show a progress bar.

    Returns
    -------
    list of Row

    Raises
    ------
    HyenaError
        A contender computes something else; the folder cannot be written, or holds another run; no GPU.
    KeyboardInterrupt
        Ctrl-C; what was finished is in the folder.

    Notes
    -----
    Source: Hyena paper, Sec. 4.4 (run times).
    """
    path = folder / RESULTS_NAME
    _check_free(path, resume, overwrite)
    get_backend(plan.backend)
    alone = plan.line_up == (OURS,)
    missing = None if alone else why_missing(plan.benchmarks)
    outside = None if alone or missing or plan.benchmarks is None else load_outside(plan.benchmarks)
    machine = describe(plan.backend)
    rows = read_rows(path, machine) if resume and path.exists() else []
    make_folder(folder)
    remove_parts(path)
    if not rows:
        _remove_results(folder)
    if missing and any(key not in (OURS, FLOOR) for key in plan.line_up):
        echo(missing)
    for text in [*heading(machine), *(line(row) for row in rows)]:
        echo(text)
    measuring = Measurement(plan, outside, echo)
    blocks = [(case, count) for case in plan.cases for count in plan.threads]
    with tqdm(total=len(blocks), unit="case", disable=not bar, dynamic_ncols=True) as progress:
        for case, count in blocks:
            progress.set_postfix_str(f"{case.label}, threads {count}")
            new = measuring.block(case, count, {row.key for row in rows})
            if new:
                rows += new
                write_rows(path, machine, rows)
            for row in new:
                echo(line(row))
            progress.update()
    for text in conclusions(rows):
        echo(text)
    draw(rows, folder)
    return rows


def _check_free(path: Path, resume: bool, overwrite: bool) -> None:
    """Raise where results would be replaced unasked; nothing is written."""
    if resume and overwrite:
        raise ConfigError(
            "resume, overwrite: one goes on with a run, the other replaces it; allowed is one of them"
        )
    if path.exists() and not (resume or overwrite):
        raise OutputError(
            f"out: {path.parent} holds results already; --resume goes on with them, --overwrite replaces them"
        )


def _remove_results(folder: Path) -> None:
    """Remove what an earlier run left."""
    for file in (found for pattern in (RESULTS_NAME, *FIGURE_PATTERNS) for found in folder.glob(pattern)):
        try:
            file.unlink()
        except OSError as error:
            raise OutputError(f"{file}: cannot be removed ({error.strerror or error})") from error


class Measurement:
    """Measures blocks: all contenders of one case with one number of threads, in turns.

    Parameters
    ----------
    plan : Plan
    outside : module or None
        ``torch_contenders``.
    echo : callable

    Notes
    -----
    Source: no counterpart in the paper.
    """

    def __init__(self, plan: Plan, outside: ModuleType | None, echo: Echo) -> None:
        self.plan, self.outside, self.echo = plan, outside, echo
        self._said: set[str] = set()
        self._case: Case | None = None
        self._inputs: Inputs | None = None
        self._expected: Results = {}

    def block(self, case: Case, count: int, done: set) -> list[Row]:
        """The rows of a block that are not done yet; a contender that is measured later meets ours again."""
        plan = self.plan
        able = [key for key in plan.line_up if self._able(key, case)]
        todo = [key for key in able if (case, count, name_of(key, plan.backend)) not in done]
        if not todo or not self._fits(case):
            return []
        self._prepare(case)
        assert self._inputs is not None
        partners = [key for key in able if key in todo or key in (OURS, FLOOR)]
        with equal_threads(count, self.outside):
            contenders, errors = self._proved(case, [key for key in partners if key != FLOOR])
            if not any(key in contenders or key == FLOOR for key in todo):
                return []
            samples: dict[str, Sample] = {key: contender.sample for key, contender in contenders.items()}
            floor = None
            if FLOOR in partners:
                floor = build_floor(case, count, self.outside, plan.backend)
                samples[FLOOR] = floor.sample
            seconds = interleave(samples, plan.budget, plan.repeats)
            peaks = {key: self._peak(key, case, count, contenders) for key in todo if key in contenders}
        spreads = {key: spread(taken) for key, taken in seconds.items() if key != FLOOR}
        if isinstance(floor, Floor):
            spreads[FLOOR] = floor.spread()
        return [
            self._row(case, count, key, spreads, peaks.get(key), errors.get(key))
            for key in todo
            if key in spreads
        ]

    def _prepare(self, case: Case) -> None:
        """Inputs and reference of a case, once for all numbers of threads."""
        if case != self._case:
            self._case, self._inputs, self._expected = None, None, {}  # let go of the last ones first
            self._inputs = make_inputs(case)
            self._expected = reference(case, self._inputs)
            self._case = case

    def _proved(self, case: Case, keys: Sequence[str]) -> tuple[dict[str, Contender], dict[str, float]]:
        """The contenders that can take part and compute the right thing, and how far off they are."""
        assert self._inputs is not None
        contenders, errors = {}, {}
        for key in keys:
            try:
                contender = build(key, case, self._inputs, self.outside, self.plan.backend)
            except UnavailableError as reason:
                self._say(str(reason))
                continue
            expected = self._expected if contender.expected is None else contender.expected()
            name = name_of(key, self.plan.backend)
            errors[key] = max_error(name, case, contender.results(), expected, contender.tolerance)
            contenders[key] = contender
        return contenders, errors

    def _peak(self, key: str, case: Case, count: int, contenders: dict[str, Contender]) -> int | None:
        if not self.plan.memory:
            return None
        peak = contenders[key].peak
        if peak is not None:
            return peak(contenders[key].call)
        found = measure_peak(key, case, count, None if key == OURS else self.plan.benchmarks)
        if found is None:
            self._say(f"memory of {name_of(key, self.plan.backend)}: its process failed at {case.label}")
        return found

    def _row(
        self,
        case: Case,
        count: int,
        key: str,
        spreads: dict[str, Spread],
        peak: int | None,
        error: float | None,
    ) -> Row:
        found, bytes_of_one = spreads[key], 4 * case.size
        # Attention is another function: the operator's floor says nothing about it.
        floor = None if key.startswith("attention") else spreads.get(FLOOR)
        return Row(
            case.kind, case.B, case.L, case.D, case.order, count, name_of(key, self.plan.backend), *found,
            ratio_to_ours=found.median / spreads[OURS].median,
            ratio_to_floor=None if floor is None else found.median / floor.median,
            peak_bytes=peak,
            peak_multiple=None if peak is None else peak / bytes_of_one,
            predicted_multiple=predicted_multiple(case) if key == OURS else None,
            max_error=error,
        )  # fmt: skip

    def _able(self, key: str, case: Case) -> bool:
        reason = why_not(key, case, self.outside, self.plan.backend)
        if reason and self.outside is not None:  # its absence was said at the beginning
            self._say(reason)
        return not reason

    def _fits(self, case: Case) -> bool:
        free, needed = available(), 4 * _NEEDED[case.kind] * case.size
        if free is None or needed <= free:
            return True
        self._say(
            f"{case.label}: left out; it may need {needed / 2**30:.0f} GiB of memory, "
            f"and {free / 2**30:.0f} GiB are free"
        )
        return False

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.echo(text)
