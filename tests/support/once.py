"""What takes long is made by one worker, and serves all of them."""

import os
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # Windows: every worker has a folder of its own
    fcntl = None


@contextmanager
def shared_folder(tmp_path_factory, name):
    """The same folder for every worker of this run; one of them is in it at a time."""
    root = tmp_path_factory.getbasetemp()
    if fcntl and "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    folder.mkdir(exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
