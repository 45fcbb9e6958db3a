"""Grade a class: what is graded already is never graded again, what is not goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from hyena_np.errors import BackendError, ConfigError, HyenaError
from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.files import check_free, exclusive, make_folder, remove_files, write_bytes
from hyena_np.grading import hidden as hidden_parts, limits
from hyena_np.grading.channel import Stopped
from hyena_np.grading.entries import Entry, entries
from hyena_np.grading.feedback import feedback_page
from hyena_np.grading.hidden import Hidden, load_hidden
from hyena_np.grading.overview import write_overview
from hyena_np.grading.page import page, text
from hyena_np.grading.process import Limits, Process
from hyena_np.grading.records import (
    FEEDBACK,
    RESULTS,
    Record,
    file_stem,
    load_record,
    record_of,
    save_record,
    write_scores,
)
from hyena_np.grading.student import Graded, grade_student
from hyena_np.grading.surroundings import Surroundings, surroundings

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How a class is graded.

    Parameters
    ----------
    submissions, out : Path
        Where the files are, and where the results go.
    jobs : int
        Students at a time.
    limits : Limits
        Of each submission and exercise.
    hidden : Path, optional
        Folder of the hidden parts; those beside the package by default.
    public_only : bool
        Do without hidden parts.
    """

    submissions: Path
    out: Path
    jobs: int = 2
    limits: Limits = field(default_factory=Limits)
    hidden: Path | None = None
    public_only: bool = False


def grade(
    plan: Plan, resume: bool = False, overwrite: bool = False, echo: Echo = print, bar: bool = True
) -> list[Record]:
    """Grade all submissions that are not graded yet, and write scores, feedback and overview.

    Parameters
    ----------
    plan : Plan
    resume : bool
        Go on with the results in the folder. What has changed since is graded again.
    overwrite : bool
        Replace them.
    echo : callable
        Takes a line.
    bar : bool
        Show a progress bar.

    Returns
    -------
    list of Record
        Of every student, in the order of their names.

    Raises
    ------
    HyenaError
        Something is not as it must be; nothing was graded.
    KeyboardInterrupt
        Ctrl-C; every student who was finished is kept.
    """
    if not limits.possible():
        raise BackendError("grade: this system cannot limit a process; use Linux, macOS, WSL or a container")
    if plan.public_only and plan.hidden is not None:
        raise ConfigError("hidden, public_only: one names hidden parts, the other does without them")
    hidden = None if plan.public_only else load_hidden(plan.hidden)
    found = entries(plan.submissions, plan.out)
    check_free(plan.out / RESULTS, resume, overwrite)
    make_folder(plan.out)
    with exclusive(plan.out):
        for folder in (plan.out / RESULTS, plan.out / FEEDBACK):
            make_folder(folder)
            if not resume:
                remove_files(folder.iterdir())
        records = _grade(plan, found, hidden, echo, bar)
        write_scores(plan.out, records)
        write_overview(plan.out, records)
    return records


def _grade(plan: Plan, found: list[Entry], hidden: Hidden | None, echo: Echo, bar: bool) -> list[Record]:
    keys = {entry.student: _key(plan, entry, hidden) for entry in found}
    records = {}
    for entry in found:
        if record := load_record(plan.out, entry.student, keys[entry.student]):
            records[entry.student] = record
    missing = [entry for entry in found if entry.student not in records]
    if missing:
        done = len(records) * len(EXERCISES)
        total = len(found) * len(EXERCISES)
        with (
            surroundings() as around,
            tqdm(total=total, initial=done, unit="exercise", disable=not bar, dynamic_ncols=True) as progress,
        ):
            _tell_limits(around, plan.limits, echo)
            _grade_missing(plan, missing, hidden, around, keys, records, progress)
    return [records[entry.student] for entry in found]


def _grade_missing(
    plan: Plan,
    missing: Sequence[Entry],
    hidden: Hidden | None,
    around: Surroundings,
    keys: dict[str, str],
    records: dict[str, Record],
    progress: tqdm,
) -> None:
    """Grade students in threads, each of which waits for processes; pages are drawn and written here."""
    with ThreadPoolExecutor(plan.jobs) as pool:
        try:
            work = {
                pool.submit(grade_student, entry, hidden, around, plan.limits, progress.update): entry
                for entry in missing
            }
            for future in as_completed(work):
                entry = work.pop(future)
                records[entry.student] = _finished(plan.out, entry, keys[entry.student], future)
                progress.set_postfix_str(entry.student, refresh=False)
        except BaseException:
            around.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(out: Path, entry: Entry, key: str, future: Future[Graded]) -> Record:
    """Write the page and the record of a student."""
    path = out / FEEDBACK / f"{file_stem(entry.student)}.html"
    try:
        graded = future.result()
        record = record_of(graded, key)
        write_bytes(path, feedback_page(graded, record))
    except (HyenaError, Stopped):
        raise
    except Exception as error:  # a mistake of the grader's, that one student has found: the others go on
        says = f"not graded, for a mistake of the grader's: {type(error).__name__} ({error})"
        write_bytes(path, page(entry.student, [text("h1", entry.student), text("p", says)]))
        return Record(entry.student, key, {}, error=says)  # not saved: --resume tries again
    save_record(out, record)  # last: now the student is graded, page and all
    return record


def _key(plan: Plan, entry: Entry, hidden: Hidden | None) -> str:
    """Changes with everything that a score depends on."""
    limits = f"{plan.limits.seconds} {plan.limits.memory}"
    content = f"{entry.student}\n{entry.digest()}\n{hidden_parts.digest(hidden)}\n{limits}"
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()


def _tell_limits(around: Surroundings, limits: Limits, echo: Echo) -> None:
    """Start a process without a submission, and say what this system cannot limit."""
    with Process(around, limits, EXERCISES[0]) as process:
        if process.refused:
            echo(f"this system does not limit: {', '.join(process.refused)}; a container does")
        if process.walls < 1:
            echo("this system has no Landlock, so files are kept by Python alone; a container does more")
