"""``hyena-np experiment``: list, run, show."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from hyena_np.cli.ending import INTERRUPTED, fail


@click.group()
def experiment() -> None:
    """Repeat the paper's comparisons.

    Every experiment is a set of seeded runs. "run" does those that are not done yet, in parallel, and can be
    stopped and resumed; "show" prints what they say, beside the published numbers.

    \b
    Examples:
      hyena-np experiment list
      hyena-np experiment show recall-by-parametrisation     the results that come with the package
      hyena-np experiment run recall-by-parametrisation      your own, within 15 minutes on two cores
      hyena-np experiment run recall-by-parametrisation --resume
      hyena-np experiment run recall-by-length --preset paper --backend cupy
    """


@experiment.command("list")
def list_experiments() -> None:
    """Name every experiment, and what of the paper it repeats."""
    from hyena_np.experiments.experiment import CATALOGUE, experiment_in

    for name, module in CATALOGUE.items():
        found = experiment_in(module)
        click.echo(f"{name:<28} {found.title} ({found.paper})")


OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the results. [default: hyena-experiments/NAME-PRESET]",
)
PRESET = click.option(
    "--preset",
    default="laptop",
    show_default=True,
    metavar="NAME",
    help="Size: laptop (within 15 minutes on two cores) or paper (as published, for a GPU).",
)


@experiment.command("run")
@click.argument("name")
@PRESET
@click.option(
    "--backend", default="numpy", show_default=True, metavar="NAME", help="numpy, or cupy for a CUDA GPU."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 4096),
    metavar="N",
    help="Runs at a time, each in a process of its own. [default: one a core, and one on a GPU]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Send the runs to the Dask scheduler at tcp://HOST:PORT instead.",
)
@OUT
@click.option("--resume", is_flag=True, help="Go on with the results in --out.")
@click.option("--overwrite", is_flag=True, help="Replace the results in --out.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def run(
    name: str,
    preset: str,
    backend: str,
    jobs: int | None,
    scheduler: str | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Do the runs of experiment NAME, then write its tables and figures.

    A finished run is never repeated. Ctrl-C stops with a checkpoint of every run under way, and --resume goes
    on from there; so it does after a crash.
    """
    from hyena_np.experiments.engine import Plan, run_experiment
    from hyena_np.experiments.experiment import experiment_in, module_of
    from hyena_np.experiments.show import as_text, write_report

    module = module_of(name)
    out = Path("hyena-experiments", f"{name}-{preset}") if out is None else out
    plan = Plan(module, preset, out, backend, jobs, scheduler)

    def echo(line: str) -> None:
        if not quiet:
            click.echo(line)

    try:
        rows = run_experiment(plan, resume, overwrite, echo, bar=not quiet)
    except KeyboardInterrupt:
        again = f"hyena-np experiment run {name} --preset {preset} --out {shlex.quote(str(out))} --resume"
        fail(f"stopped; '{again}' goes on", INTERRUPTED)
    files = write_report(experiment_in(module), preset, rows, out)
    echo(as_text(experiment_in(module), preset, rows))
    echo(f"Written to {out}/: {', '.join(sorted(file.name for file in files))}")


@experiment.command("show")
@click.argument("name")
@PRESET
@OUT
@click.option(
    "--figures", type=click.Path(path_type=Path), metavar="DIR", help="Draw the figures into this folder too."
)
def show(name: str, preset: str, out: Path | None, figures: Path | None) -> None:
    """Print the tables of experiment NAME beside the published numbers.

    Of the results in --out; without it, of yours in the default folder, or else of those that come with the
    package.
    """
    from hyena_np.experiments.experiment import check_preset, experiment_in, module_of
    from hyena_np.experiments.show import as_text, draw, results_to_show

    found = experiment_in(module_of(name))
    check_preset(preset)
    path, rows = results_to_show(found, preset, out)
    click.echo(as_text(found, preset, rows))
    click.echo(f"Results: {path}")
    if figures is not None:
        click.echo(f"Figures: {', '.join(str(file) for file in draw(found, rows, figures))}")
