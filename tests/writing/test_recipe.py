"""The recipe, the options that make it, and how held-out text is measured."""

import numpy as np
import pytest

from hyena_np.errors import ConfigError
from hyena_np.ops.attention import AttentionConfig
from hyena_np.tasks.batches import TokenBatch
from hyena_np.writing.mixer import mixer_config
from hyena_np.writing.options import OPTIONS, merge_options
from hyena_np.writing.recipe import WritingRecipe
from hyena_np.writing.windows import spread_windows

# --- options ------------------------------------------------------------------------------------------------


def test_flags_win_over_the_file(tmp_path):
    (tmp_path / "run.toml").write_text('width = 32\nlr = 1e-3\nmixer = "attention"\n')
    flags = dict.fromkeys(OPTIONS) | {"width": 16, "seed": 0}
    found = merge_options(flags, tmp_path / "run.toml")
    assert found == {"width": 16, "lr": 1e-3, "mixer": "attention", "seed": 0}


def test_a_text_is_found_beside_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "run.toml").write_text('text = "novel.txt"\n')
    assert merge_options({}, tmp_path / "run.toml") == {"text": str(tmp_path / "novel.txt")}
    monkeypatch.chdir(tmp_path)
    assert merge_options({"text": "novel.txt"}) == {"text": str(tmp_path / "novel.txt")}


def test_a_flag_for_a_corpus_replaces_the_text_of_the_file(tmp_path):
    (tmp_path / "run.toml").write_text('text = "novel.txt"\nwidth = 8\n')
    assert merge_options({"corpus": "text8"}, tmp_path / "run.toml") == {"corpus": "text8", "width": 8}


@pytest.mark.parametrize(
    ("content", "mentioned"),
    [
        (b"widht = 3\n", "unknown key 'widht', allowed are text, corpus, mixer, width, layers"),
        (b"[model]\nwidth = 3\n", "unknown key 'model'"),
        (b"width 3\n", "no TOML"),
        (b"\xff\xfe", "no TOML"),
        (b"text = 3\n", "text: got 3"),
        (b"backend = true\n", "backend: got True"),
        (b'text = "a"\ncorpus = "b"\n', "text, corpus"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, content, mentioned):
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=mentioned) as caught:
        merge_options({}, path)
    assert "run.toml" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "absent.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            merge_options({}, path)


# --- the recipe ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("width", 0),
        ("width", "64"),
        ("width", 64.0),
        ("layers", True),
        ("steps", 0),
        ("batch", -1),
        ("length", 0),
        ("seed", -1),
        ("lr", 0),
        ("lr", float("nan")),
        ("order", 1),
        ("mixer", "hyenas"),
        ("mixer", ["hyena"]),
    ],
)
def test_a_value_that_is_not_allowed_is_named(option, value):
    with pytest.raises(ConfigError, match=option):
        WritingRecipe(**{option: value})


def test_an_order_is_hyenas_alone():
    assert mixer_config("hyena", 8, 16, 3).order == 3
    with pytest.raises(ConfigError, match="order: got 3 for the mixer 'attention'"):
        WritingRecipe(mixer="attention", order=3)


def test_attention_knows_the_order_by_learned_positions_and_any_width_has_heads():
    model = WritingRecipe(mixer="attention", width=96, length=24).model(7)
    assert model.mixer == AttentionConfig(96, 24, num_heads=3)
    assert model.max_position_embeddings == 24
    assert WritingRecipe(mixer="linear_attention", length=24).model(7).max_position_embeddings == 24
    assert WritingRecipe().model(7).max_position_embeddings == 0
    for width in (1, 7, 65, 67):
        assert width % mixer_config("attention", width, 8).num_heads == 0


def test_a_run_of_any_length_is_measured_and_saved_often_enough():
    for steps, interval in ((1, 1), (19, 1), (100, 5), (1500, 75), (10**6, 100)):
        training = WritingRecipe(steps=steps).training
        assert training.eval_every == training.checkpoint_every == interval
        assert training.schedule.total == steps


# --- held-out text ------------------------------------------------------------------------------------------


def test_some_windows_spread_over_the_text():
    windows = TokenBatch(*(np.arange(100)[:, None] + np.array([0, k]) for k in (1, 2)))
    found = spread_windows(windows, characters=20)
    assert found.inputs[:, 0].tolist() == list(range(0, 100, 10))
    np.testing.assert_array_equal(found.labels[:, 0], found.inputs[:, 0])
    assert len(spread_windows(windows, 10**6).inputs) == 100
    assert len(spread_windows(windows, 1).inputs) == 1
