"""What the pages of a built site would load from elsewhere: nothing, or the build fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# Attributes that make a browser fetch something as soon as the page is open. A link to click is no such.
LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "input": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
LINKS_THAT_LOAD = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch"}
LINKS_THAT_LOAD |= {"manifest", "apple-touch-icon", "mask-icon"}
ABSOLUTE = re.compile(r"^\s*(?:https?:|wss?:|//)", re.IGNORECASE)
IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])\s*((?:https?:|//)[^"')\s]+)""", re.IGNORECASE)
IN_SCRIPTS = re.compile(
    r"""(?:import\s*\(?\s*|from\s+|importScripts\(\s*|fetch\(\s*|new\s+Worker\(\s*|\.src\s*=\s*)"""
    r"""["'`]((?:https?:|//)[^"'`\s]+)""",
    re.IGNORECASE,
)


class _Page(HTMLParser):
    """Collects what a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.inside = tag if tag in ("script", "style") else ""
        names = LOADING.get(tag, ())
        if tag == "link" and LINKS_THAT_LOAD & set(values.get("rel", "").lower().split()):
            names = ("href",)
        for name in names:
            for value in values.get(name, "").split(","):
                if ABSOLUTE.match(value):
                    self.found.append(f"<{tag} {name}> {value.strip()}")
        self.found += [f"<{tag} style> {url}" for url in IN_STYLES.findall(values.get("style", ""))]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.inside = ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.found += [f"<style> {url}" for url in IN_STYLES.findall(data)]
        elif self.inside == "script":
            self.found += [f"<script> {url}" for url in IN_SCRIPTS.findall(data)]


def in_html(text: str) -> list[str]:
    """What one page loads from elsewhere, its own styles and scripts included."""
    page = _Page()
    page.feed(text)
    page.close()
    return page.found


def in_file(path: Path) -> list[str]:
    """The same of a page, a style sheet or a script."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".html":
        return in_html(text)
    return (IN_STYLES if path.suffix in (".css", ".svg") else IN_SCRIPTS).findall(text)


def loads(site: Path) -> list[str]:
    """All that the files of a site load from elsewhere, as ``file: what``."""
    return [f"{path.relative_to(site)}: {what}" for path, what in _every(site)]


def _every(site: Path) -> Iterator[tuple[Path, str]]:
    for suffix in ("*.html", "*.css", "*.js", "*.mjs", "*.svg"):
        for path in sorted(site.rglob(suffix)):
            for what in in_file(path):
                yield path, what
