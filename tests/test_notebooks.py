"""The notebooks run, are what their sources say, and keep the rules of a lesson."""

import ast
import base64
import io
import json
import re
import sys
import time

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import hyena_np
from notebooks import build

SOURCES = sorted(build.SOURCES.glob("[0-9][0-9]_*.py"))
# They train models, or measure.
SLOW = {"05_learning_to_recall", "06_what_it_costs", "07_filters_compete", "08_language_and_images"}
BUDGET = 90.0  # seconds that one notebook may take on two cores
MAX_CODE_LINES = 25
MAX_BYTES = 1_000_000  # a built notebook; heavier ones open slowly, and GitHub may not show them

every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
every_source_slow_ones_marked = pytest.mark.parametrize(
    "source",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.slow if path.stem in SLOW else ())
        for path in SOURCES
    ],
)


def cells_of(source, kind):
    return [cell.source for cell in build.read_source(source).cells if cell.cell_type == kind]


def test_the_notebooks_are_numbered_from_one():
    assert [int(source.stem[:2]) for source in SOURCES] == list(range(1, len(SOURCES) + 1))
    assert len(SOURCES) >= 5
    assert {source.stem for source in SOURCES} == {path.stem for path in build.FOLDER.glob("*.ipynb")}


# --- they run -----------------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A fresh IPython in this process, as a kernel would be, that leaves no trace behind it."""
    shell_module = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    previous = matplotlib.get_backend()
    matplotlib.use("Agg")
    settings = dict(matplotlib.rcParams)
    shell_module.InteractiveShell.clear_instance()
    shell = shell_module.InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    shell.restore_sys_module_state()
    shell_module.InteractiveShell.clear_instance()
    plt.close("all")
    matplotlib.use(previous)
    matplotlib.rcParams.update(settings)


@every_source_slow_ones_marked
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_source_runs_top_to_bottom(source, shell, record_property):
    if "sklearn" in source.read_text() or "digit_images" in source.read_text():
        pytest.importorskip("sklearn", reason="scikit-learn brings the digits; extra 'notebooks'")
    wall, cpu = time.perf_counter(), time.process_time()
    for number, text in enumerate(cells_of(source, "code"), start=1):
        result = shell.run_cell(text, store_history=False)
        assert result.success, f"cell {number}: {result.error_before_exec or result.error_in_exec!r}\n{text}"
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    record_property("seconds", round(wall, 1))
    record_property("cpu_seconds", round(cpu, 1))
    # Threads make the second number the larger one, a busy machine the first.
    assert min(wall, cpu) < BUDGET, f"{wall:.0f} s, {cpu:.0f} s of CPU"


# --- what readers open is what the sources say --------------------------------------------------------------


@every_source
def test_built_notebook_agrees_with_its_source(source):
    built = build.target_of(source)
    assert build.disagreement(source, built) is None, "run python notebooks/build.py"


@every_source
def test_built_notebook_shows_figures_and_nothing_of_the_machine(source):
    cells = nbformat.read(build.target_of(source), as_version=nbformat.NO_CONVERT).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    shown = [output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs]
    for text in shown:
        assert not re.search(r"\bat 0x[0-9a-f]{6}", text), f"ends with an object's address: {text[:200]}"
        assert not re.search(r"(?<![\w.])/(home|root|tmp|usr|work|Users)/", text), (
            f"names a folder: {text[:200]}"
        )
        assert not re.search(r"\w*Warning: ", text), f"shows a warning: {text[:200]}"


@every_source
def test_built_notebook_is_light(source):
    assert build.target_of(source).stat().st_size < MAX_BYTES


# --- they are lessons ---------------------------------------------------------------------------------------


@every_source
def test_opens_with_what_you_will_do_learn_and_need(source):
    first = build.read_source(source).cells[0]
    assert first.cell_type == "markdown"
    opening = first.source
    assert opening.startswith("# ")
    for verb in ("do", "learn", "need"):
        assert re.search(rf"what you(’ll|'ll| will)? {verb}", opening, re.IGNORECASE), (
            f"no 'What you will {verb}'"
        )


@every_source
def test_ends_with_three_things_to_try_and_further_reading(source):
    ending = "\n".join(cells_of(source, "markdown")[-2:])
    assert build.read_source(source).cells[-1].cell_type == "markdown"
    _, _, rest = re.split(r"(on your own: three things to try)", ending, maxsplit=1, flags=re.IGNORECASE)
    tasks, _, reading = re.split(r"(further reading)", rest, maxsplit=1, flags=re.IGNORECASE)
    assert len(re.findall(r"^\s*(?:\d\.|[-*]) ", tasks, re.MULTILINE)) == 3
    assert re.search(r"^\s*(?:\d\.|[-*]) ", reading, re.MULTILINE), "further reading names nothing"


@every_source
def test_quotes_the_paper(source):
    text = "\n".join(cells_of(source, "markdown"))
    assert re.search(
        r"eq\. ?\(\d|\bDef\. ?\d|\bDefinition \d|\bSec\. ?\d|\bAlgorithm \d|\bRemark \d|\bProp\. ?\d", text
    )


@every_source
def test_no_cell_is_long(source):
    for number, text in enumerate(cells_of(source, "code"), start=1):
        counted = enumerate(map(str.strip, text.splitlines()), start=1)
        lines = {i for i, line in counted if line and not line.startswith("#")}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                lines -= set(range(node.lineno, node.end_lineno + 1))
        assert len(lines) <= MAX_CODE_LINES, f"code cell {number} has {len(lines)} lines"


