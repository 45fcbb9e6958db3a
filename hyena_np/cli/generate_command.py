"""``hyena-np generate``."""

from __future__ import annotations

from pathlib import Path

import click

from hyena_np.cli.ending import INTERRUPTED, fail


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("hyena-text"))
@click.option(
    "--prompt",
    default="",
    metavar="TEXT",
    help="What the text begins with. [default: nothing, as after a line break]",
)
@click.option(
    "--length",
    type=click.IntRange(min=0, max=10**9),
    default=500,
    show_default=True,
    metavar="N",
    help="Characters to write.",
)
@click.option(
    "--temperature",
    type=float,
    default=0.8,
    show_default=True,
    metavar="T",
    help="0 takes the most probable character, 1 draws as the model believes, more is wilder.",
)
@click.option(
    "--top-k", type=click.IntRange(min=1), metavar="K", help="Draw among the K most probable. [default: all]"
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the draws: the same seed, the same text.",
)
@click.option(
    "--backend",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help="Array library: numpy, cupy (a CUDA GPU), torch.",
)
def generate(
    folder: Path, prompt: str, length: int, temperature: float, top_k: int | None, seed: int, backend: str
) -> None:
    """Let a model write that "hyena-np train" has trained in DIR, by default hyena-text.

    It is read from its last checkpoint, so it writes while it is trained, too. A character costs a whole
    forward over the last L characters.

    \b
    Examples:
      hyena-np generate                                what the default run has learned
      hyena-np generate --prompt "def " --seed 1       another text, with a beginning
      hyena-np generate novel --temperature 0          always the most probable character
      hyena-np generate novel --top-k 10 --length 2000
    """
    import numpy as np

    from hyena_np.backend import get_backend
    from hyena_np.writing.trained import load_trained, write_on

    model = load_trained(folder, get_backend(backend))
    written = write_on(model, prompt, length, np.random.default_rng(seed), temperature, top_k)
    try:
        click.echo(prompt, nl=False)
        for character in written:
            click.echo(character, nl=False)
        click.echo()
    except KeyboardInterrupt:
        click.echo()
        fail("stopped", INTERRUPTED)
