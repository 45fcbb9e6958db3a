"""The memory ledger: what is predicted from shapes is what a forward really keeps."""

import dataclasses

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    cache_nbytes,
    get_backend,
    hyena_reference,
    init_language_model,
    language_model,
    saved_bytes,
)
from hyena_np.errors import ConfigError
from support.filters import RIVALS
from support.parameters import operator_tree


def hyena_config(**options):
    return HyenaConfig(**{"d_model": 6, "l_max": 40, "filter_order": 5} | options)


def model_config(mixer, **options):
    return LanguageModelConfig(**{"vocab_size": 11, "n_layer": 2, "mixer": mixer} | options)


CONFIGS = {
    "code 2": model_config(hyena_config()),
    "code 3, three layers": model_config(hyena_config(order=3), n_layer=3),
    "code 4, the other layout": model_config(hyena_config(order=4, filter_layout="do")),
    "paper 1": model_config(hyena_config(order=1, variant="paper")),
    "paper 2": model_config(hyena_config(order=2, variant="paper"), d_inner=7),
    "paper 3, the other layout": model_config(hyena_config(order=3, variant="paper", filter_layout="do")),
    "deep filter network": model_config(hyena_config(num_inner_mlps=4, emb_dim=9)),
    "shallow filter network": model_config(hyena_config(num_inner_mlps=0, filter_order=1)),
    "attention": model_config(AttentionConfig(d_model=6, l_max=40)),
    "attention, three heads": model_config(AttentionConfig(d_model=6, l_max=40, num_heads=3), d_inner=5),
    "positions and padding": model_config(
        hyena_config(), max_position_embeddings=40, pad_vocab_size_multiple=8
    ),
}
SIZES = [(1, 1), (1, 2), (2, 7), (3, 32), (2, 33), (1, 40), (5, 8)]


def forward(config, B, L, dtype="float64", remat=False, backend="numpy"):
    backend = get_backend(backend, dtype)
    params = init_language_model(config, np.random.default_rng(0), backend)
    ids = np.arange(B * L).reshape(B, L) % config.vocab_size
    return params, language_model(ids, params, config, remat)[1]


class TestPredictedIsMeasured:
    @pytest.mark.parametrize("remat", [False, True])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
    def test_to_the_byte(self, config, dtype, remat):
        for B, L in SIZES:
            params, cache = forward(config, B, L, dtype, remat)
            assert saved_bytes(config, B, L, dtype, remat)["total"] == cache_nbytes(cache, params), (B, L)

    @pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
    def test_to_the_byte_with_a_rival_filter(self, rival):
        config = model_config(hyena_config(order=3, filter=rival))
        for B, L, dtype in ((1, 1, "float64"), (2, 7, "float32"), (1, 40, "float64")):
            params, cache = forward(config, B, L, dtype)
            assert saved_bytes(config, B, L, dtype)["total"] == cache_nbytes(cache, params), (B, L)

    @pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
    def test_to_the_byte_in_the_readable_form(self, rng, rival):
        for config in (hyena_config(order=3, filter=rival), hyena_config(order=3)):
            for B, L in ((1, 1), (2, 7), (1, 40)):
                u, params = rng.standard_normal((B, L, 6)), operator_tree(config, rng)
                _, cache = hyena_reference(u, params, config)
                parts = saved_bytes(model_config(config, n_layer=1), B, L, "float64", backend="torch")
                around = ("layer norms", "mlp", "head", "token ids", "total")
                mixer = sum(size for part, size in parts.items() if part not in around)
                assert cache_nbytes(cache, params) == mixer, (B, L)

    @pytest.mark.gpu
    @pytest.mark.parametrize("remat", [False, True])
    @pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
    def test_to_the_byte_on_a_gpu(self, config, remat):
        for B, L in SIZES:
            params, cache = forward(config, B, L, "float32", remat, "cupy")
            predicted = saved_bytes(config, B, L, "float32", remat, "cupy")
            assert predicted["total"] == cache_nbytes(cache, params), (B, L)

    def test_a_part_that_the_ledger_forgot_would_be_noticed(self):
        """A test of the test: a cache with one more number in it is another cache."""
        config = CONFIGS["code 2"]
        params, cache = forward(config, 2, 7)
        assert cache_nbytes((cache, np.zeros(1)), params) == saved_bytes(config, 2, 7, "float64")["total"] + 8


