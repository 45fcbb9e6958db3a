"""Write docs/results.md and its figures from the results that come with the package.

python docs/build_results.py            writes what is out of date
python docs/build_results.py --check    only says what is, with exit status 1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hyena_np.experiments.experiment import CATALOGUE, PRESETS, experiment_in
from hyena_np.experiments.show import as_markdown, committed_results, draw
from hyena_np.experiments.store import read_results
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


def sections() -> str:
    """The whole page."""
    parts = [HEAD]
    for module in CATALOGUE.values():
        experiment = experiment_in(module)
        for preset in PRESETS:
            path = committed_results(experiment, preset)
            if path.exists():
                rows, damaged = read_results(path, experiment)
                assert not damaged, damaged
                parts.append(as_markdown(experiment, preset, rows, IMAGES))
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where it is out of date"
    )
    check = parser.parse_args().check
    text = sections()
    if PAGE.exists() and PAGE.read_text() == text:
        print("docs/results.md is up to date")
        return 0
    if check:
        print("docs/results.md is out of date; python docs/build_results.py writes it")
        return 1
    for module in CATALOGUE.values():
        experiment = experiment_in(module)
        path = committed_results(experiment, "laptop")
        if path.exists():
            draw(experiment, read_results(path, experiment).rows, DOCS / IMAGES)
    write_bytes(PAGE, text.encode())
    print("docs/results.md is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
