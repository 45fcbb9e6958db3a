"""Write docs/results.md and its figures from the results that come with the package.

python docs/build_results.py            writes what is out of date
python docs/build_results.py --check    only says what is, with exit status 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hyena_np.experiments.experiment import CATALOGUE, PRESETS, Experiment, experiment_in
from hyena_np.experiments.show import as_markdown, committed_results, draw
from hyena_np.experiments.store import Row, read_results
from hyena_np.files import write_bytes

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "results.md"
IMAGES = "images/results"
HEAD = """# Results

Every comparison of the paper, at a size that runs on a laptop, beside the published numbers.
This page is made by `python docs/build_results.py` from the CSV files in `hyena_np/experiments/results/`:
one row a run, with its settings, seed, versions and time. `hyena-np experiment run NAME` makes them anew,
`hyena-np experiment show NAME` prints one. Presets of the published size are there for a GPU
(`--preset paper`).
"""


Found = tuple[Experiment, str, list[Row]]  # an experiment, a preset, and its rows


def found() -> Iterator[Found]:
    """All results that come with the package."""
    for experiment in map(experiment_in, CATALOGUE.values()):
        for preset in PRESETS:
            path = committed_results(experiment, preset)
            if path.exists():
                rows, damaged = read_results(path, experiment)
                assert not damaged, damaged
                yield experiment, preset, rows


def images_of(preset: str) -> str:
    """The folder of a preset's figures, from the page; both presets draw figures of the same names."""
    return IMAGES if preset == "laptop" else f"{IMAGES}-{preset}"


def main() -> int:
    """Write the page, or only say whether it is up to date; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    check = parser.parse_args().check
    results = list(found())
    text = "\n".join([HEAD, *(as_markdown(*result, images_of(result[1])) for result in results)])
    if PAGE.exists() and PAGE.read_text() == text:
        print("docs/results.md is up to date")
        return 0
    if check:
        print("docs/results.md is out of date; python docs/build_results.py writes it")
        return 1
    for experiment, preset, rows in results:
        draw(experiment, rows, DOCS / images_of(preset))
    write_bytes(PAGE, text.encode())
    print("docs/results.md is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
