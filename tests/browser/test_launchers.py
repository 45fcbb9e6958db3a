"""The links that open a notebook in Colab and Binder."""

import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from notebooks.lab import launchers

PATH = "notebooks/02_implicit_filters.ipynb"


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ("", None),
        ('urls = { Repository = "https://github.com/OWNER/NAME" }', "OWNER/NAME"),
        ('urls = { Repository = "https://github.com/OWNER/NAME.git" }', "OWNER/NAME"),
        ('urls = { Repository = "https://example.org/OWNER/NAME" }', None),
        ('urls = { Homepage = "https://github.com/OWNER/NAME" }', None),
    ],
)
def test_the_repository_is_the_one_that_the_project_names(urls, expected, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f"[project]\n{urls}\n")
    assert launchers.repository(tmp_path / "pyproject.toml") == expected


def test_without_a_repository_there_are_no_cells():
    assert launchers.launch_cells(None, PATH) == []


def test_links_lead_to_the_notebook():
    links, _ = launchers.launch_cells("OWNER/NAME", PATH)
    assert links.kind == "markdown"
    assert f"https://colab.research.google.com/github/OWNER/NAME/blob/main/{PATH}" in links.source
    assert "https://mybinder.org/v2/gh/OWNER/NAME/main?labpath=notebooks%2F02_implicit_" in links.source
    assert "![" not in links.source  # an image would be fetched by whoever reads the page


def run_as_a_cell(code, monkeypatch, colab):
    """Run the code as IPython would; the arguments of its ``%pip``."""
    transform = pytest.importorskip("IPython.core.inputtransformer2", reason="IPython is not installed")
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda name, line: asked.append((name, line)))
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    text = transform.TransformerManager().transform_cell(code)
    exec(compile(text, "cell", "exec"), {"get_ipython": lambda: shell})
    return asked


def test_the_code_installs_on_colab_and_leaves_numpy_alone(monkeypatch):
    code = launchers.install_on_colab("OWNER/NAME")
    ((magic, line),) = run_as_a_cell(code, monkeypatch, colab=True)
    assert magic == "pip"
    assert "hyena-np @ git+https://github.com/OWNER/NAME" in line
    assert "numpy" not in line and "upgrade" not in line and "-U" not in line


def test_the_code_does_nothing_elsewhere(monkeypatch):
    assert run_as_a_cell(launchers.install_on_colab("OWNER/NAME"), monkeypatch, colab=False) == []


def test_the_command_prints_the_links():
    result = CliRunner().invoke(launchers.main, [PATH, "--repository", "OWNER/NAME"])
    assert result.exit_code == 0
    assert "Open in Colab" in result.output and "Open in Binder" in result.output
