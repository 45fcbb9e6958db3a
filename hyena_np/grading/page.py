"""Pages in HTML that need nothing from elsewhere, and in which a text is a text, whoever wrote it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem; border-top: 1px solid #ccc }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
table { border-collapse: collapse }
td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% }
.note { border-left: 4px solid #D55E00; padding-left: .8rem }
"""
# No script runs and nothing is fetched, even if something should have slipped through.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_NUMBER = re.compile(r"-|\d+(\.\d+)?")


def page(title: str, body: Iterable[str]) -> bytes:
    """A whole page; the pieces of the body are HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    ).encode("utf-8", "backslashreplace")


def text(kind: str, content: str, css: str = "") -> str:
    """An element with nothing but text in it."""
    begin = f'<{kind} class="{css}">' if css else f"<{kind}>"
    return f"{begin}{escape(content)}</{kind}>"


def image(png: bytes, says: str) -> str:
    """A picture, within the page itself."""
    return f'<img alt="{escape(says)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


class Html(str):
    """A piece of HTML, to be shown as it is."""


def link(where: str, content: str) -> Html:
    """A link to another file beside the page."""
    return Html(f'<a href="{escape(where)}">{escape(content)}</a>')


def table(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """A table. A number, or a dash in its place, stands to the right; what is `Html` is shown as it is."""
    lines = ["<table>", "<tr>" + "".join(text("th", cell) for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def _cell(cell: str | int) -> str:
    if isinstance(cell, Html):
        return f"<td>{cell}</td>"
    content = str(cell)
    return text("td", content, "n" if _NUMBER.fullmatch(content) else "")
