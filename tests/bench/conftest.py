"""A collection of garbage looks at every object of the test process: here it need not."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def _quick_collections():
    gc.freeze()
    yield
    gc.unfreeze()
