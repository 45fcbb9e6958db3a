"""What an experiment is: a plan of runs, a way to do one, and what its rows say."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from hyena_np.backend import Backend
from hyena_np.errors import ConfigError

PRESETS = ("laptop", "paper")


@dataclass(frozen=True)
class Run:
    """One run of an experiment, independent of all others.

    Parameters
    ----------
    factors : dict
        What tells it from the other runs: short names and plain values, the columns of a table.
    settings : dict
        Everything that its result depends on, as JSON holds it; ``settings["seed"]`` is its seed.
    """

    factors: dict[str, Any]
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """Of its row and its folder: the factors, one after the other."""
        return "_".join(f"{factor}={value}" for factor, value in self.factors.items())

    @property
    def steps(self) -> int:
        """Training steps, or 1 where nothing is trained: its share of the progress bar."""
        return self.settings.get("training", {}).get("schedule", {}).get("total", 1)


class Table(NamedTuple):
    """A table of text: a title, a head, and rows as long as the head."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Report(NamedTuple):
    """What the rows of an experiment say."""

    tables: list[Table]
    conclusions: list[str]  # one sentence each, computed from the rows
    figures: dict[str, Callable[[], Any]]  # file name without its ending -> draws a Figure


@dataclass(frozen=True)
class Experiment:
    """A comparison of the paper.

    Parameters
    ----------
    name : str
        On the command line.
    title : str
        One line.
    paper : str
        The figures and tables that it repeats.
    question : str
        What it asks, and the hypothesis.
    differs : str
        What differs from the paper, in scale and otherwise.
    factors, measures : tuple of str
        Columns of its results: what is varied, and what is measured.
    plan : callable
        ``(preset, rows) -> runs``: all runs that are known from the rows so far. Called again when they are
        finished, so that later runs can depend on earlier ones (a learning rate that was tuned).
    execute : callable
        ``(settings, folder, backend, on_progress) -> {measure: value}``; see `Execute`.
    report : callable
        ``rows -> Report``; works with whatever rows there are.
    """

    name: str
    title: str
    paper: str
    question: str
    differs: str
    factors: tuple[str, ...]
    measures: tuple[str, ...]
    plan: Callable[[str, Sequence[Any]], list[Run]] = field(repr=False)
    execute: Execute = field(repr=False)
    report: Callable[[Sequence[Any]], Report] = field(repr=False)


OnProgress = Callable[[], None]
"""Called between steps; raises KeyboardInterrupt where the run has to stop."""

Execute = Callable[[dict, Path, Backend, OnProgress], dict[str, float | int | str]]
"""Do one run in a folder of its own, which may hold its checkpoint; return what was measured."""

CATALOGUE = {
    "recall-by-parametrisation": "hyena_np.experiments.recall_by_parametrisation",
    "recall-by-length": "hyena_np.experiments.recall_by_length",
    "reasoning": "hyena_np.experiments.reasoning",
    "mqar": "hyena_np.experiments.mqar",
    "initialisation": "hyena_np.experiments.initialisation",
    "language": "hyena_np.experiments.language",
    "images": "hyena_np.experiments.images",
    "parameter-counts": "hyena_np.experiments.parameter_counts",
}
"""Every experiment, in the order of the paper, and the module that has it as EXPERIMENT."""


def module_of(name: str) -> str:
    """The module of an experiment; ConfigError lists the names where there is none."""
    if name not in CATALOGUE:
        raise ConfigError(f"experiment: got {name!r}, allowed are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def experiment_in(module: str) -> Experiment:
    """The experiment of a module."""
    loaded: ModuleType = importlib.import_module(module)
    return loaded.EXPERIMENT


def check_preset(preset: str) -> None:
    """Raise ConfigError unless there is such a preset."""
    if preset not in PRESETS:
        raise ConfigError(f"preset: got {preset!r}, allowed are {', '.join(PRESETS)}")
