"""Drawing a token: the distribution is exactly the one that the docstring gives."""

import numpy as np
import pytest
from scipy.stats import chi2

from hyena_np.errors import ConfigError, NonFiniteError, ShapeError
from hyena_np.writing.sampling import sample_token, token_probabilities

LOGITS = np.array([0.3, -1.0, 2.0, 0.3, 1.1, -4.0], dtype=np.float32)


def softmax(z):
    e = np.exp(np.asarray(z, dtype=np.float64))
    return e / e.sum()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_divides_the_logits(temperature):
    found = token_probabilities(LOGITS, temperature)
    np.testing.assert_allclose(found, softmax(LOGITS.astype(float) / temperature), rtol=1e-13)
    assert found.dtype == np.float64


def test_top_k_keeps_the_k_largest_in_their_proportions():
    found = token_probabilities(LOGITS, top_k=2)
    np.testing.assert_array_equal(np.flatnonzero(found), [2, 4])
    np.testing.assert_allclose(found[[2, 4]], softmax(LOGITS[[2, 4]]), rtol=1e-13)


def test_of_equal_logits_the_smaller_id_goes_first():
    np.testing.assert_array_equal(np.flatnonzero(token_probabilities(LOGITS, top_k=3)), [0, 2, 4])
    assert token_probabilities(np.array([1.0, 7.0, 7.0]), temperature=0).tolist() == [0, 1, 0]


def test_as_many_as_there_are_or_more_is_no_restriction():
    for top_k in (len(LOGITS), 1000):
        np.testing.assert_array_equal(token_probabilities(LOGITS, top_k=top_k), token_probabilities(LOGITS))


@pytest.mark.parametrize("temperature", [0, 1e-300, 1e-3])
def test_temperature_zero_is_the_limit(temperature):
    assert token_probabilities(LOGITS, temperature).tolist() == [0, 0, 1, 0, 0, 0]


def test_a_shift_of_all_logits_changes_nothing():
    shifted = token_probabilities(LOGITS.astype(float) + 1e4)
    np.testing.assert_allclose(shifted, softmax(LOGITS), rtol=1e-9)


def deviation(temperature, top_k, expected, draws=2_000):
    """Pearson's statistic of draws against the distribution that was expected, and its 99.9 % quantile."""
    rng = np.random.default_rng(5)
    drawn = [sample_token(LOGITS, rng, temperature, top_k) for _ in range(draws)]
    counts = np.bincount(drawn, minlength=len(LOGITS))
    possible = expected > 0
    assert not counts[~possible].any()
    wanted = draws * expected[possible]
    return float(((counts[possible] - wanted) ** 2 / wanted).sum()), chi2.ppf(0.999, possible.sum() - 1)


def test_draws_follow_the_distribution():
    for temperature, top_k in ((1.0, None), (0.7, None), (2.0, 3)):
        scores = LOGITS.astype(float) / temperature
        if top_k:
            scores = np.where(np.isin(np.arange(len(LOGITS)), [0, 2, 4]), scores, -np.inf)
        found, allowed = deviation(temperature, top_k, softmax(scores))
        assert found < allowed


def test_the_statistic_sees_a_slightly_wrong_temperature():
    found, allowed = deviation(1.5, None, softmax(LOGITS))
    assert found > allowed


def test_the_same_state_draws_the_same():
    one, other = (
        [sample_token(LOGITS, rng) for _ in range(20)] for rng in map(np.random.default_rng, (3, 3))
    )
    assert one == other
    assert len(set(one)) > 1


@pytest.mark.parametrize(
    ("arguments", "error", "mentioned"),
    [
        ({"temperature": -0.1}, ConfigError, "temperature: got -0.1"),
        ({"temperature": float("nan")}, ConfigError, "temperature"),
        ({"temperature": float("inf")}, ConfigError, "temperature"),
        ({"top_k": 0}, ConfigError, "top_k: got 0"),
        ({"top_k": 2.0}, ConfigError, "top_k"),
        ({"logits": np.zeros((2, 3))}, ShapeError, "logits"),
        ({"logits": np.zeros(0)}, ShapeError, "logits"),
        ({"logits": np.array([0.0, np.nan])}, NonFiniteError, "logits"),
    ],
)
def test_what_is_not_allowed(arguments, error, mentioned):
    with pytest.raises(error, match=mentioned):
        token_probabilities(**({"logits": LOGITS} | arguments))
