"""The training loop: seeded, measured as it goes, and resumable bit for bit from its last checkpoint."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hyena_np.backend import Array, Backend
from hyena_np.errors import CheckpointError, ConfigError, NonFiniteError, ParameterError
from hyena_np.files import remove_parts
from hyena_np.models.objective import ModelConfig, objective_of
from hyena_np.models.params import tree_from_leaves, tree_leaves, tree_map
from hyena_np.ops.checks import check_integer, check_real
from hyena_np.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from hyena_np.training.metrics import Evaluation, MetricsFile, Record
from hyena_np.training.optim import (
    AdamWState,
    adamw,
    adamw_init,
    clip_by_global_norm,
    parameter_groups,
)
from hyena_np.training.schedule import Schedule, learning_rate

CHECKPOINT_NAME = "checkpoint.safetensors"
METRICS_NAME = "metrics.csv"


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained.

    Parameters
    ----------
    schedule : Schedule
        Learning rate; training takes ``schedule.total`` steps.
    seed : int
        Of the initial weights and of every batch.
    betas : tuple of float
        Of AdamW.
    weight_decay : float
        Of the weights; see `parameter_groups`.
    clip : float
        Largest norm of the gradient.
    train_positions : bool
        Whether the table of positional features is trained.
    eval_every, checkpoint_every, log_every : int
        Steps between measurements on held-out examples, checkpoints, and rows of the metrics file. A row
        fetches the loss, which a GPU has to stop for.
    remat : bool
        As in `language_model`.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Tables A.1 and A.3.
    """

    schedule: Schedule
    seed: int = 0
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.1
    clip: float = 1.0
    train_positions: bool = False
    eval_every: int = 50
    checkpoint_every: int = 50
    log_every: int = 1
    remat: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise ConfigError(f"schedule: got {type(self.schedule).__name__}, allowed is a Schedule")
        for name in ("eval_every", "checkpoint_every", "log_every"):
            check_integer(name, getattr(self, name), 1)
        check_integer("seed", self.seed, 0)
        check_real("clip", self.clip, positive=True)
        check_real("weight_decay", self.weight_decay)
        if self.weight_decay < 0:
            raise ConfigError(f"weight_decay: got {self.weight_decay}, allowed are numbers >= 0")
        if not isinstance(self.betas, tuple | list) or len(self.betas) != 2:
            raise ConfigError(f"betas: got {self.betas!r}, allowed are two numbers from 0 to below 1")
        for beta in self.betas:
            check_real("betas", beta)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas: got {self.betas!r}, allowed are two numbers from 0 to below 1")


class TrainState(NamedTuple):
    """Where a run stands between two steps. Everything that the next step depends on is here."""

    step: int  # steps taken
    params: dict
    optimizer: AdamWState
    rng_state: dict  # of the generator that batches are drawn from
    seconds: float  # spent so far, measurements included


class TrainResult(NamedTuple):
    """How a run ended."""

    state: TrainState
    interrupted: bool  # by Ctrl-C; the checkpoint is written


# (rng, step) -> inputs and targets on the host, as `objective_of` wants them for the model
Sample = Callable[[np.random.Generator, int], tuple[Any, Any]]


