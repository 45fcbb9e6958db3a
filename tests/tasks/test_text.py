"""Characters and windows: an encoding that can be undone, parts that do not overlap, windows without gaps."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from hyena_np.errors import ConfigError, DataError, DTypeError, TokenError
from hyena_np.tasks.characters import CharacterVocabulary
from hyena_np.tasks.corpora import Corpus
from hyena_np.tasks.text import IGNORE, TextTask, bits_per_character

# --- vocabulary ---------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=40), st.data())
def test_encoding_can_be_undone_and_follows_the_code_points(text, data):
    vocabulary = CharacterVocabulary.from_text(text)
    assert vocabulary.to_list() == sorted(set(text))
    other = "".join(data.draw(st.lists(st.sampled_from(vocabulary.to_list()), max_size=20)))
    ids = vocabulary.encode(other)
    assert ids.dtype == np.int64
    assert ids.tolist() == [vocabulary.characters.index(character) for character in other]
    assert vocabulary.decode(ids) == other


def test_a_vocabulary_survives_json():
    vocabulary = CharacterVocabulary.from_text('a\n"é\N{GRINNING FACE}')
    assert CharacterVocabulary.from_list(json.loads(json.dumps(vocabulary.to_list()))) == vocabulary
    assert len(vocabulary) == 5


@pytest.mark.parametrize("unknown", ["é", "\0", "\N{GRINNING FACE}", "\udc80", "A", "z"])
def test_an_unknown_character_is_named_with_its_place(unknown):
    vocabulary = CharacterVocabulary.from_text("bdf")
    with pytest.raises(TokenError) as caught:
        vocabulary.encode("bd" + unknown + "f" + unknown)
    assert f"{unknown!a} at position 2 " in str(caught.value)
    assert str(caught.value).isascii() and "\n" not in str(caught.value)


@pytest.mark.parametrize("ids", [[0, 3], [-1]])
def test_ids_outside_the_vocabulary_are_refused(ids):
    with pytest.raises(TokenError, match=r"got .*allowed are 0 to 2"):
        CharacterVocabulary.from_text("abc").decode(np.array(ids))


def test_decoding_takes_integers_only():
    with pytest.raises(DTypeError, match="ids"):
        CharacterVocabulary.from_text("abc").decode(np.array([0.0]))


@pytest.mark.parametrize("characters", [[], ["b", "a"], ["a", "a"], ["ab", "c"], ["a", ""], ["a", 1]])
def test_what_is_no_vocabulary_is_refused(characters):
    with pytest.raises(ConfigError, match="characters"):
        CharacterVocabulary.from_list(characters)


def test_an_empty_text_has_no_vocabulary():
    with pytest.raises(DataError, match="empty"):
        CharacterVocabulary.from_text("")


# --- windows ------------------------------------------------------------------------------------------------


def numbered(length):
    """A text whose characters are all different, so that each tells its position."""
    return Corpus("numbered", "".join(chr(0x4E00 + position) for position in range(length)))


@pytest.fixture(scope="module")
def task():
    return TextTask(numbered(1000), length=7)


def test_a_sample_is_a_window_of_the_training_part_and_what_follows(task):
    batch = task.sample(np.random.default_rng(0), 5000)
    assert batch.inputs.shape == batch.labels.shape == (5000, 7)
    assert batch.inputs.dtype == batch.labels.dtype == np.int64
    starts = batch.inputs[:, 0]
    np.testing.assert_array_equal(batch.inputs, starts[:, None] + np.arange(7))
    np.testing.assert_array_equal(batch.labels, batch.inputs + 1)
    # Every window that lies wholly in the first 900 characters, and no other: the last label is 899.
    assert starts.min() == 0
    assert batch.labels.max() == 899
    assert len(np.unique(starts)) > 880


def test_samples_follow_the_generator(task):
    first, same, other = (task.sample(np.random.default_rng(seed), 8).inputs for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert task.sample(np.random.default_rng(0), 0).inputs.shape == (0, 7)


@pytest.mark.parametrize(
    ("part", "first", "last"), [("train", 0, 899), ("validation", 900, 949), ("test", 950, 999)]
)
@pytest.mark.parametrize("length", [None, 1, 7, 49, 50, 2000])
def test_windows_predict_each_character_of_their_part_once(task, part, first, last, length):
    inputs, labels = task.windows(part, length)
    width = length or 7
    assert inputs.shape == labels.shape == (math.ceil((last - first) / width), width)
    counted = labels != IGNORE
    np.testing.assert_array_equal(labels[counted], np.arange(first + 1, last + 1))
    np.testing.assert_array_equal(inputs[counted], np.arange(first, last))
    # Only the end of the last window is filled up.
    assert (inputs[~counted] == 0).all()
    assert counted.ravel()[: last - first].all()


def test_the_parts_cover_the_text_and_do_not_overlap(task):
    parts = [task.windows(part, 1) for part in ("train", "validation", "test")]
    seen = np.concatenate([np.append(inputs[:, 0], labels[-1, 0]) for inputs, labels in parts])
    np.testing.assert_array_equal(seen, np.arange(1000))


def test_the_task_is_one_on_tokens():
    task = TextTask(Corpus("x", "aaab" * 30), length=3)
    assert (task.vocab_size, task.input_length) == (2, 3)
    assert task.chance == 0.75
    batch = task.sample(np.random.default_rng(0), 4)
    answers = task.answers(batch)
    np.testing.assert_array_equal(answers.labels, batch.labels)
    assert not np.shares_memory(answers.labels, batch.labels)


def test_a_given_vocabulary_is_used_and_must_know_the_text():
    corpus = Corpus("x", "bd" * 60)
    task = TextTask(corpus, 3, CharacterVocabulary.from_text("abcd"))
    assert task.vocab_size == 4
    assert set(np.unique(task.windows("test").inputs)) <= {0, 1, 3}
    with pytest.raises(TokenError, match="'d' at position 1 "):
        TextTask(corpus, 3, CharacterVocabulary.from_text("abc"))


def test_each_part_must_hold_a_window():
    assert TextTask(numbered(160), 7).windows("validation").inputs.shape == (1, 7)
    with pytest.raises(DataError, match=r"numbered has 150 characters.* has 7, a window of length 7 takes 8"):
        TextTask(numbered(150), 7)


@pytest.mark.parametrize("length", [0, -1, 1.5, True, "7"])
def test_a_length_must_be_a_positive_integer(length):
    with pytest.raises(ConfigError, match="length"):
        TextTask(numbered(1000), length)


def test_there_are_three_parts(task):
    with pytest.raises(ConfigError, match="'valid', allowed are 'train', 'validation', 'test'"):
        task.windows("valid")


def test_bits_of_a_uniform_guess():
    assert bits_per_character(math.log(64)) == pytest.approx(6, rel=1e-15)
