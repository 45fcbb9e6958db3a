"""Sizes and operations of the published models, counted without training any (Tables A.4 and 4.4)."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import Experiment, OnProgress, Report, Run, Table
from hyena_np.experiments.published import (
    MODEL_PARAMETERS,
    PILE_BATCH,
    PILE_FLOPS,
    PILE_LENGTH,
    PILE_STEPS,
)
from hyena_np.experiments.store import Row
from hyena_np.models.flops import flops_breakdown, training_flops
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.published import PUBLISHED_MODELS, published_model, published_parameters
from hyena_np.plots import cost_against_length

MEASURES = ("parameters", "training_flops", "literal_flops", "peak_bytes")
TOKENS = PILE_STEPS * PILE_BATCH * PILE_LENGTH
# The same depth, width and MLP, so that the mixer is all that differs.
PAIR = ("125M", "GPT-125M")
LENGTHS = tuple(2**power for power in range(5, 17))
_MIXING = {
    "Hyena: long and short convolutions": ("short convolution", "long convolution"),
    "attention: scores, softmax, weighted sum": ("scores", "softmax", "weighted sum"),
}
_RUN_TIME_CROSSOVER = 2048  # Sec. 4.4: from where on Hyena is faster than attention


def plan(preset: str, rows: Sequence[Row]) -> list[Run]:
    """One count a published model; both presets alike."""
    return [Run({"model": name}, {"seed": 0, "model": name}) for name in PUBLISHED_MODELS]


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Count one model, and watch how much memory that takes."""
    name = settings["model"]
    count, peak = _with_peak(partial(published_parameters, name))
    found: dict[str, Any] = {"parameters": count, "peak_bytes": peak}
    for measure, literal in (("training_flops", False), ("literal_flops", True)):
        trained = name in PILE_FLOPS.rows
        flops = training_flops(published_model(name), PILE_LENGTH, TOKENS, literal) if trained else math.nan
        found[measure] = flops
    return {measure: found[measure] for measure in MEASURES}


