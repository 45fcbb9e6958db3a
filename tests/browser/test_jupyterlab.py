"""JupyterLab itself, as a student starts it, with the notebooks of this checkout."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "for-the-test"


@pytest.fixture
def jupyterlab(tmp_path):
    """Address of a JupyterLab on a copy of notebook 2."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed; it is in the extra 'notebooks'")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / "02_implicit_filters.ipynb", folder)
    # No settings of the user's, and none left behind.
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"), "IPYTHONDIR": str(tmp_path / "ipython")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"), "PYTHONPATH": str(ROOT)}
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.port": 0,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.allow_root": True,
        "IdentityProvider.token": TOKEN,
        "LabApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",  # the other one asks a package index
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        yield _address(tmp_path / "RUNTIME", server, tmp_path / "log")
    finally:
        server.terminate()
        server.wait(30)


def _address(runtime, server, log):
    """What the server says of itself once it listens."""
    for _ in range(600):
        for file in runtime.glob("jpserver-*.json"):
            return json.loads(file.read_text())["url"]
        assert server.poll() is None, log.read_text()[-2000:]
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


def test_notebook_2_runs_and_its_slider_moves_the_figure(jupyterlab, open_notebook):
    notebook = open_notebook(f"{jupyterlab}lab/tree/02_implicit_filters.ipynb?token={TOKEN}")
    notebook.run_all()
    assert all(cell["execution_count"] for cell in notebook.code_cells())
    assert "numbers, as many as 64 stored filters" in notebook.text()
    assert len(notebook.pictures()) >= 15
    before, after = notebook.drag_slider("panel(\n    draw", "shift")
    assert before != after
