"""Where runs are done: one after the other, in processes of this machine, or on a Dask cluster.

A scheduler is a function from work to what became of it, in the order in which it is finished. A run whose
process was killed is done again; it goes on from its checkpoint where that survived.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, NamedTuple

from hyena_np.errors import BackendError, ConfigError, HyenaError
from hyena_np.experiments.store import Row
from hyena_np.experiments.work import Work, do_work

# A run that takes its process down with it so many times will do so again.
ATTEMPTS = 3


class Finished(NamedTuple):
    """What became of a run: its row, or what went wrong."""

    work: Work
    row: Row | None
    error: str | None = None


Scheduler = Callable[[Sequence[Work]], Iterator[Finished]]


def one_by_one(works: Sequence[Work]) -> Iterator[Finished]:
    """Do the runs in this process."""
    for work in works:
        yield _outcome(work, partial(do_work, work, lambda: False))


def _outcome(work: Work, call: Callable[[], Row]) -> Finished:
    try:
        return Finished(work, call())
    except HyenaError as error:
        return Finished(work, None, str(error))
    except MemoryError:
        return Finished(work, None, "there was not enough memory")


# --- processes of this machine ------------------------------------------------------------------------------

_stop: Any = None
_parent: int = 0
_busy = threading.Lock()


def processes(jobs: int) -> Scheduler:
    """A scheduler that does `jobs` runs at a time, each in a process of its own."""
    return partial(_in_processes, jobs)


def _in_processes(jobs: int, works: Sequence[Work]) -> Iterator[Finished]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks, and a GPU's state
    pending, deaths = list(works), 0
    while pending:
        stop = context.RawValue("b", 0)  # without a lock: a killed process cannot hold it for ever
        pool = ProcessPoolExecutor(jobs, context, _begin_process, (stop, os.getpid()))
        try:
            futures = {pool.submit(_do_here, work): work for work in pending}
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    continue  # the whole pool is gone; what is left stays pending
                pending.remove(futures[future])
                deaths = 0
                yield _outcome(futures[future], future.result)
        finally:
            stop.value = 1
            pool.shutdown(cancel_futures=True)
        if pending and (deaths := deaths + 1) == ATTEMPTS:
            died = f"its process, or one beside it, died {ATTEMPTS} times (out of memory, or killed)"
            yield from (Finished(work, None, died) for work in pending)
            return


def _begin_process(stop: Any, parent: int) -> None:
    global _stop, _parent
    _stop, _parent = stop, parent
    # The terminal tells every process of Ctrl-C; the first one tells the others, in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_when_orphaned, daemon=True).start()


def _do_here(work: Work) -> Row:
    with _busy:
        return do_work(work, _should_stop)


def _should_stop() -> bool:
    return bool(_stop.value) or _orphaned()


def _orphaned() -> bool:
    """Whether the process that sends the runs is gone; nobody would ever fetch a result."""
    return os.getppid() != _parent


def _leave_when_orphaned() -> None:
    while not _orphaned():
        time.sleep(0.5)
    with _busy:  # after the run under way has written its checkpoint
        os._exit(1)


# --- Dask ---------------------------------------------------------------------------------------------------


def dask_cluster(address: str, timeout: float = 10.0) -> Scheduler:
    """A scheduler that sends the runs to the Dask scheduler at an address.

    Raises
    ------
    ConfigError
        Dask is not installed.
    BackendError
        Nothing answers there.
    """
    _connect(address, timeout).close()
    return partial(_on_cluster, address, timeout)


def _connect(address: str, timeout: float) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "scheduler: needs Dask, which is not installed; python -m pip install 'hyena-np[dask]'"
        ) from error
    try:
        return Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise BackendError(
            f"scheduler: nothing answers at {address!r} within {timeout:g} s ({error})"
        ) from error


def _on_cluster(address: str, timeout: float, works: Sequence[Work]) -> Iterator[Finished]:
    from distributed import Event, KilledWorker, as_completed as as_completed_there

    with _connect(address, timeout) as client:
        stop = Event(f"hyena-np-{uuid.uuid4().hex}", client=client)
        futures = {client.submit(_do_there, work, stop.name, pure=False): work for work in works}
        try:
            for future in as_completed_there(futures, loop=client.loop):
                work = futures[future]
                if isinstance(future.exception(), KilledWorker):
                    yield Finished(work, None, "every worker that took it died (out of memory, or killed)")
                else:
                    yield _outcome(work, future.result)
        finally:
            stop.set()
            client.cancel(list(futures))


def _do_there(work: Work, stop_name: str) -> Row:
    from distributed import Event

    stop, asked = Event(stop_name), time.monotonic()

    def should_stop() -> bool:
        nonlocal asked
        if time.monotonic() - asked < 1.0:  # a question goes over the network
            return False
        asked = time.monotonic()
        return stop.is_set()

    return do_work(work, should_stop)


def chosen(jobs: int, address: str | None) -> Scheduler:
    """The scheduler that a user asked for."""
    if address is not None:
        return dask_cluster(address)
    return one_by_one if jobs == 1 else processes(jobs)