class TestSavedBytes:
    def test_parts_add_up_to_the_total(self):
        for config in CONFIGS.values():
            for remat in (False, True):
                ledger = saved_bytes(config, 3, 32, remat=remat)
                assert all(type(size) is int and size > 0 for size in ledger.values())
                assert ledger["total"] == sum(size for part, size in ledger.items() if part != "total")

    def test_parts_by_hand(self):
        """B=2, L=8, D=6, one layer of order 2: every number is an array that can be pointed at."""
        config = model_config(hyena_config(), n_layer=1)
        ledger, readable = saved_bytes(config, 2, 8), saved_bytes(config, 2, 8, backend="cupy")
        activation, spectrum = 2 * 8 * 6, 2 * (15 // 2 + 1)  # a transform of length 15, complex
        assert ledger["layer norms"] == 4 * 2 * (activation + 2 * 8)
        assert ledger["projections"] == 4 * (1 + 3) * activation
        assert readable["projections"] == 4 * (1 + 3 + 3) * activation
        assert ledger["recurrence"] == 4 * activation
        assert readable["recurrence"] == 4 * 3 * activation
        assert ledger["spectra"] == readable["spectra"] == 4 * (2 * 6 * spectrum + 6 * spectrum)
        assert ledger["filter network"] == 4 * (3 * 2 * 5 * 8 + 6 * 8)
        assert readable["filter network"] == 4 * (3 * 2 * 5 * 8 + 3 * 6 * 8)
        assert ledger["mlp"] == 4 * 16 * (6 + 3 * 24)
        assert ledger["head"] == 4 * (16 * 7 + 16 * 6)
        assert ledger["token ids"] == 8 * 16

    def test_float64_costs_twice_except_for_the_ids(self):
        for config in CONFIGS.values():
            small, large = (saved_bytes(config, 3, 32, dtype) for dtype in ("float32", "float64"))
            for part in small.keys() - {"token ids", "total"}:
                assert large[part] == 2 * small[part]
            assert large["token ids"] == small["token ids"] == 3 * 32 * 8

    def test_hyena_grows_with_the_length_and_attention_with_its_square(self):
        def grown(config):
            totals = [saved_bytes(config, 1, L)["total"] for L in (1024, 2048, 4096, 8192)]
            first, *steps = np.diff(totals)
            return [step / first for step in steps]

        longer = [
            dataclasses.replace(CONFIGS[name], mixer=dataclasses.replace(CONFIGS[name].mixer, l_max=8192))
            for name in ("code 2", "attention")
        ]
        assert grown(longer[0]) == pytest.approx([2.0, 4.0], rel=1e-2)
        assert grown(longer[1]) == pytest.approx([4.0, 16.0], rel=0.1)

    def test_remat_keeps_one_activation_a_block_whatever_the_mixer(self):
        sizes = {
            saved_bytes(model_config(mixer, n_layer=5), 3, 32, remat=True)["block inputs"]
            for mixer in (hyena_config(), hyena_config(order=4), AttentionConfig(d_model=6, l_max=40))
        }
        assert sizes == {4 * 5 * 3 * 32 * 6}
        for config in CONFIGS.values():
            assert saved_bytes(config, 3, 32, remat=True)["total"] < saved_bytes(config, 3, 32)["total"] / 4

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((2, 7, "float16"), r"^dtype: got 'float16', allowed are float32, float64"),
            ((2, 7, None), r"^dtype: got None"),
            ((2, 7, "float32", False, "jax"), r"^backend: got 'jax', allowed are 'numpy', 'cupy'"),
            ((0, 7), r"^B: got 0, allowed are integers >= 1"),
            ((2, 0), r"^L: got 0, allowed are integers >= 1"),
            ((2.0, 7), r"^B: got 2\.0"),
        ],
    )
    def test_bad_input(self, arguments, message):
        with pytest.raises(ConfigError, match=message):
            saved_bytes(CONFIGS["code 2"], *arguments)


class TestCacheNbytes:
    def test_counts_what_a_cache_holds_however_nested(self):
        x, y = np.zeros(3), np.zeros((2, 2), dtype=np.float32)
        assert cache_nbytes((x, [{"y": y}, None, 3, "text"])) == 24 + 16
        assert cache_nbytes(()) == 0
        assert cache_nbytes(x) == 24

    def test_counts_a_buffer_once_and_whole(self):
        x = np.zeros(100)
        assert cache_nbytes((x, x, x[:3], x.reshape(10, 10).T[1:])) == 800
        assert cache_nbytes(x[:1]) == 800

    def test_leaves_out_the_parameters_and_views_of_them(self):
        x, p = np.zeros(3), np.zeros(100)
        assert cache_nbytes((x, p, p[:5]), {"linear": {"weight": p}}) == 24
        assert cache_nbytes((x, p[:5]), {"linear": {"weight": p[1:]}}) == 24
        assert cache_nbytes((x, p)) == 824

    def test_finds_a_view_that_keeps_a_padded_buffer_alive(self):
        """The mistake that it is made for: the end of an inverse transform cut off, and kept."""
        config = CONFIGS["code 2"]
        params, cache = forward(config, 2, 7)
        norm = cache.blocks[1].norm1
        padded = np.zeros((2, 15, 6))
        padded[:, :7] = norm.normalised
        block = cache.blocks[1]._replace(norm1=norm._replace(normalised=padded[:, :7]))
        planted = cache._replace(blocks=(cache.blocks[0], block))
        total = saved_bytes(config, 2, 7, "float64")["total"]
        assert cache_nbytes(planted, params) - total == 8 * 2 * (15 - 7) * 6

    def test_pytorchs_views_are_seen_through_too(self):
        torch = pytest.importorskip("torch", reason="looks at a storage of PyTorch")
        x = torch.zeros(100, dtype=torch.float64)
        assert cache_nbytes((x, x[:3], x.reshape(10, 10).T)) == 800
