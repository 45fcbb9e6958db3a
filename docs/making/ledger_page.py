"""The page of the equation ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from making import api
from making.ledger import Row
from making.marks import Mark

HEAD = """# Equation ledger

Every numbered equation, definition, proposition, remark, algorithm, table and figure of the paper
([arXiv 2302.10866](https://arxiv.org/abs/2302.10866), version 3), and what stands for it here. The page is
made from marks in the sources: the line `Source:` of a docstring, `@pytest.mark.paper` on a test, the text of
a notebook, the sheet of an exercise. A row without code or without a test stops the build of this site, and
so does a mark that names no row.

What a row says is in our words. A test is named by its file and its function: `pytest tests/FILE::FUNCTION`
runs it. A notebook is listed where its text names the place, or its code calls the function first.
"""


@cache
def _exported() -> dict[str, str]:
    return api.exported()


@cache
def _modules() -> dict[str, api.Module]:
    return {module.name: module for module in api.modules()}


def code_link(mark: Mark) -> str:
    """To the function on its page; to the page of the module for data."""
    module, _, member = mark.name.rpartition(".")
    if module in _modules() and member in _modules()[module].members:
        name = api.public_name(_modules()[module], member, _exported())
        return f"{{py:obj}}`{member} <{name}>`"
    if module in _modules():
        return f"[`{member}`](reference/api/{_modules()[module].page}.rst)"
    return f"`{mark.name}`"


def name_of_test(mark: Mark) -> str:
    """``ops/test_hyena.py::test_x``, breakable at its underscores."""
    return f"`{mark.name.removeprefix('tests/')}`"


def slug(heading: str) -> str:
    """The anchor of a heading, as on a code host."""
    text = re.sub(r"`|\*", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def notebook_link(mark: Mark) -> str:
    """To the heading of the cell."""
    stem = mark.file.rpartition("/")[2].removesuffix(".py")
    title = re.sub(r"\$[^$]*\$|`", "", mark.name).strip()
    return f"[{int(stem[:2])}: {title}](notebooks/{stem}.ipynb#{slug(mark.name)})"


def exercise_name(mark: Mark) -> str:
    """Number and name."""
    stem = mark.file.rpartition("/")[2].removesuffix(".py")
    return f"{int(stem[:2])} `{mark.name}`"


def _listed(label: str, entries: Iterable[str]) -> list[str]:
    entries = list(dict.fromkeys(entries))
    return [f"{label}\n: {', '.join(entries)}", ""] if entries else []


def row_text(row: Row) -> str:
    """One entry of the page."""
    lines = [f"### {row.id[0].upper()}{row.id[1:]}", "", f"{row.where}. {row.says}", ""]
    if row.outside:
        lines += [f"Not here: {row.outside}", ""]
    lines += _listed("Code", map(code_link, row.code))
    lines += _listed("Tests", map(name_of_test, row.tests))
    lines += _listed("Notebooks", map(notebook_link, row.notebooks))
    lines += _listed("Exercises", map(exercise_name, row.exercises))
    return "\n".join(lines)


KINDS = {
    "Equations": "eq.",
    "Definition": "Def.",
    "Propositions": "Prop.",
    "Remarks": "Remark",
    "Algorithms": "Algorithm",
    "Tables": "Table",
    "Figures": "Fig.",
}


def page(rows: dict[str, Row]) -> str:
    """In Markdown: an overview, then the rows by kind."""
    here = [row for row in rows.values() if not row.outside]
    parts = [HEAD, f"{len(rows)} rows, {len(here)} of them with code and a test.", overview(rows)]
    for title, kind in KINDS.items():
        chosen = [row for row in rows.values() if row.id.startswith(kind)]
        if chosen:
            parts += [f"## {title}", *map(row_text, chosen)]
    return "\n\n".join(parts) + "\n"


def overview(rows: dict[str, Row]) -> str:
    """A table of counts, each row a link to its entry."""
    lines = ["| row | code | tests | notebook cells | exercises |", "| --- | --- | --- | --- | --- |"]
    for row in rows.values():
        counts = [len(entries) or "" for entries in (row.code, row.tests, row.notebooks, row.exercises)]
        lines.append(f"| [{row.id}](#{slug(row.id)}) | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)
