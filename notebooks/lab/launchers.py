"""The first cells of a notebook in a public repository: links that open it in Colab or Binder.

The repository is the one that ``pyproject.toml`` names (``[project.urls] Repository``). Without one there is
nothing to link to, and no cell. Links are text: a badge would be an image that every reader's page fetches.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import click

ROOT = Path(__file__).resolve().parents[2]
TAG = "launch"  # of the cells, which no source has


class Cell(NamedTuple):
    """What `nbformat.v4.new_markdown_cell` and `new_code_cell` are made from."""

    kind: str
    source: str


def repository(pyproject: Path = ROOT / "pyproject.toml") -> str | None:
    """OWNER/NAME on GitHub, or None where the project names no repository there."""
    urls = tomllib.loads(pyproject.read_text())["project"].get("urls", {})
    address = urls.get("Repository", "").removesuffix("/").removesuffix(".git")
    owner_and_name = address.removeprefix("https://github.com/")
    return owner_and_name if owner_and_name != address and owner_and_name.count("/") == 1 else None


def links(repository: str, path: str, branch: str = "main") -> str:
    """Markdown that opens the notebook `path` of the repository elsewhere."""
    colab = f"https://colab.research.google.com/github/{repository}/blob/{branch}/{quote(path)}"
    binder = f"https://mybinder.org/v2/gh/{repository}/{branch}?labpath={quote(path, safe='')}"
    return f"Run it without installing anything: [Open in Colab]({colab}), [Open in Binder]({binder})."


def install_on_colab(repository: str) -> str:
    """Code that installs the package where Colab runs it, and does nothing anywhere else.

    Colab has NumPy 2 already, and the package asks for 2.0 or newer: pip then leaves it alone. An upgrade
    would break the session that runs.
    """
    return (
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install --quiet "hyena-np @ git+https://github.com/{repository}"'
    )


def launch_cells(repository: str | None, path: str) -> list[Cell]:
    """The cells to put in front of the notebook `path`; none without a repository."""
    if repository is None:
        return []
    return [Cell("markdown", links(repository, path)), Cell("code", install_on_colab(repository))]


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--repository", "given", help="OWNER/NAME on GitHub.  [default: pyproject.toml's]")
def main(paths: tuple[str, ...], given: str | None) -> None:
    """Print the links that open the notebooks PATHS (relative to the repository) in Colab and Binder."""
    name = given or repository()
    if name is None:
        raise click.ClickException(
            "pyproject.toml names no repository on GitHub; give --repository OWNER/NAME"
        )
    for path in paths:
        click.echo(links(name, path))


if __name__ == "__main__":
    main()
