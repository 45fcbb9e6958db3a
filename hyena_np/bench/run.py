"""The benchmark from its first case to its last file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from hyena_np.backend import get_backend
from hyena_np.bench.contenders import FLOOR, OURS
from hyena_np.bench.machine import describe
from hyena_np.bench.measure import Measurement
from hyena_np.bench.outside import load_outside, why_missing
from hyena_np.bench.plan import Plan
from hyena_np.bench.summary import FIGURE_PATTERNS, conclusions, draw
from hyena_np.bench.table import RESULTS_NAME, Row, heading, line, read_rows, write_rows
from hyena_np.files import check_free, make_folder, remove_files, remove_parts

Echo = Callable[[str], None]


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
    check_free(path, resume, overwrite)
    get_backend(plan.backend)
    alone = plan.line_up == (OURS,)
    missing = None if alone else why_missing(plan.benchmarks)
    outside = None if alone or missing or plan.benchmarks is None else load_outside(plan.benchmarks)
    machine = describe(plan.backend)
    rows = read_rows(path, machine) if resume and path.exists() else []
    make_folder(folder)
    remove_parts(path)
    if not rows:
        remove_files(found for name in (RESULTS_NAME, *FIGURE_PATTERNS) for found in folder.glob(name))
    if missing and any(key not in (OURS, FLOOR) for key in plan.line_up):
        echo(missing)
    measuring = Measurement(plan, outside, echo)
    blocks = [(case, count) for case in plan.cases for count in plan.threads]
    with tqdm(total=len(blocks), unit="case", disable=not bar, dynamic_ncols=True) as progress:
        for text in [*heading(machine), *(line(row) for row in rows)]:
            echo(text)
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
