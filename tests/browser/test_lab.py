"""The lab in the browser does what a lesson needs, and asks no other host for anything."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
OTHERS = sorted(path.stem for path in (ROOT / "notebooks").glob("0[1345678]_*.ipynb"))
PNG = b"\x89PNG\r\n"
RIGHT = """def toeplitz(h):
    lag = np.arange(h.shape[-1])[:, None] - np.arange(h.shape[-1])
    return np.where(lag >= 0, h[..., lag], 0).astype(h.dtype)"""
TRANSPOSED = RIGHT.replace("[:, None] - np.arange(h.shape[-1])", " - np.arange(h.shape[-1])[:, None]")


def test_notebook_2_runs_and_its_slider_moves_the_figure(lab, open_notebook):
    notebook = open_notebook(f"{lab}/lab/index.html?path=02_implicit_filters.ipynb")
    notebook.run_all()
    assert all(cell["execution_count"] for cell in notebook.code_cells())
    assert "numbers, as many as 64 stored filters" in notebook.text()
    pictures = notebook.pictures()
    assert len(pictures) >= 15
    assert all(picture.startswith(PNG) for picture in pictures)
    before, after = notebook.drag_slider("panel(\n    draw", "shift")
    assert before.startswith(PNG) and after.startswith(PNG)
    assert before != after


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_notebooks_run(name, lab, open_notebook):
    notebook = open_notebook(f"{lab}/lab/index.html?path={name}.ipynb")
    notebook.run_all()
    assert all(cell["execution_count"] for cell in notebook.code_cells())
    assert all(picture.startswith(PNG) for picture in notebook.pictures())
    assert len(notebook.pictures()) >= 5


def test_an_exercise_is_checked(lab, open_notebook):
    notebook = open_notebook(f"{lab}/lab/index.html?path=exercises/01_toeplitz.ipynb")
    notebook.run_all()
    assert "Exercise 1, toeplitz: 0 of" in notebook.text()
    notebook.replace_source("your turn", TRANSPOSED)
    notebook.run_all()
    assert "transposed" in notebook.text()
    assert notebook.pictures()
    notebook.replace_source(TRANSPOSED, RIGHT)
    notebook.run_all()
    assert "Exercise 1, toeplitz: 5 of 5 points" in notebook.text()


def test_a_request_to_another_host_would_be_seen(browser, outside, lab):
    chromium, _ = browser
    page = chromium.new_page()
    page.goto(f"{lab}/lab/index.html")
    assert outside() == []
    page.evaluate("() => fetch('http://one.example/x').catch(() => null)")
    page.evaluate("""() => new Worker(URL.createObjectURL(new Blob(["fetch('https://two.example/y')"])))""")
    page.wait_for_timeout(1000)
    page.close()
    assert outside() == ["one.example", "two.example"]
