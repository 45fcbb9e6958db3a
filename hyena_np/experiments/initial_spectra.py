"""The filters that a Hyena operator starts with, by its settings: nothing is trained (App. D.3)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from hyena_np.experiments.experiment import Table
from hyena_np.experiments.filter_spectra import SHARE, cutoff, initial_filters
from hyena_np.ops.config import HyenaConfig
from hyena_np.plots.comparison import compare
from hyena_np.plots.filter_kinds import median_spectra

SEEDS = (0, 1, 2)
WIDTH = 64
LENGTH = 128  # of the paper's figures in App. D.3
BANDS = (1, 2, 4, 8, 16)  # K
FREQUENCIES = (1, 10, 14)  # w
WHITE = SHARE * LENGTH / 2  # cut-off of white noise: no filter of this length varies faster

# Spread of the filters and their cut-off at L=1,024, computed from the official code: init, w, E -> numbers.
OFFICIAL_LENGTH = 1024
OFFICIAL = {
    ("torch", 1, 5): ("0.08 to 0.09", ""),
    ("torch", 10, 5): ("0.41", "70"),
    ("torch", 10, 33): ("0.41", "459"),
    ("torch", 14, 5): ("0.41", ""),
    ("gpt2", 1, 5): ("0.0001 to 0.0003", ""),
    ("gpt2", 10, 5): ("0.07 to 0.11", "1"),
    ("gpt2", 14, 5): ("0.11", "1"),
    ("gpt2", 10, 33): ("0.07 to 0.11", "17"),
    ("gpt2", 14, 33): ("0.11", "42"),
}

# Settings whose spectra are drawn.
KINDS: dict[str, dict[str, Any]] = {
    "w=1, K=2": {},
    "w=1, K=16": {"emb_dim": 33},
    "w=10, K=2": {"w": 10.0},
    "w=14, K=2": {"w": 14.0},
    "gpt2, w=1, K=2": {"init": "gpt2"},
    "gpt2, w=10, K=2": {"init": "gpt2", "w": 10.0},
    "gpt2, w=14, K=16": {"init": "gpt2", "w": 14.0, "emb_dim": 33},
}


class Start(NamedTuple):
    """How the filter networks of several seeds start: their mean, and their range."""

    spread: float  # standard deviation over lags and channels
    cutoff: float  # cycles over all lags
    low: int
    high: int


@cache
def start_of(init: str, w: float, emb_dim: int, L: int = LENGTH) -> Start:
    """The filter networks of an operator of width 64 at the start, without their windows."""
    config = HyenaConfig(WIDTH, L, emb_dim=emb_dim, w=float(w), init=init)
    filters = [initial_filters(config, seed).raw for seed in SEEDS]
    cutoffs = [cutoff(h) for h in filters]
    spread = sum(float(h.std()) for h in filters) / len(filters)
    return Start(spread, sum(cutoffs) / len(cutoffs), min(cutoffs), max(cutoffs))


def table() -> Table:
    """Our filters at the start beside numbers that were computed from the official code."""
    rows = []
    for (init, w, emb_dim), official in OFFICIAL.items():
        start = start_of(init, w, emb_dim, OFFICIAL_LENGTH)
        rows.append(
            [init, str(w), str(emb_dim)]
            + [f"{start.spread:.2g}", official[0]]
            + [f"{start.cutoff:.0f} ({start.low} to {start.high})", official[1]]
        )
    return Table(
        f"Filters at the start, without their window, L={OFFICIAL_LENGTH:,}: standard deviation, and cut-off "
        f"(cycles; {SHARE:.0%} of the energy lies below)",
        ["init", "w", "E", "deviation", "official code", "cut-off", "official code"],
        rows,
    )


def conclusion() -> str:
    """What the paper says about the cut-off, beside what it is."""
    at_one = ", ".join(f"{start_of('torch', 1, 2 * K + 1).cutoff:.0f} (K={K})" for K in BANDS)
    wide = start_of("torch", 10, 17).cutoff
    return (
        f"At L={LENGTH} and w=1 the filters start with a cut-off of {at_one} cycles, where the paper says "
        f"about 2K+1. K=8 with w=10 has {wide:.0f}, white noise {WHITE:.0f}; the paper says the full band."
    )


def cutoff_figure():
    """The cut-off at the start against the number of bands, by sine frequency."""
    series: dict[str, Any] = {}
    for w in FREQUENCIES:
        starts = [start_of("torch", w, 2 * K + 1) for K in BANDS]
        series[f"w={w}"] = [[getattr(start, part) for start in starts] for part in ("cutoff", "low", "high")]
    series["paper: 2K+1, w=1"] = [[2 * K + 1 for K in BANDS]] * 3
    series["white noise"] = [[WHITE] * len(BANDS)] * 3
    return compare(
        BANDS,
        series,
        "A higher sine frequency widens the spectrum at the start",
        "bands K of the positional features",
        f"cut-off at the start (cycles over {LENGTH} lags)",
        scale="log",
        percent=False,
    )


def spectra_figure():
    """The spectra at the start, for the settings of `KINDS`."""
    filters = {
        name: initial_filters(HyenaConfig(WIDTH, LENGTH, **({"emb_dim": 5} | own)), SEEDS[0]).raw
        for name, own in KINDS.items()
    }
    return median_spectra(filters, "Sine frequency, bands and initialisation set the first spectrum")
