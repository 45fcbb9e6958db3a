"""The command line. Heavy libraries load inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hyena_np.errors import HyenaError, NonFiniteError

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hyena-np", prog_name="hyena-np")
def cli() -> None:
    """The Hyena operator in NumPy, and unchanged on GPUs through CuPy, with every gradient by hand.

    \b
    Begin here:
      hyena-np demo                  climb the ladder of proofs, then watch a model learn to recall
      jupyter lab notebooks          five notebooks, from a Toeplitz matrix to a trained model
      pytest                         the specification, runnable
    """


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("hyena-demo"), show_default=True, help="Folder for figures, checkpoint and numbers.")
@click.option("--vocab", type=int, metavar="V", help="Vocabulary, with its two special tokens: (V-2)/2 keys and as many values. [default: 20]")
@click.option("--length", type=int, metavar="L", help="Tokens of key-value pairs before the question. [default: 64]")
@click.option("--seed", type=int, metavar="N", help="Of the weights and the data: the same seed, the same run. [default: 0]")
@click.option("--steps", type=int, metavar="N", help="Training steps. [default: what the recipe needs]")
@click.option("--backend", metavar="NAME", help="Array library: numpy, cupy (a CUDA GPU), torch. [default: numpy]")
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
      hyena-np demo                            about half a minute on two cores
      hyena-np demo --seed 7 --out seven       another run, elsewhere
      hyena-np demo --length 1024 --out long   pairs that lie up to a thousand tokens back
      hyena-np demo --resume                   goes on where Ctrl-C or a crash stopped
    """
    from hyena_np.backend import get_backend
    from hyena_np.demo.run import TARGET, open_folder, run_demo

    def echo(line: str) -> None:
        if not quiet:
            click.echo(line)

    asked = {"vocab": vocab, "length": length, "seed": seed, "steps": steps, "backend": backend}
    recipe, backend = open_folder(out, asked, resume, overwrite)
    result = run_demo(recipe, get_backend(backend), out, resume, echo, bar=not quiet)
    if not result.ladder_holds:
        raise SystemExit("hyena-np: the ladder does not hold, so nothing was trained")
    if result.interrupted:
        click.echo(f"hyena-np: stopped; 'hyena-np demo --resume --out {out}' goes on", err=True)
        sys.exit(INTERRUPTED)
    if result.test_accuracy < TARGET:
        click.echo(f"hyena-np: {result.test_accuracy:.1%} is less than {TARGET:.0%}", err=True)
        sys.exit(0 if recipe.steps is not None else 1)
    echo("Open hyena_matrix.png and learning_curve.png next, then notebooks/05_learning_to_recall.ipynb.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: a user's mistake is one line on standard error and exit status 2."""
    try:
        status = cli.main(args=arguments, prog_name="hyena-np", standalone_mode=False)
        sys.exit(status or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        fail(error.format_message(), 2)
    except NonFiniteError as error:
        fail(str(error), 1)
    except HyenaError as error:
        fail(str(error), 2)
    except (KeyboardInterrupt, click.Abort):
        fail("interrupted", INTERRUPTED)


def fail(message: str, status: int) -> None:
    """Say one line on standard error and exit."""
    click.echo("hyena-np: " + " ".join(message.split()), err=True)
    sys.exit(status)
