"""``hyena-np train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from hyena_np.cli.ending import INTERRUPTED, fail

PATH = click.Path(path_type=Path)


# Upper bounds of what fits any machine; they also stop a slip of the finger before it fills the memory.
@click.command()
@click.option(
    "--text", type=PATH, metavar="FILE", help="Train on this UTF-8 text. [default: Python's own library]"
)
@click.option(
    "--corpus",
    metavar="NAME",
    help="Or on a usual one: library, tiny-shakespeare, text8, enwik8; all but the first are downloaded.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("hyena-text"),
    show_default=True,
    metavar="DIR",
    help="Folder for checkpoint, metrics and numbers.",
)
@click.option(
    "--config",
    type=PATH,
    metavar="FILE.toml",
    help="Options from a file, such as 'width = 64'; flags win over it.",
)
@click.option(
    "--mixer",
    metavar="NAME",
    help="hyena, attention, h3, gss, aft_conv, rwkv or linear_attention. [default: hyena]",
)
@click.option("--width", type=click.IntRange(max=2**16), metavar="D", help="Channels. [default: 128]")
@click.option("--layers", type=click.IntRange(max=2**10), metavar="N", help="Blocks. [default: 2]")
@click.option(
    "--length",
    type=click.IntRange(max=2**20),
    metavar="L",
    help="Characters that the model sees at once. [default: 128]",
)
@click.option(
    "--order", type=click.IntRange(max=2**10), metavar="N", help="Order of Hyena, not below 2. [default: 2]"
)
@click.option("--steps", type=click.IntRange(max=10**9), metavar="N", help="Training steps. [default: 1500]")
@click.option(
    "--batch",
    type=click.IntRange(max=2**20),
    metavar="B",
    help="Windows of L characters in a step. [default: 16]",
)
@click.option("--lr", type=float, metavar="X", help="Learning rate at its peak. [default: 0.004]")
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Of weights, batches and sample: the same seed, the same run. [default: 0]",
)
@click.option(
    "--backend", metavar="NAME", help="Array library: numpy, cupy (a CUDA GPU), torch. [default: numpy]"
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out that was stopped or killed.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def train(out: Path, config: Path | None, resume: bool, overwrite: bool, quiet: bool, **options: Any) -> None:
    """Train a small language model on your own text, character by character.

    The first 90 % of the text train, 5 % validate while it trains, 5 % test at the end. The loss is in bits
    per character: how long the text would be if the model compressed it. Ctrl-C stops cleanly, --resume goes
    on; "hyena-np generate" writes with the model, also while it trains.

    \b
    Examples:
      hyena-np train                                Python's library, some minutes on two cores
      hyena-np train --text novel.txt --out novel   your own
      hyena-np train --mixer attention --out rival  the same size, without Hyena
      hyena-np train --config big.toml --out big    width, layers, ... from a file
      hyena-np train --resume                       goes on where Ctrl-C or a crash stopped
    """
    from hyena_np.backend import get_backend, keep_freed_memory
    from hyena_np.writing.folder import check_folder, finished_bits, resumable
    from hyena_np.writing.options import merge_options
    from hyena_np.writing.run import RUN_NAME, begin, go_on, run_from_json

    def echo(line: str) -> None:
        if not quiet:
            click.echo(line)

    asked = merge_options(options, config)
    check_folder(out, resume, overwrite)
    if resume:
        run = run_from_json(out / RUN_NAME)
        task = go_on(run, asked, out)
        if (bits := finished_bits(out)) is not None:
            echo(f"The run in {out} is finished: {bits:.3f} bits per character; --overwrite replaces it")
            return
    else:
        run, task = begin(asked)
    from hyena_np.writing.train import run_training  # draws figures, so it takes a moment to load

    keep_freed_memory()
    try:
        run_training(run, task, get_backend(run.backend), out, resume, echo, bar=not quiet)
    except KeyboardInterrupt:
        again = f"; 'hyena-np train --resume --out {shlex.quote(str(out))}' goes on" if resumable(out) else ""
        fail(f"stopped{again}", INTERRUPTED)
