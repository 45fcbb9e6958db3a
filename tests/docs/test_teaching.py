"""The teacher's guide: its list is the package's, its plans add up, its diagnoses are what a check says."""

import importlib
import re

import build_teaching
import pytest
from making.places import DOCS

from hyena_np.exercises import EXERCISES

TEACHING = DOCS / "teaching"
PLANS = [TEACHING / f"{name}.md" for name in ("two_hours", "one_day", "four_weeks")]
BY_NUMBER = {exercise.number: exercise for exercise in EXERCISES}


def rows(text):
    """The cells of every table row of a page."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]


# --- the list -----------------------------------------------------------------------------------------------


def test_the_list_is_that_of_the_package():
    listed = {
        row[0]: row for row in rows(build_teaching.PAGE.read_text()) if row[0].isdigit() and len(row) == 6
    }
    assert [int(number) for number in listed] == list(BY_NUMBER)
    for e in EXERCISES:
        _, title, minutes, points, needs, paper = listed[str(e.number)]
        assert title == f"`{e.name}`: {e.title}"
        assert (int(minutes), int(points)) == (e.minutes, e.points)
        assert [BY_NUMBER[int(n)].name for n in needs.split(", ") if n] == list(e.needs)
        assert paper == ", ".join(e.paper)


def test_an_old_list_is_noticed(tmp_path, monkeypatch, capsys):
    text = build_teaching.PAGE.read_text()
    page = tmp_path / "exercises.md"
    page.write_text(text.replace("| 1 | `toeplitz`", "| 1 | `circulant`"))
    monkeypatch.setattr(build_teaching, "PAGE", page)
    monkeypatch.setattr(build_teaching, "PICTURE", tmp_path / "exercises.png")
    monkeypatch.setattr("sys.argv", ["build_teaching.py", "--check"])
    assert build_teaching.main() == 1
    assert "out of date" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["build_teaching.py"])
    assert build_teaching.main() == 0
    assert page.read_text() == text


def test_the_picture_has_a_box_for_each_exercise_and_arrows_from_left_to_right():
    (axes,) = build_teaching.picture().axes
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    boxes = [text.get_text() for text in axes.texts if not getattr(text, "arrow_patch", None)]
    assert boxes == [f"{e.number}\n{e.name}" for e in EXERCISES]
    assert len(arrows) >= sum(bool(e.needs) for e in EXERCISES)
    assert all(arrow.xyann[0] < arrow.xy[0] for arrow in arrows)


def test_every_exercise_has_its_notebook():
    text = build_teaching.PAGE.read_text().split("## Which notebook goes with which")[1]
    numbers = [int(n) for row in rows(text)[2:] for n in row[1].split(", ")]
    assert set(numbers) == set(BY_NUMBER)


# --- the plans ----------------------------------------------------------------------------------------------


def tables(page):
    """The tables of a plan that end with their sum."""
    table = []
    for row in rows(page.read_text()):
        if row[0].isdigit():
            table.append(row)
        if "together" in row:
            yield table[:-1], int(row[0])
            table = []


def exercises_in(page):
    """(minutes given, exercise), in the order of the plan."""
    for table, _ in tables(page):
        for row in table:
            for number, name in re.findall(r"exercise (\d+), `(\w+)`", " ".join(row)):
                assert BY_NUMBER[int(number)].name == name
                yield int(row[0]), BY_NUMBER[int(number)]


@pytest.mark.parametrize("page", PLANS, ids=lambda page: page.stem)
def test_the_minutes_of_a_plan_add_up(page):
    found = list(tables(page))
    assert found
    for table, together in found:
        assert sum(int(row[0]) for row in table) == together


def test_the_plans_are_as_long_as_they_say():
    two_hours, one_day = (sum(together for _, together in tables(page)) for page in PLANS[:2])
    assert (two_hours, one_day) == (120, 360)
    for table, _ in tables(PLANS[2]):
        assert sum(int(row[0]) for row in table if row[1] == "lecture") == 90
        assert sum(int(row[0]) for row in table if row[1] == "class") == 90


@pytest.mark.parametrize("page", PLANS, ids=lambda page: page.stem)
def test_a_plan_gives_every_exercise_its_time_and_what_it_needs_first(page):
    done = set()
    for minutes, exercise in exercises_in(page):
        assert minutes >= exercise.minutes, exercise.name
        assert set(exercise.needs) <= done, exercise.name
        done.add(exercise.name)
    assert done


def test_four_weeks_have_every_exercise():
    assert {exercise.number for _, exercise in exercises_in(PLANS[2])} == set(BY_NUMBER)


# --- common mistakes ----------------------------------------------------------------------------------------


def sections():
    """The sections of the page on mistakes, by the number of the exercise."""
    text = (TEACHING / "mistakes.md").read_text()
    parts = re.split(r"^## (\d+)\. `(\w+)`$", text, flags=re.MULTILINE)[1:]
    return {int(n): (name, body) for n, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}


def said_by(exercise):
    """What a check may say of an exercise: the mistakes that it knows, and those that the tests plant."""
    planted = importlib.import_module(f"exercises.planted.{exercise.name}").WRONG
    known = [mistake.says for question in exercise.questions for mistake in question.mistakes]
    return known + [wrong.says for wrong in planted]


def test_every_exercise_has_its_mistakes():
    assert {n: name for n, (name, _) in sections().items()} == {e.number: e.name for e in EXERCISES}


@pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in EXERCISES])
def test_the_check_says_what_the_guide_says_it_does(exercise):
    quoted = [row[0].strip("`") for row in rows(sections()[exercise.number][1])[2:]]
    assert len(quoted) >= 3
    unknown = [quote for quote in quoted if not any(quote in says for says in said_by(exercise))]
    assert unknown == []
