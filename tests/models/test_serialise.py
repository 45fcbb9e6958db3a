"""Configs as plain dictionaries and back."""

import dataclasses
import json

import pytest
from hypothesis import given, strategies as st

from hyena_np import AttentionConfig, FIRConfig, HyenaConfig, LanguageModelConfig, S4DConfig
from hyena_np.errors import ConfigError
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule
from support.filters import RIVALS

HYENA = HyenaConfig(d_model=8, l_max=32, order=3, w=14.0, shift=0.05, variant="paper", filter_layout="do")
ATTENTION = AttentionConfig(d_model=8, l_max=32, num_heads=2)
CONFIGS = {
    "hyena": HYENA,
    "hyena with a rival filter": dataclasses.replace(HYENA, filter=S4DConfig(state=8, dt_max=0.5)),
    "attention": ATTENTION,
    "model of hyena": LanguageModelConfig(20, 2, HYENA, init="torch", embedding_std=0.3),
    "model of attention": LanguageModelConfig(20, 2, ATTENTION, d_inner=5, max_position_embeddings=32),
    "training": TrainConfig(Schedule(8e-3, 10, 300, "cosine", 0.1), seed=3, betas=(0.9, 0.95), remat=True),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
class TestEveryConfig:
    def test_comes_back_equal_through_json(self, config):
        text = json.dumps(config_to_dict(config), allow_nan=False)
        again = config_from_dict(type(config), json.loads(text))
        assert again == config
        assert hash(again) == hash(config)  # a list in the place of a tuple would have none

    def test_its_dictionary_has_every_field_and_nothing_of_python(self, config):
        def plain(value):
            if isinstance(value, dict):
                return all(isinstance(key, str) and plain(item) for key, item in value.items())
            if isinstance(value, list):
                return all(map(plain, value))
            return value is None or type(value) in (int, float, str, bool)

        values = config_to_dict(config)
        assert values.keys() == {field.name for field in dataclasses.fields(config)}
        assert plain(values)

    def test_an_unknown_key_is_named(self, config):
        values = config_to_dict(config) | {"local_order": 3}
        with pytest.raises(
            ConfigError, match=rf"^{type(config).__name__}: unknown key 'local_order', allowed are"
        ):
            config_from_dict(type(config), values)

    def test_what_has_no_default_must_be_there_and_the_rest_need_not(self, config):
        values, defaults = config_to_dict(config), {}
        for field in dataclasses.fields(config):
            if field.default is not dataclasses.MISSING:
                del values[field.name]
                defaults[field.name] = field.default
        assert config_from_dict(type(config), values) == dataclasses.replace(config, **defaults)
        for name in values:
            less = {key: value for key, value in values.items() if key != name}
            with pytest.raises(ConfigError, match=rf"^{type(config).__name__}: missing key '{name}'"):
                config_from_dict(type(config), less)

    @pytest.mark.parametrize("bad", [None, [], 3, "{}"])
    def test_only_a_dictionary_is_taken(self, config, bad):
        with pytest.raises(ConfigError, match=rf"^{type(config).__name__}: got {type(bad).__name__}"):
            config_from_dict(type(config), bad)


class TestInside:
    def test_a_mixer_says_what_it_is(self):
        assert config_to_dict(CONFIGS["model of hyena"])["mixer"]["type"] == "hyena"
        assert config_to_dict(CONFIGS["model of attention"])["mixer"]["type"] == "attention"

    @pytest.mark.parametrize("kind", ["mamba", None, [], 3])
    def test_a_mixer_of_unknown_type(self, kind):
        values = config_to_dict(CONFIGS["model of hyena"])
        values["mixer"]["type"] = kind
        with pytest.raises(ConfigError, match=r"^mixer: got type .*, allowed are hyena, attention"):
            config_from_dict(LanguageModelConfig, values)

    @pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
    def test_a_filter_says_what_it_is(self, rival):
        config = dataclasses.replace(HYENA, filter=rival)
        values = json.loads(json.dumps(config_to_dict(config)))
        assert values["filter"]["type"] == rival.name
        assert config_from_dict(HyenaConfig, values) == config

    def test_a_config_from_before_there_were_rivals(self):
        values = config_to_dict(HYENA)
        del values["filter"]
        assert config_from_dict(HyenaConfig, values) == HYENA

    def test_a_filter_is_no_mixer_and_the_other_way_round(self):
        filters, mixers = "fir, longconv, fno, s4d, transfer_function, ckconv", "hyena, attention"
        mixer = config_to_dict(CONFIGS["model of hyena"])["mixer"]
        with pytest.raises(ConfigError, match=rf"^filter: got type 'hyena', allowed are {filters}$"):
            config_from_dict(HyenaConfig, config_to_dict(HYENA) | {"filter": mixer})
        rival = {"type": "fir", **config_to_dict(FIRConfig())}
        with pytest.raises(ConfigError, match=rf"^mixer: got type 'fir', allowed are {mixers}"):
            config_from_dict(
                LanguageModelConfig, config_to_dict(CONFIGS["model of hyena"]) | {"mixer": rival}
            )

    def test_a_mixer_without_type_and_one_that_is_no_dictionary(self):
        values = config_to_dict(CONFIGS["model of hyena"])
        for bad, message in (({"d_model": 8}, "got type None"), ("hyena", "got str")):
            with pytest.raises(ConfigError, match=rf"^mixer: {message}"):
                config_from_dict(LanguageModelConfig, values | {"mixer": bad})

    @pytest.mark.parametrize(
        ("config", "branch", "name"),
        [("model of hyena", "mixer", "HyenaConfig"), ("training", "schedule", "Schedule")],
    )
    def test_an_unknown_key_of_an_inner_config(self, config, branch, name):
        values = config_to_dict(CONFIGS[config])
        values[branch]["dropout"] = 0.1
        with pytest.raises(ConfigError, match=rf"^{name}: unknown key 'dropout'"):
            config_from_dict(type(CONFIGS[config]), values)

    @pytest.mark.parametrize(
        "bad", [{"order": 0}, {"emb_dim": 4}, {"w": "1"}, {"variant": None}, {"l_max": [3]}]
    )
    def test_a_value_that_is_not_allowed_is_refused_on_the_way_back_too(self, bad):
        with pytest.raises(ConfigError, match=rf"^{next(iter(bad))}: got"):
            config_from_dict(HyenaConfig, config_to_dict(HYENA) | bad)


@pytest.mark.parametrize("bad", [None, {}, 3, HyenaConfig])
def test_what_is_no_config_has_no_dictionary(bad):
    with pytest.raises(ConfigError, match=r"^config: got \w+, allowed is a config"):
        config_to_dict(bad)


@given(
    st.floats(1e-300, 1e300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(1, 2**70),
)
def test_numbers_survive_to_the_last_bit(w, shift, l_max):
    config = HyenaConfig(d_model=8, l_max=l_max, w=w, shift=shift)
    again = config_from_dict(HyenaConfig, json.loads(json.dumps(config_to_dict(config))))
    assert (again.w, again.shift, again.l_max) == (w, shift, l_max)
