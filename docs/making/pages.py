"""Lays out the source of the site: the pages of docs/, and what they link to elsewhere.

On a code host the links of a page are paths in the repository; in the site everything below ``docs/`` moves
to the top, so a link that leaves ``docs/`` is rewritten and its target copied along.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from making.places import DOCS, NOTEBOOKS, ROOT

LINK = re.compile(r"(?P<open>!?\[[^\]]*\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?P<close>\))")
ORPHAN = "---\norphan: true\n---\n\n"  # in no table of contents: a page that another one links to
NOT_PAGES = {"making", "_build", "__pycache__"}


class PageError(Exception):
    """The pages cannot be laid out; the message is one line."""


def is_outside(target: str) -> bool:
    """Whether a link leads to the web."""
    return re.match(r"[a-z]+:", target) is not None


def place_in_site(path: Path) -> Path:
    """Where a file of the repository stands in the site: ``docs/`` is the top, the rest keeps its path."""
    relative = path.relative_to(ROOT)
    return relative.relative_to("docs") if relative.parts[0] == "docs" else relative


def rewrite(text: str, page: Path, copied: set[Path]) -> str:
    """The text of a page with its links as the site needs them; collects the files to copy along."""
    here = place_in_site(page).parent

    def moved(match: re.Match) -> str:
        target = match["target"]
        if is_outside(target):
            return match[0]
        path = Path(os.path.normpath(page.parent / target))
        if not path.is_relative_to(ROOT):
            raise PageError(f"{page.name}: {target} leads out of the repository")
        if not path.exists() and not is_generated(path):
            raise PageError(f"{page.name}: {target} leads nowhere")
        if not path.is_relative_to(DOCS):
            copied.add(path)
        new = os.path.relpath(place_in_site(path), here)
        return f"{match['open']}{new}{match['anchor'] or ''}{match['close']}"

    return LINK.sub(moved, text)


GENERATED = ("reference/python.rst", "reference/command-line.md", "reference/configs.md", "ledger.md")


def is_generated(path: Path) -> bool:
    """Whether a page is made when the site is built."""
    return path.is_relative_to(DOCS) and path.relative_to(DOCS).as_posix() in GENERATED


def written_pages() -> list[Path]:
    """The Markdown pages of docs/ that people write."""
    return sorted(path for path in DOCS.rglob("*.md") if not NOT_PAGES & set(path.relative_to(DOCS).parts))


def lay_out(target: Path) -> None:
    """Fill an empty source folder: pages, pictures, notebooks, and the files that pages link to."""
    shutil.copyfile(DOCS / "conf.py", target / "conf.py")
    for folder in ("images", "_static"):
        shutil.copytree(DOCS / folder, target / folder)
    for notebook in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        put(notebook, target)
    waiting, done = set(written_pages()), set()
    while waiting:
        page = waiting.pop()
        done.add(page)
        found: set[Path] = set()
        if page.suffix == ".md":
            head = "" if page.is_relative_to(DOCS) else ORPHAN
            put_text(head + rewrite(page.read_text(encoding="utf-8"), page, found), page, target)
        elif page.is_file():
            put(page, target)
        waiting |= found - done


def put(path: Path, target: Path) -> None:
    """Copy one file to its place in the site."""
    place = target / place_in_site(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, place)


def put_text(text: str, path: Path, target: Path) -> None:
    """Write the text of a page to its place in the site."""
    place = target / place_in_site(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
