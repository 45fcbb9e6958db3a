"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import re

import pytest
from making.places import PACKAGE, ROOT

MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if re.search(r">>> (?!.*\+SKIP)", path.read_text()) and path.parent.name != "start"
]
assert len(MODULES) >= 15


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