def initial_state(model: ModelConfig, config: TrainConfig, backend: Backend) -> TrainState:
    """The state before the first step: weights drawn from the seed, in float64 on the host.

    Parameters
    ----------
    model : LanguageModelConfig or SequenceModelConfig
    config : TrainConfig
    backend : Backend
        Where the weights live; their shapes are those of `model_shapes` or `sequence_model_shapes`.

    Returns
    -------
    TrainState

    Raises
    ------
    ConfigError
        A config is not allowed.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    rng = np.random.default_rng(config.seed)
    params = objective_of(model).init(model, rng, backend)
    return TrainState(0, params, adamw_init(params), dict(rng.bit_generator.state), 0.0)


def train_step(
    state: TrainState, inputs: Any, targets: Any, model: ModelConfig, config: TrainConfig
) -> tuple[TrainState, Array, Array]:
    r"""One step: forward, loss, backward, clip, update.

    Parameters
    ----------
    state : TrainState
        Not changed.
    inputs, targets : array, or a tuple of arrays
        A batch as `objective_of` wants it; for a language model token ids (B, L) and, for every position, the
        next token or -100.
    model : LanguageModelConfig or SequenceModelConfig
    config : TrainConfig

    Returns
    -------
    state : TrainState
    loss : array ()
        Of the batch, before the update: cross-entropy in nats, or squared error; stays on the device.
    norm : array ()
        Norm of the gradient before clipping.

    Raises
    ------
    TokenError, ShapeError
        The batch does not fit the model.

    Notes
    -----
    Source: Hyena paper, App. A (training procedure).
    """
    loss, grads = objective_of(model).loss_and_gradients(state.params, inputs, targets, model, config.remat)
    groups = parameter_groups(state.params, config.weight_decay, config.train_positions)
    # The norm is that of what is trained: the tables have gradients too, but stay as they are.
    leaves = tree_leaves(grads)
    trained = tree_from_leaves({name: leaf for name, leaf in leaves.items() if groups[name].lr_scale})
    clipped, norm = clip_by_global_norm(trained, config.clip)
    grads = tree_from_leaves(leaves | tree_leaves(clipped))
    rate = learning_rate(state.step, config.schedule)
    params, optimizer = adamw(state.params, grads, state.optimizer, rate, groups, config.betas)
    return state._replace(step=state.step + 1, params=params, optimizer=optimizer), loss, norm


# What overflows ends in a loss that is no number, and is an error then; no warning need come before it.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train(
    model: ModelConfig,
    config: TrainConfig,
    backend: Backend,
    sample: Sample,
    evaluate: Callable[[dict], Evaluation],
    folder: str | Path,
    run: dict,
    resume: bool = False,
    on_record: Callable[[Record], None] = lambda record: None,
) -> TrainResult:
    """Train a model, with metrics and checkpoints in a folder.

    The same seed gives the same weights bit for bit on NumPy, whether or not the run was killed and resumed
    on the way: a checkpoint holds the weights, the optimiser's and the generator's state.

    Parameters
    ----------
    model : LanguageModelConfig or SequenceModelConfig
    config : TrainConfig
    backend : Backend
    sample : callable
        ``(rng, step) -> (inputs, targets)``, a batch on the host; draws from `rng` alone.
    evaluate : callable
        ``params -> Evaluation``: accuracy, loss or both, on held-out examples.
    folder : str or Path
        Exists; gets ``checkpoint.safetensors`` and ``metrics.csv``. Unless `resume`, those of an earlier run
        are removed first.
    run : dict
        The run's configuration as JSON holds it; kept in the checkpoint, and compared on resuming.
    resume : bool
        Go on from the folder's checkpoint; from the start where there is none yet.
    on_record : callable
        Told every record, for a progress bar.

    Returns
    -------
    TrainResult

    Raises
    ------
    ConfigError
        JSON cannot hold `run`.
    NonFiniteError
        The loss is no finite number; the last good checkpoint stays in the folder.
    CheckpointError
        The checkpoint or the metrics to resume from are damaged or belong to another run.
    OutputError
        A file cannot be written.

    Notes
    -----
    Source: Hyena paper, App. A (training procedure).
    """
    path, run = Path(folder) / CHECKPOINT_NAME, _as_json(run)
    state, saved = initial_state(model, config, backend), None
    if resume and path.exists():
        state = _restore(load_checkpoint(path, backend, run), state, path)
        saved = state.step
    elif path.is_file():
        path.unlink()  # of an earlier run: if this one is killed early, it must not resume from there
    for written in (path, Path(folder) / METRICS_NAME):
        remove_parts(written)
    metrics = MetricsFile(Path(folder) / METRICS_NAME, resume_at=state.step)
    rng = np.random.default_rng()
    rng.bit_generator.state = state.rng_state
    unchecked: list[Array] = []  # loss and norm of the last step
    clock = time.perf_counter() - state.seconds
    interrupted = False
    try:
        while state.step < config.schedule.total:
            inputs, targets = sample(rng, state.step)
            rate = learning_rate(state.step, config.schedule)
            new, *values = train_step(state, inputs, targets, model, config)
            if due(new.step, config, config.eval_every, config.checkpoint_every, config.log_every):
                loss, norm = _finite(new.step, values, path)
                held_out = Evaluation()
                if due(new.step, config, config.eval_every):
                    held_out = evaluate(new.params)
                seconds = time.perf_counter() - clock
                record = Record(new.step, loss, rate, norm, held_out.accuracy, seconds, held_out.loss)
                metrics.append(record)
                on_record(record)
            # Only now: a step that Ctrl-C cuts short is not counted, and is taken again on resuming.
            new = new._replace(rng_state=rng.bit_generator.state, seconds=time.perf_counter() - clock)
            state, unchecked = new, values
            if due(state.step, config, config.checkpoint_every):
                save_checkpoint(path, _checkpoint(state, run))
                saved = state.step
    except KeyboardInterrupt:
        interrupted = True
        if unchecked:
            _finite(state.step, unchecked, path)
    if saved != state.step:
        save_checkpoint(path, _checkpoint(state, run))
    return TrainResult(state, interrupted)


def due(step: int, config: TrainConfig, *intervals: int) -> bool:
    """Whether one of the intervals ends at this step; the last step ends all."""
    return step == config.schedule.total or any(step % interval == 0 for interval in intervals)


def _as_json(run: dict) -> dict:
    """What a checkpoint will hold, found out before any time is spent on training."""
    try:
        return json.loads(json.dumps(run))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"run: got something that JSON cannot hold ({error})") from error


def _finite(step: int, values, path: Path) -> tuple[float, float]:
    loss, norm = (float(value) for value in values)
    if math.isfinite(loss) and math.isfinite(norm):
        return loss, norm
    last = f"the last good checkpoint is {path}" if path.exists() else "no checkpoint had been written yet"
    raise NonFiniteError(
        f"step {step}: the loss is {loss} and the gradient's norm {norm}; a lower learning rate or a longer "
        f"warm-up usually helps; {last}"
    )


def _checkpoint(state: TrainState, run: dict) -> Checkpoint:
    return Checkpoint(state.params, state.optimizer, state.step, state.rng_state, run, state.seconds)


def _restore(checkpoint: Checkpoint, fresh: TrainState, path: Path) -> TrainState:
    # Rebuilt along the fresh trees: sums over arrays depend on their order, to the last bit.
    try:
        params = tree_map(_fitting, fresh.params, checkpoint.params)
        mean = tree_map(_fitting, fresh.params, checkpoint.optimizer.mean)
        square = tree_map(_fitting, fresh.params, checkpoint.optimizer.square)
    except ParameterError as error:
        raise CheckpointError(f"{path}: does not fit the model ({error})") from error
    optimizer = AdamWState(checkpoint.step, mean, square)
    return TrainState(checkpoint.step, params, optimizer, checkpoint.rng_state, checkpoint.seconds)


def _fitting(expected: Array, loaded: Array) -> Array:
    if loaded.shape != expected.shape:
        raise ParameterError(f"an array has shape {tuple(loaded.shape)}, allowed is {tuple(expected.shape)}")
    return loaded
