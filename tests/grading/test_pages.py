"""Feedback and overview: all that a student may know, nothing hidden, and no text that is taken for HTML."""

import re
from pathlib import Path

import numpy as np
import pytest

from hyena_np.exercises import EXERCISES, exercise_named
from hyena_np.exercises.exercise import Failure
from hyena_np.grading.entries import Entry
from hyena_np.grading.feedback import feedback_page
from hyena_np.grading.judging import Ended, Outcome, PartOutcome
from hyena_np.grading.overview import hardest_parts, overview_figure, write_overview
from hyena_np.grading.records import Record, record_of
from hyena_np.grading.student import Graded

TOEPLITZ = exercise_named("toeplitz")
NASTY = "<script>alert('x')</script>"


def page(*parts, student="alice", problems=(), used=None, **rest):
    parts = tuple(PartOutcome(*part) for part in zip(TOEPLITZ.parts, *zip(*parts, strict=True), strict=True))
    outcome = Outcome(TOEPLITZ, "alice.py", parts, **rest)
    graded = Graded(Entry(student, Path(), (), ()), {"toeplitz": outcome}, used or {}, problems)
    return feedback_page(graded, record_of(graded, "key")).decode()


PASSED, UNWRITTEN = (None, True, False), (None, False, False)


def failure(**changes):
    h = np.array([3.0, 1.0])
    given = {"inputs": {"h": h}, "expected": np.eye(2), "got": np.ones((2, 2)), "likely": "it is late"}
    return Failure(**{"says": "has wrong values", **given, **changes})


def test_it_says_what_failed_in_public_and_shows_it():
    html = page((failure(), True, False), PASSED, PASSED, PASSED)
    assert "3 of 5 points" in html
    assert "input     h = [3., 1.]" in html
    assert "it is late" in html
    assert html.count('src="data:image/png;base64,') == 1


def test_hidden_inputs_are_not_revealed():
    secret = failure(inputs={"h": np.array([123.0])}, says="456", expected=np.ones(3), got=np.zeros(3))
    html = page(PASSED, (secret, True, True), PASSED, PASSED)
    assert "4 of 5 points" in html
    assert "one matrix a channel" in html
    assert "passed with the inputs of the check, not with others: it is late" in html
    assert not re.search(r"123|456|data:image/png", html)


def test_a_hidden_call_without_an_answer_is_told():
    html = page(PASSED, (Ended("it took too long"), True, True), PASSED, PASSED)
    assert "not with others: it took too long" in html


def test_what_is_not_written_is_no_failure():
    html = page(UNWRITTEN, UNWRITTEN, UNWRITTEN, PASSED)
    assert html.count("not written yet") == 3


def test_no_text_is_taken_for_html():
    html = page(
        (failure(says=NASTY, likely=NASTY, got=NASTY), True, False),
        (failure(likely=NASTY), True, True),
        PASSED,
        PASSED,
        student=NASTY,
        problems=(NASTY,),
        errors=(NASTY,),
        output=NASTY + "\x1b[0m\x00 \ud800",
    )
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)


def test_output_that_is_long_is_cut():
    html = page(PASSED, PASSED, PASSED, PASSED, output="x" * 50_000)
    assert len(html) < 20_000


@pytest.mark.parametrize(
    "got",
    [
        np.full((2, 2), 1e308),
        np.array([[np.inf, -np.inf], [np.nan, 0]]),
        np.ones((2, 2), complex),
        np.zeros((0, 2**30)),
        "x" * 10**6,
        (0,) * 10**5,
        {"a" * 10**5: {"b": ()}},
        10**300,
    ],
    ids=lambda got: type(got).__name__,
)
def test_no_answer_is_too_odd_to_be_shown(got):
    says = f"came {str(got)[:10_000]}"
    html = page((failure(got=got, says=says), True, False), PASSED, PASSED, PASSED)
    assert "3 of 5 points" in html
    assert len(re.sub(r"base64,[^\"]*", "", html)) < 20_000


# --- overview -----------------------------------------------------------------------------------------------


def record(student, *earned, **rest):
    names = [part.name for part in TOEPLITZ.parts]
    return Record(
        student, "key", {"toeplitz": dict(zip(names, earned, strict=True))} if earned else {}, **rest
    )


CLASS = [
    record("alice", 2, 1, 1, 1),
    record("bob", 2, 0, 0, 0),
    record("carol", 2, 0, 1, 0, flags=("toeplitz: hyena_np.toeplitz",)),
    record(NASTY, error=NASTY),
]


def test_the_hardest_part_is_that_which_fewest_pass_of_those_who_tried():
    hard = hardest_parts(CLASS)
    assert [(h.part.name, h.passed, h.tried) for h in hard[:2]] == [
        ("one matrix a channel", 1, 3),
        ("arguments untouched", 1, 3),
    ]
    assert hard[-1].share == 1.0
    assert hardest_parts(CLASS[3:]) == []


def test_the_page_names_everybody_and_links_to_them(tmp_path):
    write_overview(tmp_path, CLASS)
    html = (tmp_path / "overview.html").read_text()
    assert "<script" not in html
    assert '<a href="feedback/alice.html">alice</a>' in html
    assert "one matrix a channel" in html
    assert "passed by 1 of the 3 who tried it" in html
    assert "toeplitz: hyena_np.toeplitz" in html
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("records", [CLASS, CLASS[3:], CLASS[:1]], ids=["all", "nobody tried", "one"])
def test_the_picture(records):
    left, right = overview_figure(records).axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("points (% of all)", "students")
    assert right.get_xlabel() == "passed by (% of those who tried)"
    assert sum(bar.get_height() for bar in left.patches) == len(records)
    labels = [tick.get_text() for tick in right.get_yticklabels()]
    assert labels == [f"1: {h.part.name}" for h in hardest_parts(records)]
    assert len(EXERCISES) >= 14
