"""Operations: the published totals, each part by a count of its products, the rules of the count."""

import math
import types

import pytest

from hyena_np import (
    AttentionConfig,
    ConfigError,
    HyenaConfig,
    LanguageModelConfig,
    flops_breakdown,
    published_model,
    training_flops,
)
from hyena_np.experiments.published import PILE_BATCH, PILE_FLOPS, PILE_LENGTH, PILE_STEPS

TOKENS = PILE_STEPS * PILE_BATCH * PILE_LENGTH


def hyena_model(**options):
    mixer = HyenaConfig(**{"d_model": 6, "l_max": 64, "order": 3} | options)
    return LanguageModelConfig(11, 2, mixer, d_inner=10, pad_vocab_size_multiple=8)


def attention_model(L=64):
    return LanguageModelConfig(
        11, 2, AttentionConfig(6, L, num_heads=3), d_inner=10, max_position_embeddings=L
    )


class TestPublishedTotals:
    @pytest.mark.paper("Table 4.4")
    @pytest.mark.parametrize("name", PILE_FLOPS.rows)
    def test_table_4_4_to_two_and_a_half_percent(self, name):
        published = 1e19 * PILE_FLOPS.rows[name][15]
        assert training_flops(published_model(name), PILE_LENGTH, TOKENS) == pytest.approx(
            published, rel=0.025
        )

    @pytest.mark.parametrize(("name", "total"), [("GPT-125M", 1.8906), ("GPT-355M", 4.7825)])
    def test_the_transformers_agree_to_one_percent(self, name, total):
        assert total == pytest.approx(PILE_FLOPS.rows[name][15], rel=0.01)
        assert training_flops(published_model(name), PILE_LENGTH, TOKENS) / 1e19 == pytest.approx(
            total, abs=1e-4
        )

    @pytest.mark.parametrize(
        ("name", "made", "literal"), [("153M", 1.8435, 1.7163), ("355M", 3.8437, 3.4864)]
    )
    def test_the_formula_taken_literally_misses_a_projection(self, name, made, literal):
        config, published = published_model(name), PILE_FLOPS.rows[name][15]
        for flag, expected in ((False, made), (True, literal)):
            total = training_flops(config, PILE_LENGTH, TOKENS, literal=flag) / 1e19
            assert total == pytest.approx(expected, abs=1e-4)
        assert abs(made / published - 1) < 0.025
        assert literal / published < 0.925


def product(rows, inner, columns):
    """Multiplications and additions of a matrix product, one by one."""
    return sum(2 for _ in range(rows) for _ in range(inner) for _ in range(columns))


class TestParts:
    @pytest.mark.paper("Prop. 3.2")
    def test_hyena_by_the_products_that_it_makes(self):
        L, D, V = 16, 6, 16  # the table of 11 tokens is padded to 16 rows
        parts = flops_breakdown(hyena_model(), L)
        fft = 5 * L * 4  # 4 = log2 16
        expected = {
            "embedding": product(L, V, D),
            "projections": 2 * 4 * product(L, D, D),
            "short convolution": 2 * 4 * D * product(L, 3, 1),
            "long convolution": 2 * 2 * 2 * D * fft,  # layers, the formula's 2, filters
            "output": 2 * product(L, D, D),
            "mlp": 2 * (product(L, D, 10) + product(L, 10, D)),
            "logits": product(L, D, V),
        }
        assert parts == expected | {"total": sum(expected.values())}

    def test_attention_by_the_products_that_it_makes(self):
        L, D, V, heads = 9, 6, 11, 3
        parts = flops_breakdown(attention_model(), L)
        expected = {
            "embedding": product(L, V, D),
            "projections": 2 * 3 * product(L, D, D),
            "scores": 2 * heads * product(L, D // heads, L),
            "softmax": 2 * heads * 3 * L * L,
            "weighted sum": 2 * heads * product(L, L, D // heads),
            "output": 2 * product(L, D, D),
            "mlp": 2 * (product(L, D, 10) + product(L, 10, D)),
            "logits": product(L, D, V),
        }
        assert parts == expected | {"total": sum(expected.values())}

    def test_the_papers_variant_has_one_long_filter_more(self):
        code, paper = (flops_breakdown(hyena_model(variant=v), 32) for v in ("code", "paper"))
        assert paper["long convolution"] == 1.5 * code["long convolution"]
        same = set(code) - {"long convolution", "total"}
        assert {part: code[part] for part in same} == {part: paper[part] for part in same}

    def test_literal_touches_the_projections_of_hyena_only(self):
        made, literal = (flops_breakdown(hyena_model(), 32, flag) for flag in (False, True))
        changed = {part for part in made if made[part] != literal[part]}
        assert changed == {"projections", "short convolution", "total"}
        assert literal["projections"] == 0.75 * made["projections"]
        assert flops_breakdown(attention_model(), 32, literal=True) == flops_breakdown(attention_model(), 32)

    def test_attention_grows_with_the_square_and_hyena_with_the_logarithm(self):
        short, long = (flops_breakdown(attention_model(4096), L) for L in (1024, 4096))
        assert long["scores"] == 16 * short["scores"]
        short, long = (flops_breakdown(hyena_model(l_max=4096), L) for L in (1024, 4096))
        assert long["long convolution"] == pytest.approx(4 * short["long convolution"] * 12 / 10, rel=1e-15)
        assert long["mlp"] == 4 * short["mlp"]


class TestTraining:
    def test_is_three_forwards_a_token(self):
        config = hyena_model()
        forward = flops_breakdown(config, 32)["total"]
        assert training_flops(config, 32, 320) == 30 * forward
        assert training_flops(config, 32, 1.5) == pytest.approx(3 * 1.5 / 32 * forward, rel=1e-15)

    @pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf, True, "15B"])
    def test_no_number_of_tokens(self, bad):
        with pytest.raises(ConfigError, match=r"^tokens: got .*, allowed are finite numbers above 0$"):
            training_flops(hyena_model(), 32, bad)

    @pytest.mark.parametrize("bad", [0, 65, 2.0, True])
    def test_no_length_of_the_model(self, bad):
        for call in (flops_breakdown, lambda config, L: training_flops(config, L, 1)):
            with pytest.raises(ConfigError, match=rf"^L: got {bad}, allowed are "):
                call(hyena_model(), bad)

    def test_a_mixer_without_a_published_count(self):
        config = hyena_model()
        object.__setattr__(config, "mixer", types.SimpleNamespace(d_model=6, l_max=64))
        message = r"^mixer: got SimpleNamespace, allowed are HyenaConfig and AttentionConfig$"
        with pytest.raises(ConfigError, match=message):
            flops_breakdown(config, 32)
