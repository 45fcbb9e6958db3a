"""Scores on disk: no student's row is lost, doubled, or a formula."""

import csv
import json
from dataclasses import replace

import pytest

from hyena_np.errors import DataError
from hyena_np.exercises import EXERCISES
from hyena_np.grading.hidden import BESIDE, digest, load_hidden
from hyena_np.grading.records import (
    RESULTS,
    TOTAL,
    Record,
    file_stem,
    load_record,
    save_record,
    write_scores,
)

RECORD = Record("alice", "key", {"toeplitz": {"small matrices": 2, "arguments untouched": 1}}, ("f: g",), "e")


@pytest.fixture
def out(tmp_path):
    (tmp_path / RESULTS).mkdir()
    return tmp_path


def test_a_record_comes_back(out):
    save_record(out, RECORD)
    assert load_record(out, "alice", "key") == RECORD
    assert (RECORD.total, RECORD.percent) == (3, 300 / TOTAL)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"student": "alice"}',
        json.dumps({"student": "alice", "key": "key", "points": 3}),
    ],
)
def test_a_damaged_record_does_not_count(out, content):
    save_record(out, RECORD)
    (out / RESULTS / "alice.json").write_text(content)
    assert load_record(out, "alice", "key") is None


def test_a_record_of_other_files_or_of_another_student_does_not_count(out):
    save_record(out, RECORD)
    assert load_record(out, "alice", "other") is None
    assert load_record(out, "bob", "key") is None
    (out / RESULTS / "bob.json").write_bytes((out / RESULTS / "alice.json").read_bytes())
    assert load_record(out, "bob", "key") is None


def test_no_two_students_share_a_file():
    names = [
        "alice",
        "Alice",
        "ALICE",
        "al ice",
        "al_ice",
        "al/ice",
        "..",
        ".",
        "",
        "x" * 300,
        "x" * 301,
        "\xe9",
    ]
    stems = [file_stem(name).lower() for name in names]
    assert len(set(stems)) == len(names)
    assert all(0 < len(stem) < 100 and "/" not in stem and not stem.startswith(".") for stem in stems)


def test_the_table(out):
    odd = replace(
        RECORD, student="=cmd|' /C calc'!A0", flags=("@f",), error="two\nlines, and a comma", points={}
    )
    write_scores(out, [RECORD, odd])
    with open(out / "scores.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["student", *(e.name for e in EXERCISES), "total", "percent", "flags", "error"]
    assert rows[0][:2] == ["alice", "3"]
    assert rows[0][-4:] == ["3", f"{300 / TOTAL:.1f}", "f: g", "e"]
    assert rows[1][0].startswith("'=cmd")
    assert rows[1][-4:] == ["0", "0.0", "'@f", "two lines, and a comma"]


# --- hidden parts -------------------------------------------------------------------------------------------


def test_hidden_parts_are_found_beside_the_package():
    hidden = load_hidden(None)
    assert hidden.keys() == {e.name for e in EXERCISES}


def test_hidden_parts_that_are_absent_or_do_not_fit(tmp_path):
    with pytest.raises(DataError, match=r"^hidden: .* is no folder; .* --hidden DIR .* --public-only"):
        load_hidden(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"^hidden: .*toeplitz\.toml cannot be read"):
        load_hidden(tmp_path)
    for path in BESIDE.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    assert load_hidden(tmp_path) == load_hidden(None)
    for content, says in (("seed =", "is no TOML"), ("seed = 1", "must have"), ("[parts]", "must have")):
        (tmp_path / "toeplitz.toml").write_text(content)
        with pytest.raises(DataError, match=rf"^hidden: .*toeplitz\.toml {says}"):
            load_hidden(tmp_path)


def test_scores_with_other_hidden_parts_are_other_scores():
    hidden = load_hidden(None)
    other = {**hidden, "toeplitz": {**hidden["toeplitz"], "seed": 1}}
    assert len({digest(hidden), digest(other), digest(None)}) == 3
