"""The command line. Heavy libraries load inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import io
import sys
from typing import NoReturn

import click

from hyena_np.cli.bench_command import bench
from hyena_np.cli.demo_command import demo
from hyena_np.cli.ending import INTERRUPTED, fail
from hyena_np.cli.exercises_command import exercises
from hyena_np.cli.experiment_command import experiment
from hyena_np.cli.generate_command import generate
from hyena_np.cli.grade_command import grade
from hyena_np.cli.train_command import train
from hyena_np.errors import DisagreementError, HyenaError, NonFiniteError, RunError


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
      hyena-np train                 a language model of your own text; hyena-np generate lets it write
      hyena-np experiment list       the comparisons of the paper, to show and to repeat
      hyena-np bench                 how fast it is on this machine, and how fast it could be
      hyena-np exercises list        the pieces to write yourself, with checks and hints
      hyena-np grade DIR --out DIR   a class: scores, feedback, and an overview
      jupyter lab notebooks          eight notebooks, from a Toeplitz matrix to language and images
      pytest                         the specification, runnable
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


cli.add_command(demo)
cli.add_command(train)
cli.add_command(generate)
cli.add_command(experiment)
cli.add_command(bench)
cli.add_command(exercises)
cli.add_command(grade)


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
    except (NonFiniteError, DisagreementError, RunError) as error:
        fail(str(error), 1)
    except HyenaError as error:
        fail(str(error), 2)
    except MemoryError:
        fail("there is not enough memory for this; a smaller --length, --width or --vocab needs less", 2)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped", INTERRUPTED)
