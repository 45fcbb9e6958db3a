"""The whole site: one command builds it, offline, warnings are errors, and no page loads from outside."""

import importlib.util
import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from making import ledger, outside
from making.places import DOCS, NOTEBOOKS, ROOT

from support.once import shared_folder

NEEDED = ("sphinx", "myst_nb", "numpydoc", "pydata_sphinx_theme", "mathjax")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]


def run(*options):
    command = [sys.executable, str(DOCS / "build.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def load_command():
    """docs/build.py under another name: "build" is also that of a tool for packages."""
    spec = importlib.util.spec_from_file_location("build_docs", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_gap_in_the_ledger_stops_the_build(monkeypatch):
    def incomplete():
        raise ledger.LedgerError("eq. (7): no code")

    command = load_command()
    monkeypatch.setattr(ledger, "read", incomplete)
    result = CliRunner().invoke(command.main, ["--check"])
    assert result.exit_code == 1 and "eq. (7): no code" in result.output
    monkeypatch.setattr(ledger, "read", dict)
    result = CliRunner().invoke(command.main, ["--check"])
    assert (result.exit_code, result.output) == (0, "the equation ledger is complete\n")


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(load_command().main, ["--out", str(tmp_path)])
    assert result.exit_code == 1 and "holds files that are no site" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_build_that_fails_leaves_the_earlier_site(tmp_path, monkeypatch):
    out = tmp_path / "html"
    out.mkdir()
    for name in (".buildinfo", "index.html"):
        (out / name).write_text("earlier")
    command = load_command()
    monkeypatch.setattr(command, "make_pages", lambda source: None)
    monkeypatch.setattr(command, "run_sphinx", lambda source, html: sys.exit(1))
    result = CliRunner().invoke(command.main, ["--out", str(out)])
    assert result.exit_code == 1 and (out / "index.html").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if MISSING:
        pytest.skip(f"{', '.join(MISSING)}: not installed; in the extra 'docs'")
    with shared_folder(tmp_path_factory, "site") as folder:
        out = folder / "html"  # there once it is whole
        if not out.exists():
            result = run("--out", str(out))
            assert result.returncode == 0, result.stderr
    return out


@pytest.mark.slow
class TestSite:
    def test_no_page_loads_anything_from_outside(self, site):
        assert outside.loads(site) == []
        assert len(list(site.rglob("*.html"))) > 150

    def test_mathematics_is_set_by_the_copy_in_the_site(self, site):
        page = (site / "explanation/filters.html").read_text()
        assert re.search(r'<script[^>]* src="\.\./_static/mathjax/tex-svg\.js', page)
        assert (site / "_static/mathjax/tex-svg.js").stat().st_size > 1_000_000
        assert (site / "_static/mathjax/input/tex/extensions/boldsymbol.js").exists()

    def test_notebooks_have_their_pictures_and_no_dead_widgets(self, site):
        for notebook in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
            page = (site / "notebooks" / f"{notebook.stem}.html").read_text()
            shown = len(re.findall(r'<img [^>]*src="\.\./_images/', page))
            cells = json.loads(notebook.read_text())["cells"]
            outputs = [output for cell in cells for output in cell.get("outputs", ())]
            assert shown == sum("image/png" in output.get("data", ()) for output in outputs), notebook.name
            assert "interactive(children" not in page and "widget-view" not in page

    def test_an_equation_leads_to_its_function_and_the_function_to_its_source(self, site):
        ledger = (site / "ledger.html").read_text()
        assert 'href="reference/api/ops-hyena.html#hyena_np.hyena_recurrence"' in ledger
        page = (site / "reference/api/ops-hyena.html").read_text()
        assert 'id="hyena_np.hyena_recurrence"' in page
        assert 'href="../../_modules/hyena_np/ops/hyena.html#hyena_recurrence"' in page
