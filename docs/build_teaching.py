"""Write the list of exercises into docs/teaching/exercises.md, and draw which needs which.

python docs/build_teaching.py            writes the list and the picture
python docs/build_teaching.py --check    only says whether the list is up to date, with exit status 1
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hyena_np.exercises import EXERCISES, exercise_named
from hyena_np.exercises.exercise import Exercise
from hyena_np.files import write_bytes
from hyena_np.plots.figure import png

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "teaching" / "exercises.md"
PICTURE = DOCS / "images" / "exercises.png"
_MARKED = re.compile(r"(<!-- exercises: begin -->\n).*?(<!-- exercises: end -->)", re.DOTALL)
HALF = 1.2  # of the width of a box
_HEAD = "| | exercise | minutes | points | needs | the paper |\n|---|---|---|---|---|---|\n"


def table() -> str:
    """The exercises in Markdown, a row each, and their sum."""
    rows = [
        f"| {e.number} | `{e.name}`: {e.title} | {e.minutes} | {e.points} | {_needs(e)} | {_places(e)} |"
        for e in EXERCISES
    ]
    minutes, points = sum(e.minutes for e in EXERCISES), sum(e.points for e in EXERCISES)
    return _HEAD + "\n".join([*rows, f"| | together | {minutes} | {points} | | |"]) + "\n"


def _needs(exercise: Exercise) -> str:
    return ", ".join(str(exercise_named(name).number) for name in exercise.needs)


def _places(exercise: Exercise) -> str:
    return ", ".join(exercise.paper)


def depth(exercise: Exercise) -> int:
    """How many exercises must be done before it, one after the other."""
    return max((1 + depth(exercise_named(name)) for name in exercise.needs), default=0)


def picture() -> Figure:
    """A box for each exercise, a column for each depth, an arrow from what is needed to what needs it."""
    columns: dict[int, list[Exercise]] = {}
    for exercise in EXERCISES:
        columns.setdefault(depth(exercise), []).append(exercise)
    tallest = max(map(len, columns.values()))
    places = {
        e.name: (3.2 * d, -(n + 0.5) * tallest / len(column))
        for d, column in columns.items()
        for n, e in enumerate(column)
    }
    figure = Figure(figsize=(9.5, 0.8 * tallest))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-1.4, 3.2 * max(columns) + 1.4)
    axes.set_ylim(-tallest, 0.2)
    for e in EXERCISES:
        x, y = places[e.name]
        corner, style = (x - HALF, y - 0.3), "round,pad=0,rounding_size=0.1"
        box = FancyBboxPatch(corner, 2 * HALF, 0.6, style, facecolor="#e8f1f8", edgecolor="#0072b2")
        axes.add_patch(box)
        axes.text(x, y, f"{e.number}\n{e.name}", ha="center", va="center", fontsize=8.5)
        for name in _without_detours(e):
            a, b = places[name]
            bend = -0.22 if depth(e) - depth(exercise_named(name)) > 1 else 0.0  # over the box in between
            arrow: dict[str, object] = {"arrowstyle": "-|>", "color": "0.45", "shrinkA": 0, "shrinkB": 0}
            arrow["connectionstyle"] = f"arc3,rad={bend}"
            axes.annotate("", xy=(x - HALF, y), xytext=(a + HALF, b), arrowprops=arrow, zorder=0)
    return figure


def _without_detours(exercise: Exercise) -> list[str]:
    """What an exercise needs, but for what it needs through another one anyway."""
    through = {name for other in exercise.needs for name in _all_needs(other)}
    return [name for name in exercise.needs if name not in through]


def _all_needs(name: str) -> set[str]:
    needs = exercise_named(name).needs
    return set(needs).union(*map(_all_needs, needs))


def page(text: str) -> str:
    """The page with the list as it should be."""
    return _MARKED.sub(lambda marks: f"{marks[1]}\n{table()}\n{marks[2]}", text)


def main() -> int:
    """Write, or only compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    found = PAGE.read_text()
    if check:
        if found != page(found):
            print("docs/teaching/exercises.md is out of date: run python docs/build_teaching.py")
        return int(found != page(found))
    write_bytes(PAGE, page(found).encode())
    write_bytes(PICTURE, png(picture(), 110))
    return 0


if __name__ == "__main__":
    sys.exit(main())
