"""``hyena-np demo``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from hyena_np.cli.ending import INTERRUPTED, fail


# Upper bounds of what fits any machine; they also stop a slip of the finger before it fills the memory.
@click.command()
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
