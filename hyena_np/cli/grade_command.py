"""``hyena-np grade``: a class."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from hyena_np.cli.ending import INTERRUPTED, fail


@click.command()
@click.argument("submissions", metavar="SUBMISSIONS", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder for the results."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    metavar="N",
    help="Students at a time.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 86400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time for one exercise of one file, reading the file included.",
)
@click.option(
    "--memory",
    type=click.FloatRange(0.5, 4096),
    default=4.0,
    show_default=True,
    metavar="GIB",
    help="Address space of a submission's process.",
)
@click.option(
    "--hidden",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the hidden parts. [default: notebooks/exercises/hidden of the clone]",
)
@click.option("--public-only", is_flag=True, help="Do without hidden parts.")
@click.option("--resume", is_flag=True, help="Go on with the results in --out.")
@click.option("--overwrite", is_flag=True, help="Replace the results in --out.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def grade(
    submissions: Path,
    out: Path,
    jobs: int,
    timeout: float,
    memory: float,
    hidden: Path | None,
    public_only: bool,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Grade the notebooks and modules in the folder SUBMISSIONS, one file or folder a student.

    Every submission runs in a process of its own, with limits on time, memory and output; its answers are
    compared here, on inputs that it has not seen. Writes scores.csv, a page for each student into feedback/,
    and overview.html. Ctrl-C stops, and --resume goes on; so it does after a crash. What is not protected
    against, and how to grade in a container, is in docs/teaching/grading.md.

    \b
    Examples:
      hyena-np grade handed-in --out graded
      hyena-np grade handed-in --out graded --resume --jobs 8
    """
    from hyena_np.grading.process import Limits
    from hyena_np.grading.run import Plan, grade

    limits = Limits(timeout, int(memory * 2**30))
    plan = Plan(submissions, out, jobs, limits, hidden, public_only)

    def echo(line: str) -> None:
        if not quiet:
            click.echo(line)

    try:
        records = grade(plan, resume, overwrite, echo, bar=not quiet)
    except KeyboardInterrupt:
        again = f"hyena-np grade {shlex.quote(str(submissions))} --out {shlex.quote(str(out))} --resume"
        fail(f"stopped; '{again}' goes on", INTERRUPTED)
    flagged = sum(bool(record.flags) for record in records)
    troubled = sum(bool(record.error) for record in records)
    echo(f"{len(records)} students; {flagged} used what is forbidden, {troubled} had trouble with a file")
    echo(f"Written to {out}/: scores.csv, overview.html, overview.png, feedback/")
