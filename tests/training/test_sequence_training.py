"""The training loop around models of numbers: they learn, on every library, and resume bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from hyena_np import (
    HyenaConfig,
    SequenceModelConfig,
    cross_entropy,
    get_backend,
    mean_squared_error,
    sequence_model,
    tree_leaves,
)
from hyena_np.training.loop import METRICS_NAME, TrainConfig, initial_state, train, train_step
from hyena_np.training.metrics import Evaluation, read_metrics
from hyena_np.training.schedule import Schedule

L = 6
MIXER = HyenaConfig(d_model=6, l_max=L, filter_order=4, num_inner_mlps=1, shift=0.5)
CLASSES = SequenceModelConfig(2, 2, n_layer=1, mixer=MIXER, d_inner=8, pooling="mean", init="torch")
NUMBERS = SequenceModelConfig(2, 1, n_layer=1, mixer=MIXER, d_inner=8, init="torch")
CONFIG = TrainConfig(Schedule(0.02, warmup=3, total=60), seed=1, eval_every=20, checkpoint_every=7)


def classes(rng, step):
    """The larger of two sums is the label."""
    x = rng.standard_normal((16, L, 2))
    return x, np.argmax(x.sum(axis=1), axis=-1)


def numbers(rng, step):
    """The product of the position before, unknown at the first one."""
    x = rng.standard_normal((16, L, 2))
    values = np.full((16, L), np.nan)
    values[:, 1:] = x[:, :-1].prod(axis=-1)
    return x, (values, np.isfinite(values))


def evaluate_classes(params):
    x, labels = classes(np.random.default_rng(9), 0)
    logits, _ = sequence_model(x.astype("f4"), params, CLASSES)
    return Evaluation(float(np.mean(logits.argmax(-1) == labels)), float(cross_entropy(logits, labels)[0]))


def evaluate_numbers(params):
    x, (values, mask) = numbers(np.random.default_rng(9), 0)
    answers, _ = sequence_model(x.astype("f4"), params, NUMBERS)
    return Evaluation(loss=float(mean_squared_error(answers, values[..., None], mask)[0]))


KINDS = {"classes": (CLASSES, classes, evaluate_classes), "numbers": (NUMBERS, numbers, evaluate_numbers)}


def run(kind, folder, config=CONFIG, resume=False, sample=None):
    model, own, evaluate = KINDS[kind]
    return train(model, config, get_backend("numpy"), sample or own, evaluate, folder, {}, resume)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_and_is_measured_on_held_out_examples(kind, tmp_path):
    result = run(kind, tmp_path)
    records = read_metrics(tmp_path / METRICS_NAME)
    measured = [record for record in records if record.validation_loss is not None]
    assert [record.step for record in measured] == [20, 40, 60]
    assert measured[-1].validation_loss < 0.7 * records[0].loss
    assert (measured[-1].accuracy, measured[-1].validation_loss) == KINDS[kind][2](result.state.params)
    assert (measured[-1].accuracy is None) == (kind == "numbers")


@pytest.mark.parametrize("kind", KINDS)
def test_resumes_bit_for_bit(kind, tmp_path):
    config = replace(CONFIG, schedule=Schedule(0.02, warmup=3, total=12), eval_every=5)
    sample, calls = KINDS[kind][1], iter(range(100))

    def interrupted(rng, step):
        if next(calls) == 9:
            raise KeyboardInterrupt
        return sample(rng, step)

    (tmp_path / "whole").mkdir()
    (tmp_path / "halves").mkdir()
    whole = run(kind, tmp_path / "whole", config)
    assert run(kind, tmp_path / "halves", config, sample=interrupted).interrupted
    halves = run(kind, tmp_path / "halves", config, resume=True)
    assert not halves.interrupted
    for name, x in tree_leaves(whole.state.params).items():
        np.testing.assert_array_equal(tree_leaves(halves.state.params)[name], x, err_msg=name)
    rows = [
        [record._replace(seconds=0.0) for record in read_metrics(tmp_path / folder / METRICS_NAME)]
        for folder in ("whole", "halves")
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_on_every_library_from_a_batch_on_the_host(kind, library):
    backend = get_backend(library.module, library.dtype)
    if library.device:
        backend = replace(backend, device=library.device_object)
    model, sample, _ = KINDS[kind]
    batch = sample(np.random.default_rng(0), 0)
    reference = initial_state(model, CONFIG, get_backend("numpy", "float64"))
    _, expected, expected_norm = train_step(reference, *batch, model, CONFIG)
    new, loss, norm = train_step(initial_state(model, CONFIG, backend), *batch, model, CONFIG)
    assert all(library.owns(x) for x in tree_leaves(new.params).values())
    assert library.to_numpy(loss) == pytest.approx(expected, rel=library.rtol)
    assert library.to_numpy(norm) == pytest.approx(expected_norm, rel=library.rtol)
