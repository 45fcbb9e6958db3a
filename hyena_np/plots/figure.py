"""A figure that shows itself in a notebook and is written to disk whole or not at all. No pyplot."""

from __future__ import annotations

import os
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import matplotlib.figure
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hyena_np.errors import OutputError
from hyena_np.files import write_bytes
from hyena_np.plots.style import RENDER_DPI, SCREEN_DPI, WIDTH, styled

FORMATS = ("png", "svg", "pdf")


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that is its own picture when it is the last expression of a notebook's cell.

    ``pyplot`` keeps every figure in a global list and takes a second to import; a figure made from this class
    is an ordinary object that goes when nobody holds it.

    Notes
    -----
    Source: IPython's rich display protocol (``_repr_png_``).
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> tuple[str, dict[str, int]]:
        """PNG as text, and the size in which to show it: fewer points than pixels, for fine screens."""
        return as_text(png(self)), display_size(self)


@styled
def new_figure(width: float = WIDTH, height: float = 4.0, square: bool = False) -> Figure:
    """Make an empty `Figure` of this package's style.

    Parameters
    ----------
    width, height : float
        Inches; 8 inches fill a notebook's page.
    square : bool
        Whether axes will hold images with square cells, which need a layout of their own.

    Returns
    -------
    Figure
        With constrained layout, so that labels never overlap axes.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    return Figure(figsize=(width, height), layout="compressed" if square else "constrained")


@styled
def png(figure: matplotlib.figure.Figure, dpi: float = RENDER_DPI) -> bytes:
    """Render a figure to the bytes of a PNG file, `dpi` pixels an inch."""
    return _render(figure, "png", dpi)


def as_text(picture: bytes) -> str:
    """Bytes in base64, as a notebook's messages carry them; the kernel in a browser does not do it itself."""
    return b64encode(picture).decode()


def display_size(figure: matplotlib.figure.Figure) -> dict[str, int]:
    """Width and height in screen points in which a notebook should show the figure."""
    width, height = figure.get_size_inches()
    return {"width": round(width * SCREEN_DPI), "height": round(height * SCREEN_DPI)}


@styled
def save(figure: matplotlib.figure.Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure so that `path` holds either the old file or the whole new one, never a part.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any figure.
    path : path-like
        File to write; its ending, .png, .svg or .pdf, chooses the format. The folder must exist.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    OutputError
        Another ending, or the file cannot be written.

    Notes
    -----
    The figure is rendered in memory first, then written by `hyena_np.files.write_bytes`.
    Source: no counterpart in the paper.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise OutputError(
            f"path: got {path.name!r}, allowed endings are {', '.join('.' + name for name in FORMATS)}"
        )
    return write_bytes(path, _render(figure, kind, RENDER_DPI))


def _render(figure: matplotlib.figure.Figure, kind: str, dpi: float) -> bytes:
    buffer = BytesIO()
    # No date inside: the same figure gives the same bytes, and version control stays quiet.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    return buffer.getvalue()
