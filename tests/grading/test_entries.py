"""Who handed in what, in folders as they come."""

import os

import pytest

from hyena_np.errors import DataError
from hyena_np.exercises import exercise_named
from hyena_np.grading import entries as module
from hyena_np.grading.entries import attempts, entries
from hyena_np.grading.judging import Source


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "class"
    made.mkdir()
    return made


def found(folder):
    return {entry.student: entry for entry in entries(folder, folder / "graded")}


def test_a_file_or_a_folder_a_student(folder):
    (folder / "bob.py").write_text("x = 1")
    (folder / "alice.ipynb").write_text('{"cells": [{"cell_type": "code", "source": ["y = 2"]}]}')
    (folder / "carol" / "week 1").mkdir(parents=True)
    for name in ("a.py", "week 1/a.py", "test_exercises.py", "conftest.py", ".hidden.py", "data.csv"):
        (folder / "carol" / name).write_text(f"# {name}")
    (folder / "carol" / "__pycache__").mkdir()
    (folder / "carol" / "__pycache__" / "a.py").write_text("")
    students = found(folder)
    assert list(students) == ["alice", "bob", "carol"]
    assert students["alice"].sources() == ([Source("alice.ipynb", ("y = 2",))], [])
    assert [source.name for source in students["carol"].sources()[0]] == ["carol/a.py", "carol/week 1/a.py"]


def test_one_student_is_one_entry_however_many_files(folder):
    (folder / "dan.py").write_text("")
    (folder / "dan.ipynb").write_text('{"cells": []}')
    (folder / "dan").mkdir()
    (folder / "dan" / "more.py").write_text("")
    (entry,) = entries(folder, folder / "graded")
    assert [source.name for source in entry.sources()[0]] == ["dan/more.py", "dan.ipynb", "dan.py"]


def test_what_is_not_handed_in_is_passed_over(folder):
    (folder / "graded").mkdir()
    (folder / ".DS_Store").write_text("")
    (folder / "__pycache__").mkdir()
    (folder / "eve.py").write_text("")
    assert list(found(folder)) == ["eve"]


@pytest.mark.parametrize(
    "name", ["two words", "\N{SNOWMAN}", "a'b\"c", "=1+1", "<b>", "new\nline", b"\xff\xfe", "x" * 200]
)
def test_odd_names(folder, name):
    path = os.path.join(os.fsencode(folder), os.fsencode(name) + b".py")
    with open(path, "w") as file:
        file.write("x = 1")
    ((student, entry),) = found(folder).items()
    assert student.isprintable()
    student.encode()
    assert entry.sources()[0][0].cells == ("x = 1",)


def trouble(folder, student):
    sources, problems = found(folder)[student].sources()
    assert sources == []
    return "; ".join(problems)


def test_files_that_cannot_be_graded_are_told_of(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "LARGEST", 100)
    (folder / "binary.py").write_bytes(b"\xff\xfe")
    (folder / "broken.ipynb").write_text("{")
    (folder / "deep.ipynb").write_text("[" * 90)
    (folder / "huge.py").write_bytes(bytes(101))
    (folder / "empty").mkdir()
    (folder / "words.docx").write_text("")
    os.mkfifo(folder / "pipe.py")
    assert "binary.py: is no notebook or module" in trouble(folder, "binary")
    assert "broken.ipynb: is no notebook or module" in trouble(folder, "broken")
    assert "is no notebook" in trouble(folder, "deep")
    assert "is larger than" in trouble(folder, "huge")
    assert "has no notebook and no module" in trouble(folder, "empty")
    assert "allowed are notebooks (.ipynb) and modules (.py)" in trouble(folder, "words")
    assert "pipe.py: is no file" in trouble(folder, "pipe")


def test_links_that_lead_out_are_refused(folder, tmp_path):
    (tmp_path / "secret.py").write_text("x = 1")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a.py").write_text("x = 1")
    (folder / "file.py").symlink_to(tmp_path / "secret.py")
    (folder / "folder").symlink_to(tmp_path / "others")
    (folder / "circle.py").symlink_to(folder / "circle.py")
    (folder / "inner").mkdir()
    (folder / "inner" / "link.py").symlink_to("../../secret.py")
    (folder / "inner" / "up").symlink_to(tmp_path / "others")
    for student in ("file", "folder", "circle", "inner"):
        assert "leads out of the submissions" in trouble(folder, student)


def test_too_many_files(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", 2)
    (folder / "many").mkdir()
    for name in "abc":
        (folder / "many" / f"{name}.py").write_text("")
    sources, problems = found(folder)["many"].sources()
    assert len(sources) == 2
    assert problems == ["the first 2 files are graded"]


def test_a_digest_changes_with_every_byte_and_name(folder):
    (folder / "a").mkdir()
    path = folder / "a" / "x.py"
    digests = set()
    for name, content in (("x.py", ""), ("x.py", "1"), ("y.py", "1")):
        path = path.rename(folder / "a" / name) if path.exists() else folder / "a" / name
        path.write_text(content)
        digests.add(found(folder)["a"].digest())
    assert len(digests) == 3
    assert found(folder)["a"].digest() in digests


def test_no_folder_or_nothing_in_it(folder):
    with pytest.raises(DataError, match=r"^submissions: .* is empty"):
        entries(folder, folder / "graded")
    with pytest.raises(DataError, match=r"^submissions: .*nowhere cannot be read"):
        entries(folder / "nowhere", folder)


@pytest.mark.parametrize(
    ("code", "does"),
    [
        ("def toeplitz(h): pass", True),
        ("from mine import toeplitz", True),
        ("toeplitzes = 1", False),
        ("x = 1", False),
    ],
)
def test_which_exercises_a_file_attempts(code, does):
    assert attempts(exercise_named("toeplitz"), Source("a.py", ("", code))) is does