def bound_names(tree):
    """Names that a cell gives a meaning to other than by import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@every_source
def test_imports_from_the_package_and_redefines_nothing_of_it(source):
    code = "\n".join(cells_of(source, "code"))
    tree = ast.parse(code)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert any(module.split(".")[0] == "hyena_np" for module in modules if module)
    assert not set(bound_names(tree)) & set(hyena_np.__all__)


@every_source
def test_random_numbers_are_seeded(source):
    code = "\n".join(cells_of(source, "code"))
    restored = r"\n\s*\w+\.bit_generator\.state = "
    assert not re.search(rf"default_rng\(\s*\)(?!{restored})", code), "two runs would differ"


# --- the builder --------------------------------------------------------------------------------------------

TINY = """\
# %% [markdown]
# # Tiny

# %%
x = 1

# %%
print(x + 1)
"""


@pytest.fixture
def tiny(tmp_path):
    """A source, and the notebook that it gives, with the outputs made by hand."""
    source = tmp_path / "src" / "01_tiny.py"
    source.parent.mkdir()
    source.write_text(TINY)
    notebook = build.read_source(source)
    for i, cell in enumerate([cell for cell in notebook.cells if cell.cell_type == "code"], start=1):
        cell.execution_count = i
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="2\n")]
    build.write(notebook, build.target_of(source))
    return source


def check(source):
    return CliRunner().invoke(build.main, ["--check", "--sources", str(source.parent)])


def tamper(source, change):
    built = build.target_of(source)
    notebook = json.loads(built.read_text())
    change(notebook["cells"])
    built.write_text(json.dumps(notebook))


def test_check_accepts_what_the_source_gives(tiny):
    result = check(tiny)
    assert result.exit_code == 0
    assert "01_tiny.ipynb: agrees" in result.output


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cells: cells[1].update(source=["x = 2"]), "differs from its source in cell 2"),
        (lambda cells: cells[0].update(source=["# Other"]), "differs from its source in cell 1"),
        (lambda cells: cells.pop(), "has 2 cells, its source 3"),
        (lambda cells: cells.append(dict(cells[0], id="extra")), "has 4 cells, its source 3"),
        (lambda cells: cells[1].update(execution_count=None), "was not run from top to bottom"),
        (lambda cells: cells[2].update(execution_count=7), "was not run from top to bottom"),
        (
            lambda cells: cells[2].update(
                outputs=[{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]
            ),
            "shows an error",
        ),
    ],
)
def test_check_tells_what_is_stale(tiny, change, reason):
    tamper(tiny, change)
    result = check(tiny)
    assert result.exit_code == 1
    assert reason in result.output


def test_check_tells_what_is_missing_or_unreadable(tiny):
    build.target_of(tiny).write_text("{")
    assert "cannot be read" in check(tiny).output
    build.target_of(tiny).unlink()
    result = check(tiny)
    assert result.exit_code == 1
    assert "is not built" in result.output


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(tiny):
    result = CliRunner().invoke(build.main, ["02", "--check", "--sources", str(tiny.parent)])
    assert result.exit_code == 1
    assert "01_tiny" in result.output


def test_cell_ids_survive_an_insertion(tiny):
    before = [cell.id for cell in build.read_source(tiny).cells]
    tiny.write_text(TINY.replace("# %%\nprint", "# %%\ny = 2\n\n# %%\nprint"))
    after = [cell.id for cell in build.read_source(tiny).cells]
    assert len(after) == len(before) + 1
    assert [key for key in after if key in before] == before


def test_equal_cells_get_different_ids(tiny):
    tiny.write_text(TINY + "\n# %%\nx = 1\n")
    ids = [cell.id for cell in build.read_source(tiny).cells]
    assert len(set(ids)) == len(ids)


def png_of(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels_of(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))


def test_a_picture_becomes_lighter_and_looks_the_same():
    from hyena_np.plots import matrix_image
    from hyena_np.plots.figure import png

    figure = matrix_image(np.tril(np.random.default_rng(0).standard_normal((64, 64))))
    before = base64.b64encode(png(figure)).decode()
    after = build.lighter(before)
    assert len(after) < 0.5 * len(before)
    assert after == build.lighter(before)
    wanted, found = pixels_of(before).astype(int), pixels_of(after)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 24
    assert (found[(wanted == 255).all(axis=-1)] == 255).all(), "the paper is not white any more"
    zero = (wanted == [247, 246, 246]).all(axis=-1)  # the colour of the entries that are 0
    assert zero.sum() > 1000
    assert np.abs(found[zero] - wanted[zero]).max() <= 2


def test_a_widget_leaves_its_picture_and_must_have_one():
    picture = png_of(np.full((4, 6, 3), 200, dtype=np.uint8))
    data = {build.WIDGET_VIEW: {"model_id": "x"}, "text/plain": "w = 1", "image/png": picture}
    kept = build.keep(nbformat.v4.new_output("display_data", data=data), "name")
    assert set(kept.data) == {"text/plain", "image/png"}
    assert (pixels_of(kept.data["image/png"]) == 200).all()
    del data["image/png"]
    with pytest.raises(build.NotebookError, match="without a picture"):
        build.keep(nbformat.v4.new_output("display_data", data=data), "name")


@pytest.mark.slow
def test_building_twice_writes_the_same_bytes_and_a_failing_cell_leaves_the_old_file(tiny):
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    arguments = ["--sources", str(tiny.parent)]
    built = build.target_of(tiny)
    contents = []
    for _ in range(2):
        result = CliRunner().invoke(build.main, arguments)
        assert result.exit_code == 0, result.output
        contents.append(built.read_bytes())
    assert contents[0] == contents[1]
    assert check(tiny).exit_code == 0
    tiny.write_text(TINY + "\n# %%\n1 / 0\n")
    result = CliRunner().invoke(build.main, arguments)
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.output
    assert built.read_bytes() == contents[1]
    assert {path.name for path in tiny.parent.parent.iterdir()} == {"src", "01_tiny.ipynb"}
