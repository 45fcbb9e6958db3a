"""The command line. Heavy libraries load inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import click

from hyena_np.errors import DisagreementError, HyenaError, NonFiniteError

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="hyena-np", prog_name="hyena-np")
@click.pass_context
def cli(context: click.Context) -> None:
    """The Hyena operator in NumPy, and unchanged on GPUs through CuPy, with every gradient by hand.

    \b
    Begin here:
      hyena-np demo                  climb the ladder of proofs, then watch a model learn to recall
      hyena-np bench                 how fast it is on this machine, and how fast it could be
      jupyter lab notebooks          six notebooks, from a Toeplitz matrix to what it all costs
      pytest                         the specification, runnable
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


# Upper bounds of what fits any machine; they also stop a slip of the finger before it fills the memory.
@cli.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("hyena-demo"),
    show_default=True,
    help="Folder for figures, checkpoint and numbers.",
)
@click.option(
    "--vocab",
    type=click.IntRange(max=2**16),
    metavar="V",
    help="Vocabulary, with its two special tokens: (V-2)/2 keys and as many values. [default: 20]",
)
@click.option(
    "--length",
    type=click.IntRange(max=2**20),
    metavar="L",
    help="Tokens of key-value pairs before the question. [default: 64]",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Of the weights and the data: the same seed, the same run. [default: 0]",
)
@click.option(
    "--steps",
    type=click.IntRange(max=10**9),
    metavar="N",
    help="Training steps. [default: what the recipe needs]",
)
@click.option(
    "--backend", metavar="NAME", help="Array library: numpy, cupy (a CUDA GPU), torch. [default: numpy]"
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out that was stopped or killed.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def demo(
    out: Path,
    vocab: int | None,
    length: int | None,
    seed: int | None,
    steps: int | None,
    backend: str | None,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Prove the operator, then teach it to recall.

    First a ladder: a causal convolution as a double loop, as a Toeplitz matrix and by FFT; the operator, its
    matrix H(u), its gradient. Each must equal the one before it, or the exit status is 1.

    Then training: a two-layer model reads pairs of keys and values and must give the value of a key that is
    asked for. Watch the accuracy jump; Ctrl-C stops cleanly, --resume goes on.

    \b
    Examples:
      hyena-np demo                            under a minute on two cores
      hyena-np demo --seed 7 --out seven       another run, elsewhere
      hyena-np demo --length 1024 --out long   pairs that lie up to a thousand tokens back
      hyena-np demo --vocab 40 --length 128 --out keys
                                               twice the keys, a wider model, some minutes
      hyena-np demo --resume                   goes on where Ctrl-C or a crash stopped
    """
    from hyena_np.backend import get_backend, keep_freed_memory
    from hyena_np.demo.folder import open_folder, resumable
    from hyena_np.demo.recipe import TARGET
    from hyena_np.demo.run import run_demo

    def echo(line: str) -> None:
        if not quiet:
            click.echo(line)

    asked = {"vocab": vocab, "length": length, "seed": seed, "steps": steps, "backend": backend}
    recipe, backend = open_folder(out, asked, resume, overwrite)
    keep_freed_memory()
    try:
        result = run_demo(recipe, get_backend(backend), out, resume, echo, bar=not quiet)
    except KeyboardInterrupt:
        again = f"; 'hyena-np demo --resume --out {shlex.quote(str(out))}' goes on" if resumable(out) else ""
        fail(f"stopped{again}", INTERRUPTED)
    if result.broken:
        fail(f"the ladder does not hold ({', '.join(result.broken)}), so nothing was trained", 1)
    if result.test_accuracy < TARGET:
        shortfall = f"{result.test_accuracy:.1%} of the unseen examples is less than {TARGET:.0%}"
        if recipe.steps is None:
            fail(shortfall, 1)
        echo(f"{shortfall}; without --steps the recipe takes as many steps as it needs.")


@cli.command()
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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line: a user's mistake is one line on standard error and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of folders that a terminal cannot show
    try:
        sys.exit(cli.main(args=arguments, prog_name="hyena-np", standalone_mode=False) or 0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "hyena-np"
        fail(f"{error.format_message().rstrip('.')}; '{command} --help' explains", 2)
    except click.ClickException as error:
        fail(error.format_message(), 2)
    except (NonFiniteError, DisagreementError) as error:
        fail(str(error), 1)
    except HyenaError as error:
        fail(str(error), 2)
    except MemoryError:
        fail("there is not enough memory for this; a smaller --length or --vocab needs less", 2)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped", INTERRUPTED)


def fail(message: str, status: int) -> NoReturn:
    """Say one line on standard error and exit."""
    click.echo("hyena-np: " + " ".join(message.split()), err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
