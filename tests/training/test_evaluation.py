"""Loss and accuracy of a language model on held-out tokens."""

import numpy as np
import pytest

from hyena_np.backend import get_backend
from hyena_np.models.language_model import LanguageModelConfig, init_language_model, language_model
from hyena_np.ops.config import HyenaConfig
from hyena_np.training import evaluation
from hyena_np.training.evaluation import evaluate_tokens

MODEL = LanguageModelConfig(7, 1, HyenaConfig(4, 9, filter_order=4), d_inner=4, embedding_std=1.0)


@pytest.fixture
def params(rng):
    return init_language_model(MODEL, rng, get_backend("numpy", "float64"))


@pytest.fixture
def examples(rng):
    inputs, labels = rng.integers(7, size=(2, 6, 9))
    labels[0, 3:], labels[2] = -100, -100  # one example counts in part, another not at all
    return inputs, labels


def test_it_is_the_mean_over_the_labels_that_count(params, examples):
    inputs, labels = examples
    logits, _ = language_model(inputs, params, MODEL)
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    losses = [-np.log(chances[i, t, labels[i, t]]) for i, t in np.argwhere(labels >= 0)]
    right = [np.argmax(logits[i, t]) == labels[i, t] for i, t in np.argwhere(labels >= 0)]
    found = evaluate_tokens(params, MODEL, inputs, labels)
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-12)
    assert found.accuracy == pytest.approx(np.mean(right), rel=1e-12)
    assert 0 < found.accuracy < 1


@pytest.mark.parametrize(("limit", "value"), [("_TOKENS", 9), ("_TOKENS", 20), ("_LOGITS", 1)])
def test_it_does_not_matter_how_the_examples_are_cut(params, examples, monkeypatch, limit, value):
    whole = evaluate_tokens(params, MODEL, *examples)
    calls = []
    monkeypatch.setattr(evaluation, limit, value)
    monkeypatch.setattr(
        evaluation, "language_model", lambda ids, *rest: calls.append(len(ids)) or language_model(ids, *rest)
    )
    assert list(evaluate_tokens(params, MODEL, *examples)) == pytest.approx(list(whole), rel=1e-12)
    assert max(calls) == max(1, value // 9 if limit == "_TOKENS" else 0)
