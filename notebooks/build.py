"""Build the notebooks: ``python notebooks/build.py``.

People write and review ``notebooks/src/NN_name.py`` (percent format: plain Python, one ``# %%`` line a cell).
This script runs each in a fresh kernel and writes ``notebooks/NN_name.ipynb`` with its outputs, which is what
readers open. A rebuild without a change gives the same file but for outputs that differ by nature, such as
measured times. It needs the extra ``notebooks``; ``--check`` needs only ``test``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import click
import jupytext
import nbformat
import numpy as np
from nbformat import NotebookNode
from PIL import Image
from tqdm import tqdm

FOLDER = Path(__file__).resolve().parent
SOURCES = FOLDER / "src"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# Nothing here names a version of Python, so that two machines write the same bytes.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


class NotebookError(Exception):
    """A notebook cannot be built, or does not agree with its source; the message is one line."""


def read_source(source: Path) -> NotebookNode:
    """The notebook of a percent source: no outputs, fixed metadata, ids that depend on the text alone."""
    read = jupytext.read(source, fmt="py:percent")
    notebook = nbformat.v4.new_notebook(metadata=METADATA)
    seen: dict[str, int] = {}
    for cell in read.cells:
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        # An inserted cell then leaves the ids of all others as they were.
        key = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        suffix = f"-{seen[key]}" if seen[key] > 1 else ""
        notebook.cells.append(new(cell.source, id=key + suffix, metadata=cell.metadata))
    return notebook


def execute(notebook: NotebookNode, name: str, timeout: int) -> NotebookNode:
    """Run every cell in a fresh kernel and keep what it shows; a cell that raises stops the build."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    # The package is found even where it is not installed, and files that cells write do not end up here.
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    with tempfile.TemporaryDirectory() as cwd, tqdm(total=count, desc=name, unit="cell", disable=None) as bar:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
            on_cell_executed=lambda **_: bar.update(),
            extra_arguments=["--log-level=ERROR"],
        )
        try:
            client.execute(cwd=cwd, env=environment)
        except CellExecutionError as error:
            raise NotebookError(f"{name}: {error.ename}: {error.evalue}\n\n{error.traceback}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise NotebookError(f"{name}: {error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [keep(output, name) for output in cell.outputs]
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def keep(output: NotebookNode, name: str) -> NotebookNode:
    """Make pictures light, and drop a widget's live view, which is dead without its kernel."""
    if output.output_type not in ("display_data", "execute_result"):
        return output
    data = {kind: value for kind, value in output.data.items() if kind != WIDGET_VIEW}
    if "image/png" in data:
        data["image/png"] = lighter(data["image/png"])
    if WIDGET_VIEW in output.data and not any(kind.startswith("image/") for kind in data):
        raise NotebookError(
            f"{name}: a widget without a picture beside it would be blank for readers without a kernel"
        )
    return nbformat.from_dict({**output, "data": data})


def lighter(picture: str) -> str:
    """A PNG in base64 with the same pixels in the 256 colours that fit them best: a third of the bytes."""
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        colours = np.array(image.convert("RGB"))
    paper = (colours == 255).all(axis=-1)
    colours[paper] = 0  # or the paper would be mixed with what is nearly white
    few = Image.fromarray(colours).quantize(255, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = (few.getpalette() or [])[: 3 * 255]
    light = Image.fromarray(np.where(paper, np.uint8(255), np.asarray(few)))
    light.putpalette(palette + [255] * (3 * 256 - len(palette)))
    buffer = io.BytesIO()
    light.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def write(notebook: NotebookNode, target: Path) -> None:
    """Validate and write in one step, so that an interrupted build leaves the old file."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"
    temporary = target.with_suffix(".ipynb.tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, target)


def disagreement(source: Path, built: Path) -> str | None:
    """Why the built notebook is not what `source` would give, outputs aside; None where they agree."""
    if not built.exists():
        return "is not built"
    wanted = read_source(source).cells
    try:
        found = nbformat.read(built, as_version=nbformat.NO_CONVERT).cells
    except Exception as error:
        return f"cannot be read ({error})"
    for i, (cell, other) in enumerate(zip(wanted, found, strict=False), start=1):
        if (cell.cell_type, cell.source) != (other.cell_type, other.source):
            return f"differs from its source in cell {i}"
    if len(wanted) != len(found):
        return f"has {len(found)} cells, its source {len(wanted)}"
    code = [cell for cell in found if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        return "was not run from top to bottom"
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        return "shows an error"
    return None


def target_of(source: Path) -> Path:
    """``notebooks/src/NN_name.py`` -> ``notebooks/NN_name.ipynb``."""
    return source.parent.parent / f"{source.stem}.ipynb"


def chosen(sources: Path, names: tuple[str, ...]) -> list[Path]:
    """The sources whose names begin with one of `names`; all of them where none is given."""
    every = sorted(sources.glob("[0-9][0-9]_*.py"))
    if not every:
        raise NotebookError(f"no NN_name.py in {sources.name}/")
    for name in names:
        if not any(source.stem.startswith(name) for source in every):
            raise NotebookError(
                f"{name}: got no such notebook, allowed are {', '.join(s.stem for s in every)}"
            )
    return [source for source in every if not names or source.stem.startswith(names)]


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--check", is_flag=True, help="Run nothing; say whether the built notebooks agree with the sources."
)
@click.option("--timeout", default=600, show_default=True, help="Seconds that one cell may take.")
@click.option("--sources", default=SOURCES, type=click.Path(path_type=Path, file_okay=False), hidden=True)
def main(names: tuple[str, ...], check: bool, timeout: int, sources: Path) -> None:
    """Run notebooks/src/*.py and write notebooks/*.ipynb with their outputs.

    NAMES choose some of them, by how they begin: 02, or 02_implicit_filters.
    """
    try:
        every = chosen(sources, names)
        if check:
            reasons = {target_of(source): disagreement(source, target_of(source)) for source in every}
            for target, reason in reasons.items():
                click.echo(f"{target.name}: {reason or 'agrees with its source'}")
            if any(reasons.values()):
                raise NotebookError("run python notebooks/build.py")
            return
        for source in every:
            start, target = time.perf_counter(), target_of(source)
            write(execute(read_source(source), source.stem, timeout), target)
            seconds, size = time.perf_counter() - start, target.stat().st_size / 1024
            click.echo(f"{target.name}: {seconds:.1f} s, {size:.0f} KiB")
    except NotebookError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
