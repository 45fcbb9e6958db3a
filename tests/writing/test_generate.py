"""Writing with a model: each token from the window before it, one at a time."""

from itertools import islice

import numpy as np
import pytest

from hyena_np.errors import ConfigError, ShapeError, TokenError
from hyena_np.models.language_model import LanguageModelConfig, init_language_model, language_model
from hyena_np.models.params import tree_map
from hyena_np.ops.config import HyenaConfig
from hyena_np.writing.generate import generate
from hyena_np.writing.mixer import CAUSAL_MIXERS
from hyena_np.writing.recipe import WritingRecipe

CONFIG = LanguageModelConfig(
    5, 1, HyenaConfig(4, 6, shift=0.5), init="torch", embedding_std=1.0, pad_vocab_size_multiple=8
)


@pytest.fixture
def params(rng):
    params = init_language_model(CONFIG, rng)
    table = np.array(params["embeddings"]["word_embeddings"]["weight"])
    table[5:] *= 50  # rows of no token, whose logits would win
    return params | {"embeddings": {"word_embeddings": {"weight": table}}}


def test_greedy_takes_the_best_token_of_the_window(params):
    context = [1, 2, 0]
    written = list(generate(params, CONFIG, context, 12, np.random.default_rng(0), temperature=0))
    for token in written:  # the window slides from the fourth on
        logits, _ = language_model(np.array([context[-6:]]), params, CONFIG)
        assert token == int(np.argmax(logits[0, -1, :5]))
        context.append(token)
    assert len(written) == 12


def test_rows_of_no_token_are_never_drawn(params):
    logits, _ = language_model(np.array([[1, 2]]), params, CONFIG)
    assert np.argmax(logits[0, -1]) >= 5
    for temperature in (0, 100.0):
        written = generate(params, CONFIG, [1, 2], 20, np.random.default_rng(0), temperature)
        assert set(written) <= set(range(5))


def test_a_prompt_longer_than_the_window_counts_from_its_end(params):
    short, long = ([1, 2, 3, 4, 0, 1], [4, 4, 4, 1, 2, 3, 4, 0, 1])
    one, other = (list(generate(params, CONFIG, ids, 4, np.random.default_rng(3))) for ids in (short, long))
    assert one == other


def test_the_generator_is_the_only_source_of_randomness(params):
    runs = [tuple(generate(params, CONFIG, [0], 12, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_tokens_come_one_at_a_time(params):
    assert len(list(islice(generate(params, CONFIG, [0], 10**9, np.random.default_rng(0)), 3))) == 3


def test_arguments_stay_as_they_are(params):
    ids, before = [1, 2], tree_map(np.array, params)
    list(generate(params, CONFIG, ids, 3, np.random.default_rng(0)))
    assert ids == [1, 2]
    tree_map(np.testing.assert_array_equal, params, before)


def test_what_is_not_allowed_is_said_before_the_first_token(params):
    rng = np.random.default_rng(0)
    for error, mentioned, arguments in (
        (ShapeError, "ids", ([], 3)),
        (ConfigError, "count", ([0], -1)),
        (ConfigError, "temperature", ([0], 3, rng, -1.0)),
        (ConfigError, "top_k", ([0], 3, rng, 1.0, 0)),
    ):
        ids, count, *rest = arguments
        with pytest.raises(error, match=mentioned):
            generate(params, CONFIG, ids, count, *(rest or [rng]))
    with pytest.raises(TokenError):
        next(generate(params, CONFIG, [5], 1, rng))


@pytest.mark.parametrize("mixer", CAUSAL_MIXERS)
def test_no_mixer_that_may_be_asked_for_sees_the_next_character(mixer, rng):
    config = WritingRecipe(mixer=mixer, width=8, layers=1, length=6).model(5)
    params = init_language_model(config, rng)
    ids = rng.integers(0, 5, (1, 6))
    other = ids.copy()
    other[0, -1] = (other[0, -1] + 1) % 5
    one, two = (np.asarray(language_model(batch, params, config)[0]) for batch in (ids, other))
    np.testing.assert_allclose(one[:, :-1], two[:, :-1], rtol=1e-4, atol=1e-5)
    assert np.abs(one[:, -1] - two[:, -1]).max() > 1e-3
    # Nor is it blind to what stands first, or to the order; AFT's biases of position begin at zero.
    first = np.array([[(ids[0, 0] + 1) % 5, *ids[0, 1:]]])
    changed = (
        [first] if mixer == "aft_conv" or ids[0, 0] == ids[0, 1] else [first, ids[:, [1, 0, 2, 3, 4, 5]]]
    )
    for batch in changed:
        two = np.asarray(language_model(batch, params, config)[0])
        assert np.abs(one[:, -1] - two[:, -1]).max() > 1e-6
