"""Options, fixtures and profiles of the whole suite.

``--run-slow`` adds the tests marked ``slow``; ``--require-gpu`` makes a missing GPU a failure instead of a
skip.
"""

import importlib.util
import os
import signal

import hypothesis
import numpy as np
import pytest

from hyena_np.exercises import EXERCISES
from support.libraries import LIBRARIES, forbid_host_conversions, gpu_missing

hypothesis.settings.register_profile("quick", deadline=None, max_examples=15)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "quick")


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--require-torch", action="store_true", help="fail, instead of skip, without PyTorch")
    parser.addoption(
        "--require-gpu", action="store_true", help="fail, instead of skip, where CuPy finds no GPU"
    )


def pytest_configure(config):
    # A shell that runs the suite in the background hands down a Ctrl-C that is ignored; some tests press it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--require-torch") and importlib.util.find_spec("torch") is None:
        raise pytest.UsageError("--require-torch: PyTorch is not installed; it is in the extra 'torch'")
    config.addinivalue_line("markers", "slow: takes many seconds; runs with --run-slow")
    for exercise in EXERCISES:
        config.addinivalue_line("markers", f"{exercise.name}: exercise {exercise.number}, {exercise.title}")
    config.addinivalue_line("markers", "browser: drives Chromium; skipped where it or its pages are absent")
    config.addinivalue_line("markers", 'paper("Def. 3.1", ...): what of the paper a test holds the code to')
    config.addinivalue_line("markers", "gpu: needs CuPy and a GPU; skipped without, fails with --require-gpu")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow; add --run-slow"))


@pytest.fixture(autouse=True)
def _gpu(request):
    """Skip, or fail, a test marked gpu where no GPU answers."""
    if "gpu" in request.keywords and (reason := gpu_missing()):
        if request.config.getoption("--require-gpu"):
            pytest.fail(f"--require-gpu: {reason}")
        pytest.skip(reason)


@pytest.fixture(
    params=[
        pytest.param(library, id=library.name, marks=pytest.mark.gpu if library.module == "cupy" else ())
        for library in LIBRARIES
    ]
)
def library(request, _gpu):
    """Every array library in turn; on array-api-strict, host conversions are forbidden meanwhile."""
    chosen = request.param
    if chosen.module in ("torch", "array_api_strict"):
        pytest.importorskip(chosen.module, reason=f"{chosen.module} is not installed")
    if chosen.module != "array_api_strict":
        yield chosen
        return
    with forbid_host_conversions():
        yield chosen


@pytest.fixture
def rng():
    """The same random numbers in every run of a test."""
    return np.random.default_rng(20230221)
