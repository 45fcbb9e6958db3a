"""What the experiment on initialisation changes, one knob at a time (App. D)."""

from __future__ import annotations

from typing import Any

from hyena_np.experiments.recall import WIDTH
from hyena_np.experiments.tuning import Cell
from hyena_np.ops.config import HyenaConfig

Knobs = dict[str, Any]

# The demo's recipe, and the settings of the official code for recall.
BASES: dict[str, Knobs] = {
    "laptop": {
        "w": 1.0,
        "emb_dim": 5,
        "decay": "as published",
        "shift": 0.5,
        "init": "torch",
        "positions": "constant",
        "table": "1026 or longer",
    },
    "paper": {
        "w": 10.0,
        "emb_dim": 5,
        "decay": "as published",
        "shift": 0.0,
        "init": "gpt2",
        "positions": "constant",
        "table": "as the input",
    },
}
BASE_CELL = {"factor": "base", "value": "base"}
# Factor -> value as a table names it -> what it changes.
FACTORS: dict[str, dict[Any, Knobs]] = {
    "w": {w: {"w": float(w)} for w in (1, 10, 14)},
    "E": {emb_dim: {"emb_dim": emb_dim} for emb_dim in (3, 5, 33)},
    "decay": {decay: {"decay": decay} for decay in ("none", "as published", "tenfold")},
    "shift": {shift: {"shift": float(shift)} for shift in (0, 0.05, 0.5)},
    "init": {
        "torch": {"init": "torch"},
        "gpt2": {"init": "gpt2"},
        "gpt2 with w=10": {"init": "gpt2", "w": 10.0},
    },
    "positions": {positions: {"positions": positions} for positions in ("constant", "trained")},
    "table": {table: {"table": table} for table in ("as the input", "1026 or longer")},
}
SAID = {
    "w": "sine frequency w",
    "E": "positional features E",
    "decay": "decay of the window",
    "shift": "shift of the window",
    "init": "initialisation of all dense layers",
    "positions": "table of positional features",
    "table": "length of the tables",
}
# Fractions of the table at which the slowest and the fastest window have fallen to 1 %.
_DECAYS = {"none": (1e6, 1e6), "as published": (1.5, 0.3), "tenfold": (0.15, 0.03)}


def knobs_of(preset: str, cell: Cell) -> Knobs:
    """All knobs of a cell: those of the base, and the one that it changes."""
    change = {} if cell == BASE_CELL else FACTORS[cell["factor"]][cell["value"]]
    return BASES[preset] | change


def mixer_of_knobs(knobs: Knobs, length: int) -> HyenaConfig:
    """The operator of some knobs, for recall at a length."""
    l_max = length + 2
    slow, fast = _DECAYS[knobs["decay"]]
    return HyenaConfig(
        WIDTH,
        l_max if knobs["table"] == "as the input" else max(l_max, 1026),
        emb_dim=knobs["emb_dim"],
        w=knobs["w"],
        shift=knobs["shift"],
        slow_decay_pct=slow,
        fast_decay_pct=fast,
        init=knobs["init"],
    )