def _with_peak(count: Callable[[], int]) -> tuple[int, int]:
    """What a function returns, and the most bytes that were allocated at once on the way."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    result = count()
    _, peak = tracemalloc.get_traced_memory()
    if not traced:
        tracemalloc.stop()
    return result, peak - before


def mixing_operations(config: LanguageModelConfig, L: int) -> float:
    """Operations a token and layer that depend on L: all but the dense layers, which are alike in both."""
    parts = flops_breakdown(_of_length(config, L), L)
    named = {part for names in _MIXING.values() for part in names}
    return sum(value for part, value in parts.items() if part in named) / (L * config.n_layer)


def dense_operations(config: LanguageModelConfig, L: int) -> float:
    """Operations a token and layer of projections, output and MLP, whatever L is."""
    parts = flops_breakdown(_of_length(config, L), L)
    return sum(parts[part] for part in ("projections", "output", "mlp")) / (L * config.n_layer)


def _of_length(config: LanguageModelConfig, L: int) -> LanguageModelConfig:
    """The same model for inputs of another length."""
    learned = config.max_position_embeddings and L
    mixer: Any = config.mixer  # its class has the field l_max, as those of Hyena and attention do
    return replace(config, mixer=replace(mixer, l_max=L), max_position_embeddings=learned)


def crossover(hyena: LanguageModelConfig, attention: LanguageModelConfig) -> int:
    """The shortest length at which a layer of Hyena needs fewer operations than one of attention."""
    L = 2
    while mixing_operations(hyena, L) >= mixing_operations(attention, L):
        L += 1
    return L


def report(rows: Sequence[Row]) -> Report:
    """A table of sizes and operations beside the published ones, and where the operations cross."""
    by_model = {row.factors["model"]: row.measures for row in rows}
    head = ["model", "parameters", "named, 1e6", "training, 1e19 operations", "published"]
    head += ["formula as printed", "allocated (KiB)"]
    table = Table(
        f"Parameters, and operations of training on {TOKENS / 1e9:.2f}e9 tokens of the Pile",
        head,
        [_cells(name, by_model[name]) for name in PUBLISHED_MODELS if name in by_model],
    )
    conclusions = [*_about_parameters(by_model), *_about_training(by_model), *_about_saving(by_model)]
    if all(name in by_model for name in PAIR):
        at = crossover(*map(published_model, PAIR))
        conclusions.append(
            f"Counted operations of a layer of {PAIR[0]} are fewer than those of attention of the same width "
            f"from L={at} on. The published run times cross at L={_RUN_TIME_CROSSOVER}: an FFT does less "
            "arithmetic, and does it more slowly, than a product of matrices."
        )
    return Report([table], conclusions, {"operations_by_length": _figure} if rows else {})


def _cells(name: str, found: dict[str, Any]) -> list[str]:
    named, printed = _named(name), _printed(name)
    flops, literal = found["training_flops"] / 1e19, found["literal_flops"] / 1e19
    return [
        name,
        f"{found['parameters']:,}{_difference(found['parameters'] / 1e6, named)}",
        "" if named is None else f"{named:g}",
        "" if printed is None else f"{flops:.3f}{_difference(flops, printed)}",
        "" if printed is None else f"{printed:g}",
        "" if printed is None else f"{literal:.3f}{_difference(literal, printed)}",
        f"{found['peak_bytes'] / 1024:.0f}",
    ]


def _named(name: str) -> float | None:
    return MODEL_PARAMETERS.rows.get(name, {}).get("named")


def _printed(name: str) -> float | None:
    return PILE_FLOPS.rows.get(name, {}).get(15)


def _difference(ours: float, published: float | None) -> str:
    return "" if published is None else f" ({100 * (ours / published - 1):+.1f} %)"


def _about_parameters(by_model: dict[str, dict]) -> list[str]:
    off = {
        name: abs(found["parameters"] / 1e6 / named - 1)
        for name, found in by_model.items()
        if (named := _named(name)) is not None
    }
    if not off:
        return []
    worst = max(off, key=lambda name: off[name])
    largest = max(by_model.values(), key=lambda found: found["parameters"])
    return [
        f"The {len(off)} models of Table A.4 have the size of their names to {100 * off[worst]:.1f} % or "
        f"better ({worst} is furthest off), with three projections and one long filter a layer.",
        f"Counting the largest model, of {largest['parameters'] / 1e6:,.0f} million parameters, allocated "
        f"{largest['peak_bytes'] / 1024:.0f} KiB at most: shapes alone are enough.",
    ]


def _about_training(by_model: dict[str, dict]) -> list[str]:
    lines = []
    for measure, said in (
        ("training_flops", "Charged for all three projections"),
        ("literal_flops", "As the formula of App. A.2 is printed, with two projections"),
    ):
        off = {
            name: found[measure] / 1e19 / printed - 1
            for name, found in by_model.items()
            if (printed := _printed(name)) is not None and not name.startswith("GPT")
        }
        if off:
            each = ", ".join(f"{100 * value:+.1f} % ({name})" for name, value in off.items())
            lines.append(f"{said}, Hyena's training differs from Table 4.4 by {each}.")
    return lines


def _about_saving(by_model: dict[str, dict]) -> list[str]:
    lines = []
    for hyena, rival in (("153M", "GPT-125M"), ("355M", "GPT-355M")):
        if hyena in by_model and rival in by_model:
            ours = 1 - by_model[hyena]["training_flops"] / by_model[rival]["training_flops"]
            theirs = 1 - PILE_FLOPS.rows[hyena][15] / PILE_FLOPS.rows[rival][15]  # type: ignore[operator]
            lines.append(
                f"Training {hyena} takes {100 * ours:.1f} % fewer operations than training {rival}; by the "
                f"numbers of Table 4.4 it is {100 * theirs:.1f} %, and the text says 20 %."
            )
    return lines


def _figure():
    hyena, attention = map(published_model, PAIR)
    lines = {
        label: [mixing_operations(config, L) for L in LENGTHS]
        for label, config in zip(_MIXING, (hyena, attention), strict=True)
    }
    lines["both: projections, output, MLP"] = [dense_operations(hyena, L) for L in LENGTHS]
    return cost_against_length(
        LENGTHS,
        lines,
        "The cost of mixing grows with L for attention, and hardly at all for Hyena",
        f"operations a token and layer (width {hyena.d_model})",
    )


EXPERIMENT = Experiment(
    name="parameter-counts",
    title="Parameters and operations of the published models",
    paper="Tables A.4 and 4.4, App. A.2",
    question=(
        "Do the published configurations have the published sizes, and does the published formula give the "
        "published operations? Hypothesis: yes, with the order of the official code, not with Def. 3.1's."
    ),
    differs=(
        "Nothing is trained, and both presets are the same. Perplexities are not repeated: they take the "
        "Pile and weeks of a GPU. The GPT models have the shapes of GPT-3's, which the paper does not list."
    ),
    factors=("model",),
    measures=MEASURES,
    plan=plan,
    execute=execute,
    report=report,
)
