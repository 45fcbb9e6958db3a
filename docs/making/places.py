"""Where things are in the repository."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
PACKAGE = ROOT / "hyena_np"
NOTEBOOKS = ROOT / "notebooks"
TESTS = ROOT / "tests"
BUILD = DOCS / "_build"
