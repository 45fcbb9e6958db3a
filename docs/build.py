"""Build the site: ``python docs/build.py``.

Needs the extra ``docs`` and no network. It lays out the pages, makes those of the reference and the equation
ledger from the code, runs Sphinx with every warning an error, and checks that no page loads anything from
elsewhere. The result is ``docs/_build/html/index.html``.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import click
from making import api, command_line, configs, ledger, ledger_page, mathjax, outside, pages
from making.places import BUILD


def make_pages(source: Path) -> None:
    """Everything that Sphinx reads, written and generated."""
    pages.lay_out(source)
    api.write_pages(source / "reference")
    (source / "reference" / "command-line.md").write_text(command_line.page(), encoding="utf-8")
    (source / "reference" / "configs.md").write_text(configs.page(), encoding="utf-8")
    (source / "ledger.md").write_text(ledger_page.page(ledger.read()), encoding="utf-8")
    mathjax.copy(source / "_static" / "mathjax")


def clear(out: Path) -> None:
    """Remove an earlier site, so that no page of it is left over; anything else is not touched."""
    if (out / ".buildinfo").exists():
        shutil.rmtree(out)
    elif out.exists() and any(out.iterdir()):
        raise pages.PageError(f"out: {out} holds files that are no site; --out names another folder")


def run_sphinx(source: Path, out: Path) -> int:
    """Sphinx in this process; its exit status."""
    from sphinx.cmd.build import main as sphinx

    # -a -E: generated pages change without their files being newer.
    options = ["-b", "html", "-W", "-n", "--keep-going", "-q", "-a", "-E"]
    return sphinx([*options, "-d", str(BUILD / "doctrees"), str(source), str(out)])


@click.command()
@click.option(
    "--out",
    default=BUILD / "html",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the site; docs/_build/html where it is not given.",
)
@click.option("--check", is_flag=True, help="Make and check the generated pages only; do not run Sphinx.")
def main(out: Path, check: bool) -> None:
    """Build the site, offline, with every warning an error."""
    start = time.perf_counter()
    try:
        if check:
            ledger.read()
            click.echo("the equation ledger is complete")
            return
        clear(out)
        make_pages(pages.SOURCE)
    except (ledger.LedgerError, pages.PageError, mathjax.MathJaxMissing) as error:
        raise click.ClickException(str(error)) from None
    if status := run_sphinx(pages.SOURCE, out):
        sys.exit(status)
    if found := outside.loads(out):
        raise click.ClickException("pages load from elsewhere:\n" + "\n".join(found))
    click.echo(f"{out / 'index.html'}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
