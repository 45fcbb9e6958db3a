"""The gradient of a batch, shared by threads, is the gradient of the whole batch."""

import numpy as np
import pytest

from hyena_np import HyenaConfig, LanguageModelConfig, get_backend, init_language_model, threads
from hyena_np.errors import ShapeError, TokenError
from hyena_np.training import gradient
from hyena_np.training.gradient import loss_and_gradients
from support.gradients import assert_close, assert_trees_close

MODEL = LanguageModelConfig(9, 2, HyenaConfig(6, 12, filter_order=4), d_inner=8, init="torch")
PARAMS = init_language_model(MODEL, np.random.default_rng(0), get_backend("numpy", "float64"))


@pytest.fixture(autouse=True)
def always_in_parallel(monkeypatch):
    monkeypatch.setattr(gradient, "_PARALLEL_SIZE", 1)


def batch(rng, B=5, L=12, counted=0.5):
    ids, labels = rng.integers(0, 9, (2, B, L))
    return ids, np.where(rng.random((B, L)) < counted, labels, -100)


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_any_number_of_threads_gives_the_same_gradient(rng, count, remat):
    ids, labels = batch(rng)
    with threads(1):
        whole = loss_and_gradients(PARAMS, ids, labels, MODEL)
    with threads(count):
        assert_trees_close(loss_and_gradients(PARAMS, ids, labels, MODEL, remat), whole, 1e-12)


def test_parts_weigh_by_their_labels(rng):
    """One part has one label, the other has all but one: an unweighted mean would be far off."""
    ids, labels = batch(rng, B=2, counted=1.0)
    labels[0, 1:] = -100
    with threads(1):
        whole = loss_and_gradients(PARAMS, ids, labels, MODEL)
    with threads(2):
        assert len(gradient._parts_of_batch(PARAMS, ids, labels, MODEL)) == 2
        assert_trees_close(loss_and_gradients(PARAMS, ids, labels, MODEL), whole, 1e-12)
        separate = [loss_and_gradients(PARAMS, ids[i : i + 1], labels[i : i + 1], MODEL)[0] for i in (0, 1)]
    with pytest.raises(AssertionError):
        assert_close(np.mean(separate), whole[0], 1e-3)


def test_a_part_without_labels_is_no_error(rng):
    ids, labels = batch(rng, B=4, counted=1.0)
    labels[2:] = -100
    with threads(2):
        found = loss_and_gradients(PARAMS, ids, labels, MODEL)
    with threads(1):
        assert_trees_close(found, loss_and_gradients(PARAMS, ids, labels, MODEL), 1e-12)


def test_errors_are_those_of_the_model(rng):
    ids, labels = batch(rng)
    with threads(2):
        with pytest.raises(TokenError, match=r"^labels: every position is -100"):
            loss_and_gradients(PARAMS, ids, np.full_like(labels, -100), MODEL)
        with pytest.raises(TokenError, match=r"^ids: got 9, allowed are 0 to 8"):
            loss_and_gradients(PARAMS, np.where(ids == ids[4, 3], 9, ids), labels, MODEL)
        with pytest.raises(ShapeError):
            loss_and_gradients(PARAMS, ids, labels[:, 1:], MODEL)


def test_a_small_batch_stays_whole(rng, monkeypatch):
    ids, labels = batch(rng)
    monkeypatch.setattr(gradient, "_PARALLEL_SIZE", ids.size * MODEL.d_model + 1)
    with threads(2):
        assert gradient._parts_of_batch(PARAMS, ids, labels, MODEL) == (slice(None),)
