"""What the numbers depend on, by name."""

from importlib.metadata import version

import numpy as np
import pytest

import hyena_np
from hyena_np.machine import in_browser, processor, versions, versions_with


def test_a_browser_is_known_by_its_platform(monkeypatch):
    for platform, expected in {"emscripten": True, "linux": False, "darwin": False, "win32": False}.items():
        monkeypatch.setattr("sys.platform", platform)
        assert in_browser() is expected


def test_versions_are_those_that_are_installed():
    found = versions_with("numpy")
    assert found["hyena_np"] == hyena_np.__version__
    assert found["numpy"] == np.__version__ == version("numpy")
    assert {"python", "scipy", "safetensors", "array-api-compat"} <= found.keys()


def test_versions_name_the_library_that_trained():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert versions_with("torch")["torch"] == torch.__version__
    assert "torch" not in versions_with("numpy")


def test_packages_that_are_not_installed_are_left_out():
    assert versions(("numpy", "no-such-package")).keys() == {"python", "hyena_np", "numpy"}


def test_the_processor_has_a_name():
    assert processor().strip()
