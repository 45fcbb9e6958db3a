"""Build the site: ``python docs/build.py``.

Needs the extra ``docs`` and no network. It lays out the pages, makes those of the reference and the equation
ledger from the code, runs Sphinx with every warning an error, and checks that no page loads anything from
elsewhere. The result is ``docs/_build/html/index.html``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
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


def check_replaceable(out: Path) -> None:
    """Raise where the folder holds something else than an earlier site."""
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").exists():
        raise pages.PageError(f"out: {out} holds files that are no site; --out names another folder")


def build(out: Path) -> None:
    """Build beside ``out``, and put the site in the place of an earlier one once it is whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=out.parent) as work:
        source, html = Path(work, "source"), Path(work, "html")
        source.mkdir()
        make_pages(source)
        run_sphinx(source, html)
        if found := outside.loads(html):
            raise pages.PageError("pages load from elsewhere:\n" + "\n".join(found))
        if out.exists():
            shutil.rmtree(out)
        html.rename(out)


def run_sphinx(source: Path, html: Path) -> None:
    """Sphinx in this process; ends it where Sphinx warned."""
    from sphinx.cmd.build import main as sphinx

    options = ["-b", "html", "-W", "-n", "--keep-going", "-q"]
    if status := sphinx([*options, "-d", str(html.parent / "doctrees"), str(source), str(html)]):
        sys.exit(status)


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
        check_replaceable(out)
        build(out)
    except (ledger.LedgerError, pages.PageError, mathjax.MathJaxMissing) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out / 'index.html'}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
