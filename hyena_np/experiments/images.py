"""Images as sequences of pixels or patches: Hyena in one and two dimensions, and attention (Table 4.7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import Experiment, OnProgress, Report, Run
from hyena_np.experiments.image_data import ImageData, image_split
from hyena_np.experiments.image_report import report as image_report
from hyena_np.experiments.store import Row
from hyena_np.experiments.training_run import train_and_test
from hyena_np.experiments.tuning import Cell, tuned_runs
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.params import tree_from_leaves
from hyena_np.models.sequence_model import SequenceModelConfig, sequence_model_shapes
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.noncausal_config import BidirectionalHyenaConfig, Hyena2DConfig
from hyena_np.training.loop import TrainConfig
from hyena_np.training.optim import parameter_groups
from hyena_np.training.schedule import Schedule

MIXERS = ("attention", "Hyena", "Hyena-bidirectional", "Hyena-2D")
SEEDS = (0, 1, 2)
PATCHES = (1, 2)
CLASSES = 10
# The paper does not say how it trained on CIFAR-10. Epochs, batch, width, depth and weight decay are those of
# the official code's configuration for it; the MLP is cut so that Hyena-2D has the parameters of the paper's
# Hyena-ISO, 202,000.
SIZES: dict[str, dict[str, Any]] = {
    "laptop": {
        "images": "digits",
        "side": 8,
        "channels": 1,
        "width": 32,
        "layers": 2,
        "inner": 64,
        "heads": 2,
        "position_std": 0.5,
        "network": {"filter_order": 16, "emb_dim": 5, "w": 1.0, "shift": 0.5},
        "batch": 32,
        "steps": 450,
        "warmup": 50,
        "weight_decay": 0.1,
    },
    "paper": {
        "images": "cifar10",
        "side": 32,
        "channels": 3,
        "width": 64,
        "layers": 4,
        "inner": 140,
        "heads": 4,
        "position_std": 0.02,
        "network": {"filter_order": 64, "emb_dim": 5, "w": 10.0},
        "batch": 50,
        "steps": 90_000,
        "warmup": 4500,
        "weight_decay": 0.03,
    },
}
RATES = {"laptop": (3e-3, 1e-2, 3e-2), "paper": (3e-4, 1e-3, 3e-3)}
TRAINED = ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss", "train_loss")
MEASURES = ("parameters", *TRAINED)


def mixer_of_name(name: str, size: dict[str, Any], positions: int) -> MixerConfig:
    """The mixer of a competitor, for images of so many positions on a side."""
    width, length = size["width"], positions**2
    if name == "attention":
        return AttentionConfig(width, length, num_heads=size["heads"])
    network = size["network"]
    if name == "Hyena-2D":
        return Hyena2DConfig(width, positions, positions, **network)
    if name == "Hyena-bidirectional":
        return BidirectionalHyenaConfig(width, length, **network)
    return HyenaConfig(width, length, **network)


def make_run(preset: str, cell: Cell, rate: float, seed: int) -> Run:
    """A run: a mixer, a patch, a learning rate and a seed."""
    size, patch = SIZES[preset], cell["patch"]
    mixer = mixer_of_name(cell["mixer"], size, size["side"] // patch)
    model = SequenceModelConfig(
        d_input=patch**2 * size["channels"],
        d_output=CLASSES,
        n_layer=size["layers"],
        mixer=mixer,
        d_inner=size["inner"],
        pooling="mean",
        max_position_embeddings=mixer.l_max if cell["mixer"] == "attention" else 0,
        init="torch",
        position_std=size["position_std"],
    )
    steps = size["steps"]
    schedule = Schedule(rate, size["warmup"], steps, "cosine")
    training = TrainConfig(
        schedule,
        seed,
        betas=(0.9, 0.999),
        weight_decay=size["weight_decay"],
        eval_every=steps,
        checkpoint_every=max(100, steps // 20),
    )
    settings = {
        "seed": seed,
        "data": {"images": size["images"], "patch": patch, "batch": size["batch"]},
        "model": config_to_dict(model),
        "training": config_to_dict(training),
    }
    return Run({**cell, "lr": rate, "seed": seed}, settings)


def plan(preset: str, rows: Sequence[Row]) -> list[Run]:
    """Every mixer tunes its learning rate for pixels and for patches, then runs with every seed."""
    return tuned_runs(
        [{"mixer": mixer, "patch": patch} for patch in PATCHES for mixer in MIXERS],
        RATES[preset],
        SEEDS,
        lambda cell, rate, seed: make_run(preset, cell, rate, seed),
        rows,
    )


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Train a model on images, and test it."""
    model = config_from_dict(SequenceModelConfig, settings["model"])
    training = config_from_dict(TrainConfig, settings["training"])
    split = image_split(settings["data"]["images"], settings["seed"])
    data = ImageData(split, model, settings["data"]["patch"], settings["data"]["batch"])
    found = train_and_test(model, training, data, settings, folder, backend, on_progress, TRAINED)
    return {"parameters": trained_parameters(model)} | found


def trained_parameters(model: SequenceModelConfig) -> int:
    """Number of parameters that training changes; nothing is allocated."""
    shapes = sequence_model_shapes(model)
    groups = parameter_groups(tree_from_leaves(shapes), 0.0)
    return sum(math.prod(shape) for name, shape in shapes.items() if groups[name].lr_scale)


def report(rows: Sequence[Row]) -> Report:
    """Accuracy and size by mixer, for pixels and for patches, beside the published numbers."""
    return image_report(rows, MIXERS, PATCHES, SEEDS[0])


EXPERIMENT = Experiment(
    name="images",
    title="Images as sequences of pixels or of patches",
    paper="Table 4.7, Sec. 4.5",
    question=(
        "Without the order of time: does Hyena classify images as well as attention, pixel by pixel and in "
        "patches, and what do filters over both directions or over both axes of the image add? Hypothesis of "
        "the paper: as good as attention in patches, and a little better in two dimensions than in one."
    ),
    differs=(
        "1,797 digits of 8 by 8 grey pixels (64 pixels, or 16 patches of 2x2), where the paper has ImageNet "
        "and CIFAR-10: 1,259 to learn from, no augmentation, and a test of 359, so that one image is 0.3 "
        "points; every seed divides them anew. Two layers of width 32, about 20,000 parameters, 450 steps "
        "of 32 images; of three learning rates each takes its best. All models read the mean over the "
        "positions. Attention is causal, with learned positions, where ViT sees the whole image: it is to be "
        "set beside causal Hyena. The paper preset is CIFAR-10 with the epochs, the width and the depth of "
        "the official code's configuration for it, and without its augmentation."
    ),
    factors=("mixer", "patch", "lr", "seed"),
    measures=MEASURES,
    plan=plan,
    execute=execute,
    report=report,
)
