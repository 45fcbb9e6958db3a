"""Hostile submissions gain nothing, and cost nobody else's result."""

import os
import re

import pytest

from grading import hostile
from grading.classes import graded, hand_in, hand_in_hostile, page_of
from support.command import ROOT
from support.once import shared_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system cannot limit a process")
SECRET = "sesame-4711"


class Ran:
    """One grading run: the records of the students, and their pages."""

    def __init__(self, out, records):
        self.out, self.records = out, records

    def points(self, student):
        return self.records[student].exercise("toeplitz")

    def page(self, student):
        return page_of(self.out, student)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A whole class of them, and honest students before and after."""
    with shared_folder(tmp_path_factory, "hostile") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYENA_SECRET", SECRET)
        out = folder / "graded"
        if not out.exists():
            hand_in_hostile(folder / "class", out, hostile.STUDENTS)
            hand_in(folder / "class", {"a_good_one": hostile.RIGHT, "z_good_one": hostile.RIGHT})
        records = graded(folder / "class", out, seconds=4.0, jobs=4, resume=True)
    return Ran(out, records)


@pytest.mark.slow
@pytest.mark.parametrize("student", ["a_good_one", "z_good_one"])
def test_honest_students_beside_them_keep_their_points(ran, student):
    assert ran.points(student) == 5
    assert ran.records[student].error == ""


@pytest.mark.slow
def test_every_student_has_one_row_and_one_page(ran):
    rows = (ran.out / "scores.csv").read_text().splitlines()[1:]
    assert sorted(row.split(",")[0] for row in rows) == sorted(ran.records)
    assert len(rows) == len(hostile.STUDENTS) + 2
    assert len(list((ran.out / "feedback").iterdir())) == len(rows)


# What each of them gets to hear. None of them earns a point.
NOTHING = {
    "patches": "every value is zero",
    "writes_its_result": "no answer",
    "forges_answers": "not read to its end: its process sent something else than the answer",
    "writes_nonsense": "no answer|something else",
    "forks": "every value is zero",
    "kills": "every value is zero",
    "reads": "every value is zero",
    "lies": "an object of type Anything",
    "endless_text": "printed more than 16 MiB",
    "exits": "not read to its end: its process ended",
    "exits_hard": "not read to its end: its process ended",
    "exits_in_a_call": "raised SystemExit",
    "exits_hard_in_a_call": "its process ended",
    "crashes": "its process crashed",
    "loops": "not read to its end: it took too long",
    "sleeps": "not read to its end: it took too long",
    "loops_in_a_call": "it took too long",
    "allocates": "raised MemoryError|ArrayMemoryError",
    "allocates_slowly": "raised MemoryError|ArrayMemoryError|its process",
    "large_answer": "larger than",
    "deep_answer": "an object of type list",
    "fills_the_disk": "every value is zero",
}


@pytest.mark.slow
@pytest.mark.parametrize("student", NOTHING)
def test_they_gain_nothing_and_are_told_why(ran, student):
    assert ran.points(student) == 0
    assert re.search(NOTHING[student], ran.page(student))


@pytest.mark.slow
@pytest.mark.parametrize("student", ["forks", "kills", "reads"])
def test_no_attempt_of_theirs_succeeded(ran, student):
    assert "What the file printed" in ran.page(student)
    assert "SUCCEEDED" not in ran.page(student)


@pytest.mark.slow
def test_the_environment_of_the_grader_is_not_theirs(ran):
    page = ran.page("reads")
    assert "environment {" in page
    assert SECRET not in page
    assert str(ROOT) not in page.partition("environment {")[2]


@pytest.mark.slow
def test_output_is_cut_and_escaped(ran):
    assert ran.points("prints") == 5
    assert len(ran.page("prints")) < 20_000
    assert all("<script" not in ran.page(student) for student in ran.records)


@pytest.mark.slow
def test_threads_that_are_left_behind_cost_nothing(ran):
    assert ran.points("threads") == 5


@pytest.mark.slow
def test_files_are_few_and_small(ran):
    count, size = map(int, re.search(r"files (\d+) bytes (\d+)", ran.page("fills_the_disk")).groups())
    assert 0 < count <= 200
    assert size <= 16 << 20


@pytest.mark.slow
def test_the_grader_still_has_its_results(ran):
    assert (ran.out / "scores.csv").read_text().startswith("student,toeplitz,")
    assert not list(ran.out.parent.glob("*.json"))


# --- the package's own answer -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disguised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disguised")
    students = {name: hostile.disguised(body) for name, body in hostile.DISGUISES.items()}
    convolutions = hostile.DISGUISES_OF_A_CONVOLUTION.items()
    students |= {name: hostile.disguised_convolution(body) for name, body in convolutions}
    hand_in(folder / "class", students)
    return Ran(folder / "graded", graded(folder / "class", folder / "graded"))


@pytest.mark.slow
@pytest.mark.parametrize("student", hostile.DISGUISES)
def test_the_packages_own_answer_is_caught_and_flagged(disguised, student):
    assert disguised.points(student) == 0
    (flag,) = disguised.records[student].flags
    assert re.fullmatch(r"toeplitz: (hyena_np|scipy\.linalg)\.toeplitz", flag)
    assert "would answer the exercise for you" in disguised.page(student)


@pytest.mark.slow
@pytest.mark.parametrize("student", hostile.DISGUISES_OF_A_CONVOLUTION)
def test_a_library_that_is_forbidden_is_caught_and_flagged(disguised, student):
    assert disguised.records[student].total == 0
    (flag,) = disguised.records[student].flags
    assert re.fullmatch(r"fftconv: (scipy\.signal(\.\w+)*|numpy\.(convolve|correlate))", flag)
