"""Multi-query associative recall against the width of the model: where Hyena is weak (Zoology, Fig. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import Experiment, OnProgress, Run
from hyena_np.experiments.mqar_report import MIXERS, report, resized
from hyena_np.experiments.published import MQAR_SIZES, MQAR_WIDTHS
from hyena_np.experiments.recall import MEASURES, SEEDS
from hyena_np.experiments.store import Row
from hyena_np.experiments.token_data import train_on_tokens
from hyena_np.experiments.tuning import Cell, tuned_runs
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.serialise import config_to_dict
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.mqar import MQARTask
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule

SIZES: dict[str, Sequence[tuple[int, int]]] = {"laptop": ((16, 4), (32, 8)), "paper": MQAR_SIZES}
WIDTHS: dict[str, Sequence[int]] = {"laptop": (16, 32, 64), "paper": MQAR_WIDTHS}
RATES = {"laptop": (4.6e-4, 2.2e-3, 1e-2), "paper": (1e-4, 4.6e-4, 2.2e-3, 1e-2)}
_EXAMPLES = 100_000  # of the paper, for 64 epochs


def make_run(preset: str, cell: Cell, rate: float, seed: int) -> Run:
    """A run: a mixer, a size of the task, a width, a learning rate and a seed."""
    length = cell["length"]
    laptop = preset == "laptop"
    vocab = 5 * length // 4 if laptop else 8192
    batch = 1024 // length if laptop else min(512, 65536 // length)
    steps = 1000 if laptop else 64 * _EXAMPLES // batch
    schedule = Schedule(rate, 50 if laptop else 0, steps, "constant" if laptop else "cosine")
    betas = (0.9, 0.98) if laptop else (0.9, 0.999)
    training = TrainConfig(schedule, seed, betas, eval_every=steps, checkpoint_every=max(200, steps // 20))
    settings = {
        "seed": seed,
        "task": {
            "vocab_size": vocab,
            "length": length,
            "num_kv_pairs": cell["pairs"],
            "random_non_queries": False,
        },
        "data": {
            "batch": batch,
            "examples": None if laptop else _EXAMPLES,
            "test": 1000 if laptop else 3000,
        },
        "model": config_to_dict(_model(cell, vocab, laptop)),
        "training": config_to_dict(training),
    }
    return Run({**cell, "lr": rate, "seed": seed}, settings)


def _model(cell: Cell, vocab: int, laptop: bool) -> LanguageModelConfig:
    length, width = cell["length"], cell["width"]
    mixer: MixerConfig
    if cell["mixer"] == "Attention":
        mixer = AttentionConfig(width, length)
    elif laptop:
        mixer = HyenaConfig(width, length, emb_dim=5, filter_order=32, w=1.0, shift=0.5)
    else:
        mixer = HyenaConfig(width, length)
    return LanguageModelConfig(
        vocab,
        2,
        mixer,
        d_inner=1,  # the paper's blocks have no MLP; ours always have one, which is here of a single unit
        max_position_embeddings=length if cell["mixer"] == "Attention" else 0,
        embedding_std=0.1 if laptop else 0.02,
    )


def plan(preset: str, rows: Sequence[Row]) -> list[Run]:
    """Every mixer and width tunes its learning rate on the shortest task, then runs all with all seeds."""
    sizes = SIZES[preset]
    cells = [
        {"mixer": mixer, "length": length, "pairs": pairs, "width": width}
        for mixer in MIXERS
        for length, pairs in sizes
        for width in WIDTHS[preset]
    ]
    return tuned_runs(
        cells,
        RATES[preset],
        SEEDS,
        lambda cell, rate, seed: make_run(preset, cell, rate, seed),
        rows,
        tune_on=lambda cell: resized(cell, sizes[0]),
    )


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Train a model on multi-query recall, and test it."""
    return train_on_tokens(MQARTask(**settings["task"]), settings, folder, backend, on_progress, MEASURES)


EXPERIMENT = Experiment(
    name="mqar",
    title="Multi-query recall against the width of the model",
    paper='Zoology ("Measuring and improving recall in efficient language models"), Fig. 2',
    question=(
        "Several keys, each asked once, at a lag of its own: how wide must a model be? Hypothesis, the "
        "published result: attention solves it at every width, Hyena needs more width the longer the "
        "sequence and the more pairs it holds."
    ),
    differs=(
        "Two layers without MLP, learned positions for attention, filler of zeros, as published (an MLP of "
        "one unit stands where ours must have one). Lengths 16 and 32 with 4 and 8 pairs, widths 16 to 64, "
        "not lengths 64 to 512 with 4 to 64 pairs, widths 64 to 512; V = 20 and 40, not 8,192; 1,000 steps "
        "of 1,024 fresh tokens, not 64 epochs on 100,000 examples; of three learning rates, not four, "
        "the best at the shorter length, kept constant. The dotted line is a guess among the values of the "
        "prompt, which is learned long before recall."
    ),
    factors=("mixer", "length", "pairs", "width", "lr", "seed"),
    measures=MEASURES,
    plan=plan,
    execute=execute,
    report=report,
)
