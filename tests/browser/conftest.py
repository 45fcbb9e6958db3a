"""Chromium without a window, and what it opens; a test skips where one of them is absent, and says which."""

import contextlib
import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser.notebook_page import NotebookPage
from browser.servers import catching, serving
from notebooks.lab.build import build, default_cache
from notebooks.lab.files import LabError

PATIENCE = float(os.environ.get("HYENA_NP_PATIENCE", 180))  # seconds; a busy machine may need more
# Chromium itself, whatever the page, asks its maker for updates and more. Most of it can be switched off; the
# hosts of the rest are listed below. No page of ours has business there, and they get no answer either.
QUIET = (
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
)
OF_THE_BROWSER = {
    "accounts.google.com",
    "clients2.google.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "safebrowsing.googleapis.com",
    "update.googleapis.com",
}
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def host_of(request):
    """The host in a proxy's request line, which has an address (http) or a host and a port (https)."""
    target = request.split()[1]
    return urlsplit(target if "//" in target else f"//{target}").hostname


def chromium_path():
    """The Chromium of ``HYENA_NP_CHROMIUM``, or one on the path."""
    return os.environ.get("HYENA_NP_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser():
    """A browser, and the list of all that it has asked of other hosts than this machine's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on the path, and HYENA_NP_CHROMIUM names none")
    with catching() as (port, asked), playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", f"--proxy-server=127.0.0.1:{port}", *QUIET]
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        yield chromium, asked
        chromium.close()


@pytest.fixture
def outside(browser):
    """Hosts, but for this machine, that were asked for anything: by pages, workers, or the browser."""
    _, asked = browser
    asked.clear()
    return lambda: sorted({host for host in map(host_of, asked) if host not in OF_THE_BROWSER})


@pytest.fixture
def page(browser, outside, tmp_path):
    """An empty page of a browser without memory; what it asks of another host fails the test."""
    chromium, _ = browser
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    yield page
    with contextlib.suppress(Exception):  # a page that is gone has no picture
        page.screenshot(path=tmp_path / "page.png")
    context.close()
    assert outside() == []


@pytest.fixture
def open_notebook(page):
    """Opens a notebook's address in the page."""
    return lambda address: NotebookPage(page, address, PATIENCE)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of the lab: the folder ``HYENA_NP_LAB``, or built now if Pyodide's files are here."""
    folder = os.environ.get("HYENA_NP_LAB")
    if folder is None:
        folder = _built(tmp_path_factory.mktemp("lab") / "site")
    elif not (Path(folder) / "jupyter-lite.json").is_file():
        pytest.fail(f"HYENA_NP_LAB: {folder} holds no lab")
    with serving(Path(folder)) as address:
        yield address


def _built(out: Path) -> Path:
    given = os.environ.get("HYENA_NP_PYODIDE")
    if importlib.util.find_spec("jupyterlite_core") is None:
        pytest.skip("neither HYENA_NP_LAB is set nor JupyterLite installed; it is in the extra 'lab'")
    if given is None and not (default_cache() / "wheels").is_dir():
        pytest.skip("no Pyodide files: notebooks/lab/build.py has not run, HYENA_NP_PYODIDE is not set")
    try:
        return build(out, default_cache(), None if given is None else Path(given))
    except LabError as error:
        pytest.skip(f"the lab cannot be built: {error}")
