"""The mathematics of the pages without the web: MathJax 3 from an installed package, copied into the site."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

VERSION = "3.2.2"  # version 4 fetches its fonts from outside while a page is read
PACKAGE = "django-static-mathjax"  # nothing but the files; Django itself is not needed


class MathJaxMissing(Exception):
    """The files are not installed, or of another version."""


def find() -> Path:
    """The folder of MathJax's built files."""
    spec = importlib.util.find_spec("mathjax")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in map(Path, places):
        folder = place / "static" / "mathjax" / "es5"
        if (folder / "tex-svg.js").exists():
            break
    else:
        raise MathJaxMissing(f"{PACKAGE} is not installed; it is in the extra 'docs'")
    if f'"{VERSION}"' not in (folder / "startup.js").read_text(encoding="utf-8"):
        raise MathJaxMissing(f"{PACKAGE}: got another version, allowed is MathJax {VERSION}")
    return folder


def copy(target: Path) -> None:
    """One file with all fonts, and the extensions of TeX that it loads when a formula asks for one."""
    source = find()
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "tex-svg.js", target / "tex-svg.js")
    shutil.copyfile(source.parent / "LICENSE", target / "LICENSE")
    extensions = Path("input", "tex", "extensions")
    shutil.copytree(source / extensions, target / extensions, dirs_exist_ok=True)
