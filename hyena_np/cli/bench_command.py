"""``hyena-np bench``."""

from __future__ import annotations

from pathlib import Path

import click

from hyena_np.cli.ending import INTERRUPTED, fail


@click.command()
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="Which cases: quick (under a minute), or full (hours: lengths from 64 to a million).",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Only forward, forward+backward or training-step; may be given again. [default: all]",
)
@click.option(
    "--length",
    "lengths",
    type=click.IntRange(1, 2**24),
    multiple=True,
    metavar="L",
    help="In place of the preset's shapes, one sequence of this length; may be given again.",
)
@click.option(
    "--order",
    "orders",
    type=click.IntRange(2, 64),
    multiple=True,
    metavar="N",
    help="Only this order; may be given again. [default: the preset's, or 2]",
)
@click.option(
    "--width",
    type=click.IntRange(1, 2**16),
    metavar="D",
    help="Channels of the operator at each --length. [default: 256]",
)
@click.option(
    "--threads",
    multiple=True,
    metavar="N",
    help="Threads of every contender, a number or all; may be given again. [default: 1 and all]",
)
@click.option(
    "--backend", default="numpy", metavar="NAME", help="numpy, or cupy for the same table on a GPU."
)
@click.option(
    "--contenders",
    metavar="WORDS",
    help="Of ours,floor,eager,compile,attention,attention-bf16, with commas. "
    "[default: all in full, without compile in quick]",
)
@click.option(
    "--budget",
    type=click.FloatRange(0, 86400),
    metavar="S",
    help="Seconds of calls for each row. [default: 0.2 in quick, 2 in full]",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 10**6),
    metavar="N",
    help="Calls for each row, in place of the budget.",
)
@click.option(
    "--memory/--no-memory",
    default=None,
    help="Measure peak memory too, each in a process of its own. [default: not in quick, but in full]",
)
@click.option(
    "--benchmarks",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the PyTorch contenders. [default: benchmarks/ of the clone]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for table and figures. [default: benchmarks/results/ and the preset's name]",
)
@click.option(
    "--forms",
    is_flag=True,
    help="Instead, every form of the causal convolution, for choose_conv; --out is then a CSV file. "
    "[default: conv_forms.csv]",
)
@click.option("--resume", is_flag=True, help="Keep the rows in --out and measure only what is missing.")
@click.option("--overwrite", is_flag=True, help="Replace the results in --out.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def bench(
    preset: str,
    kinds: tuple[str, ...],
    lengths: tuple[int, ...],
    orders: tuple[int, ...],
    width: int | None,
    threads: tuple[str, ...],
    backend: str,
    contenders: str | None,
    budget: float | None,
    repeats: int | None,
    memory: bool | None,
    benchmarks: Path | None,
    out: Path | None,
    forms: bool,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Measure the operator against PyTorch's, against attention, and against its floor.

    All contenders run in one process, on the same inputs, in turns; each must first agree with the others.
    The floor is what no implementation can avoid: the bare matrix products and FFTs. Prints a table, and
    writes it with figures of time, ratio and memory against length. Ctrl-C stops, --resume goes on.

    \b
    Examples:
      hyena-np bench                                 small sizes, under a minute
      hyena-np bench --preset full                   everything, for hours
      hyena-np bench --length 4096 --length 16384    two lengths of one's own
      hyena-np bench --threads 1 --contenders eager  one thread, ours and PyTorch's alone
      hyena-np bench --backend cupy                  on a GPU
      hyena-np bench --forms                         a table for choose_conv
    """
    from hyena_np.bench.cases import select_cases
    from hyena_np.bench.contenders import default_keys
    from hyena_np.bench.machine import thread_counts
    from hyena_np.bench.outside import default_out, find_folder
    from hyena_np.bench.plan import Plan
    from hyena_np.bench.run import run_bench

    say: dict = {"echo": lambda line: None} if quiet else {}
    if forms:
        if resume or kinds or orders or contenders:
            fail(
                "--forms goes with --length, --width, --threads, --backend, --budget, --repeats, --out, "
                "--overwrite and --quiet",
                2,
            )
        counts = thread_counts(threads or ("all",), backend)
        out = Path("conv_forms.csv") if out is None else out
        _measure_forms(out, backend, counts, lengths, width, budget, repeats, overwrite, quiet, say)
        return
    folder = find_folder(benchmarks)
    plan = Plan(
        select_cases(preset, [kind.replace("-", " ") for kind in kinds], lengths, orders, width),
        thread_counts(threads, backend),
        default_keys(preset, backend) if contenders is None else tuple(map(str.strip, contenders.split(","))),
        backend,
        (2.0 if preset == "full" else 0.2) if budget is None else budget,
        repeats,
        preset == "full" if memory is None else memory,
        folder,
    )
    out = default_out(folder, preset, backend) if out is None else out
    try:
        run_bench(plan, out, resume, overwrite, bar=not quiet, **say)
    except KeyboardInterrupt:
        fail("stopped; the same command with --resume goes on", INTERRUPTED)
    if not quiet:
        click.echo(f"Written to {out}/")


def _measure_forms(
    out: Path,
    backend: str,
    counts: tuple[int, ...],
    lengths: tuple[int, ...],
    width: int | None,
    budget: float | None,
    repeats: int | None,
    overwrite: bool,
    quiet: bool,
    say: dict,
) -> None:
    """``bench --forms``."""
    from hyena_np.bench.forms import LENGTHS, WIDTH, grid, measure_forms

    if len(counts) > 1:
        fail(f"threads: got {len(counts)} numbers, allowed is one: a table of forms has one", 2)
    points = grid(lengths or LENGTHS, D=WIDTH if width is None else width)
    budget = 1.0 if budget is None else budget
    try:
        measure_forms(out, backend, counts[0], points, budget, repeats, overwrite, bar=not quiet, **say)
    except KeyboardInterrupt:
        fail(f"stopped; the points that were finished are in {out}", INTERRUPTED)
    if not quiet:
        click.echo(f"Written to {out}")
