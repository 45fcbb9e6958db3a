"""What the lab and the launchers are made from agrees with the package, without a browser or a network."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from notebooks.lab import pages, pyodide, wheels
from notebooks.lab.files import LabError

ROOT = Path(__file__).resolve().parents[2]
CHECKSUM = re.compile("[0-9a-f]{64}")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_file_of_the_core_has_a_checksum():
    core = pyodide.PINS["core"]
    assert {"pyodide.js", "pyodide.asm.wasm", "python_stdlib.zip", pyodide.LOCK} <= core.keys()
    assert all(CHECKSUM.fullmatch(checksum) for checksum in core.values())
    assert len(set(core.values())) == len(core)
    assert pyodide.VERSION in pyodide.RELEASE


def test_every_wheel_is_pinned_and_has_a_checksum():
    pinned = wheels.pinned()
    assert set(wheels.EXTENSIONS) <= pinned.keys()
    assert all(CHECKSUM.fullmatch(checksum) for _, checksum in pinned.values())
    assert len({checksum for _, checksum in pinned.values()}) == len(pinned)


def test_a_line_without_a_checksum_is_refused(tmp_path, monkeypatch):
    (tmp_path / "wheels.txt").write_text("# comment\nclick==8.5.1\n")
    monkeypatch.setattr(wheels, "LIST", tmp_path / "wheels.txt")
    with pytest.raises(LabError, match="sha256"):
        wheels.pinned()


def test_all_that_the_package_requires_is_there_but_for_what_no_browser_has():
    """Direct requirements; what these need is in the lock, which the build follows."""
    offered = set(pyodide.PINS["packages"]) | wheels.pinned().keys()
    assert wheels.requirements() - offered == wheels.NOT_IN_A_BROWSER
    assert set(wheels.own_depends(offered)) >= {"numpy", "scipy", "matplotlib", "ipywidgets"}


def test_a_new_requirement_is_noticed(monkeypatch):
    monkeypatch.setattr(wheels, "requirements", lambda: {"numpy", "numba"})
    with pytest.raises(LabError, match=r"numba: required.*wheels\.txt"):
        wheels.own_depends({"numpy", *wheels.ALSO})


def test_the_extra_has_the_versions_that_the_pins_belong_to(project):
    extra = project["optional-dependencies"]["lab"]
    version = wheels.pinned()["jupyterlite-pyodide-kernel"][0]
    assert f"jupyterlite-pyodide-kernel=={version}" in extra
    assert {"jupyterlite-core", "hatchling"} <= {re.split("[>=]", requirement)[0] for requirement in extra}


def test_the_pages_ask_no_package_index():
    settings = pages.SETTINGS["jupyter-config-data"]["litePluginSettings"][pages.KERNEL_PLUGIN]
    assert settings["disablePyPIFallback"] is True


def test_the_lab_has_all_notebooks_and_exercises_and_they_name_its_kernel(tmp_path):
    pages.write_contents(tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.ipynb")}
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    start = ROOT / "hyena_np" / "exercises" / "start"
    assert found == notebooks | {f"exercises/{path.name}" for path in start.glob("*.ipynb")}
    assert len(found) >= 8 + 14
    for name in found:
        notebook = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        assert notebook["metadata"]["kernelspec"] == pages.KERNEL
    assert "exercises/" in (tmp_path / "welcome.md").read_text()


def test_the_container_installs_extras_that_exist(project):
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    (extras,) = re.findall(r"-e '\.\[([a-z0-9,]+)\]'", container["postCreateCommand"])
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()
    python = re.search(r"python:(\d+)\.(\d+)$", container["image"])
    assert (int(python[1]), int(python[2])) >= (3, 11)


def test_binder_finds_the_environment():
    """It reads ``environment.yml`` at the top only where neither of these folders exists."""
    assert (ROOT / "environment.yml").is_file()
    assert not (ROOT / ".binder").exists()
    assert not (ROOT / "binder").exists()
