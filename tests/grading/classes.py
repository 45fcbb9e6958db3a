"""Classes to grade."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from grading import hostile
from hyena_np.grading.hidden import BESIDE
from hyena_np.grading.process import Limits
from hyena_np.grading.run import Plan, grade
from support.command import ROOT

SOLUTIONS = ROOT / "notebooks" / "exercises" / "src"


def hand_in(folder, students, **names):
    """Write a module for each student; names are put in front of the code."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "".join(f"{name} = {str(value)!r}\n" for name, value in names.items())
    for student, code in students.items():
        (folder / f"{student}.py").write_text(head + code)
    return folder


def hand_in_hostile(folder, out, students):
    """The hostile ones know where everything is."""
    return hand_in(
        folder,
        students,
        ROOT=ROOT,
        OUT=out / "scores.csv",
        SOLUTION=SOLUTIONS / "01_toeplitz.py",
        INSTALLED=ROOT / "hyena_np" / "ops" / "toeplitz.py",
        HIDDEN=BESIDE / "toeplitz.toml",
    )


def graded(folder, out, seconds=20.0, jobs=2, **options):
    """Grade, and return the records by student."""
    plan = Plan(Path(folder), Path(out), jobs, Limits(seconds, 2 << 30))
    records = grade(plan, echo=lambda line: None, bar=False, **options)
    return {record.student: record for record in records}


def page_of(out, student):
    return (out / "feedback" / f"{student}.html").read_text()


def python(code, *arguments, cwd=ROOT):
    """The words that a program prints, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


__all__ = ["graded", "hand_in", "hand_in_hostile", "hostile", "page_of", "python"]
