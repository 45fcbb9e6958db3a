"""The figure itself: shows itself, is saved whole or not at all, and leaves matplotlib as it was."""

import os
import subprocess
import sys
from base64 import b64decode

import matplotlib
import pytest
from IPython.core.formatters import DisplayFormatter

from hyena_np import files
from hyena_np.errors import HyenaError, OutputError
from hyena_np.plots import lines, new_figure, save

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def figure():
    return lines([0, 1, 2], {"a": [1, 3, 2]}, "t (tokens)", "y")


def test_no_pyplot_and_no_widgets_are_imported():
    code = (
        "import sys, hyena_np.plots as p;"
        "f = p.matrix_image([[1.0, 0.0], [2.0, 3.0]]); f._repr_png_();"
        "bad = {'matplotlib.pyplot', 'ipywidgets', 'IPython'} & set(sys.modules);"
        "sys.exit(' '.join(sorted(bad)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_figure_is_a_cells_last_expression(figure):
    bundle, metadata = DisplayFormatter().format(figure)
    assert b64decode(bundle["image/png"]).startswith(PNG)
    width, height = figure.get_size_inches()
    assert metadata["image/png"] == {"width": round(100 * width), "height": round(100 * height)}


def test_same_figure_same_bytes(figure, tmp_path):
    for ending in ("png", "pdf"):
        first, second = (save(figure, tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
        assert first == second


@pytest.mark.parametrize(
    ("ending", "start"), [("png", PNG), ("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", PNG)]
)
def test_save_writes_each_format(figure, tmp_path, ending, start):
    path = tmp_path / f"figure.{ending}"
    assert save(figure, str(path)) == path
    assert path.read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [path.name]


def test_saved_file_can_be_read_by_those_who_may(figure, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    assert save(figure, tmp_path / "figure.png").stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("stage", ["render", "write", "replace"])
def test_failure_leaves_the_old_file(figure, tmp_path, monkeypatch, stage):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if stage == "render":
        monkeypatch.setattr(figure, "savefig", fail)
    elif stage == "write":
        monkeypatch.setattr(files.os, "fsync", fail)  # the temporary file is there, but not safe
    else:
        monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="No space left on device"):
        save(figure, path)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["figure.png"]


def test_save_refuses_with_a_typed_error(figure, tmp_path):
    with pytest.raises(OutputError, match=r"allowed endings are .png, .svg, .pdf"):
        save(figure, tmp_path / "figure.gif")
    with pytest.raises(OutputError, match=r"cannot be written .*No such file"):
        save(figure, tmp_path / "missing" / "figure.png")
    assert issubclass(OutputError, HyenaError)
    assert os.listdir(tmp_path) == []


def test_the_users_settings_neither_show_nor_change(figure, tmp_path):
    plain = save(figure, tmp_path / "plain.png").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 10}):
        before = dict(matplotlib.rcParams)
        other = lines([0, 1, 2], {"a": [1, 3, 2]}, "t (tokens)", "y")
        assert save(other, tmp_path / "other.png").read_bytes() == plain
        assert dict(matplotlib.rcParams) == before


def test_new_figure_has_the_size_asked_for(picture):
    figure = new_figure(6, 3)
    axes = figure.subplots()
    axes.plot([1, 2, 1])
    assert tuple(figure.get_size_inches()) == (6, 3)
    picture(figure)
