"""The published tables, where they can be checked against each other and against the text."""

import math

import pytest

from hyena_np import published_model
from hyena_np.experiments import published
from hyena_np.experiments.published import (
    IMAGE_ACCURACY,
    IMAGE_PARAMETERS,
    MODEL_PARAMETERS,
    MQAR_ACCURACY,
    MQAR_SIZES,
    MQAR_WIDTHS,
    PARAMETRISATION_RANKING,
    PILE_BATCH,
    PILE_FLOPS,
    PILE_LENGTH,
    PILE_LOSS,
    PILE_PERPLEXITY,
    PILE_STEPS,
    RECALL_BY_LENGTH,
    RECALL_BY_PARAMETRISATION,
    RECALL_BY_VOCABULARY,
    WIKITEXT_PERPLEXITY,
    PublishedTable,
)
from hyena_np.models.published import published_parameters

TABLES = {name: value for name, value in vars(published).items() if isinstance(value, PublishedTable)}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_says_its_source_and_its_unit_and_holds_numbers(table):
    assert "Table" in table.source or "Fig." in table.source
    assert table.quantity
    assert table.columns
    numbers = [value for row in table.rows.values() for value in row.values() if value is not None]
    assert numbers
    assert all(value > 0 for value in numbers)
    bound = 100 if "%" in table.quantity else 1 if "fraction" in table.quantity else math.inf
    assert max(numbers) <= bound


@pytest.mark.paper("Table 4.2", "Table 4.3", "Table 4.4", "Table 4.7", "Table A.2", "Table C.1")
@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        (RECALL_BY_LENGTH, "FlashTransformer", "64k", 26.7),
        (RECALL_BY_LENGTH, "RWKV", "30k", 12.4),
        (RECALL_BY_PARAMETRISATION, "CKConv", "131k", 14.3),
        (RECALL_BY_VOCABULARY, "AFT-conv", 20, 21.0),
        (RECALL_BY_VOCABULARY, "Transformer", 40, 92.0),
        (MQAR_ACCURACY, "Hyena", (128, 8, 64), 0.18),
        (MQAR_ACCURACY, "H3", (256, 16, 128), 0.64),
        (MQAR_ACCURACY, "RWKV", (512, 64, 512), 0.37),
        (MQAR_ACCURACY, "BaseConv", (512, 64, 256), None),
        (WIKITEXT_PERPLEXITY, "Hyena-3-slim", "WikiText103", 18.5),
        (PILE_PERPLEXITY, "355M", 15, 9.2),
        (PILE_FLOPS, "GPT-125M", 15, 1.88),
        (IMAGE_ACCURACY, "Hyena-ViT", "ImageNet, patches of 8x8", 79.8),
    ],
)
def test_numbers_as_printed(table, row, column, value):
    assert table.rows[row][column] == value


class TestTablesAgree:
    def test_two_tables_on_recall_at_131k(self):
        for row in ("Hyena", "H3"):
            assert RECALL_BY_LENGTH.rows[row]["131k"] == RECALL_BY_PARAMETRISATION.rows[row]["131k"]

    def test_hyena_is_the_best_or_equal_in_every_column_but_multi_query_recall(self):
        for table in (RECALL_BY_LENGTH, RECALL_BY_PARAMETRISATION, RECALL_BY_VOCABULARY):
            for column, hyena in table.rows["Hyena"].items():
                assert hyena == max(row[column] for row in table.rows.values() if row[column] is not None)
        gap = [
            MQAR_ACCURACY.rows["Attention"][column] - x for column, x in MQAR_ACCURACY.rows["Hyena"].items()
        ]
        assert min(gap) > 0.1

    def test_the_ranking_has_the_systems_of_its_table_and_begins_as_it_does(self):
        systems = [name for group in PARAMETRISATION_RANKING for name in group]
        assert sorted(systems) == sorted(RECALL_BY_PARAMETRISATION.rows)
        accuracy = {name: row["131k"] for name, row in RECALL_BY_PARAMETRISATION.rows.items()}
        assert sorted(accuracy, key=accuracy.get, reverse=True)[:2] == systems[:2]

    def test_loss_and_perplexity_at_five_billion_tokens(self):
        """Tables C.1 and 4.4 are of the same runs: exp(2.59) = 13.3."""
        for system, model in (("Hyena", "153M"), ("Transformer", "GPT-125M")):
            assert round(math.exp(PILE_LOSS.rows[system][5]), 1) == PILE_PERPLEXITY.rows[model][5]

    def test_the_operations_that_hyena_saves(self):
        """The text says 20 %; the table says 17.6 %, and at the smaller size nothing."""
        saved = {
            size: 1 - PILE_FLOPS.rows[hyena][15] / PILE_FLOPS.rows[gpt][15]
            for size, hyena, gpt in (("small", "153M", "GPT-125M"), ("medium", "355M", "GPT-355M"))
        }
        assert saved["medium"] == pytest.approx(0.176, abs=5e-4)
        assert saved["small"] < 0.01

    def test_the_parameters_that_hyena_saves_on_cifar(self):
        sizes = {name: row.get("CIFAR-10, two-dimensional") for name, row in IMAGE_PARAMETERS.rows.items()}
        assert 1 - sizes["Hyena-ISO"] / sizes["S4ND-ISO"] == pytest.approx(0.25, abs=5e-3)

    def test_fifteen_billion_tokens(self):
        assert PILE_STEPS * PILE_BATCH * PILE_LENGTH == pytest.approx(15e9, rel=0.05)
        assert published_model("153M").mixer.l_max == PILE_LENGTH

    def test_names_of_models_are_their_sizes_to_two_percent(self):
        for name, row in MODEL_PARAMETERS.rows.items():
            assert published_parameters(name) / 1e6 == pytest.approx(row["named"], rel=0.02)
        assert set(PILE_PERPLEXITY.rows) == set(PILE_FLOPS.rows)

    def test_more_pairs_are_harder_and_more_width_helps_hyena(self):
        rows = MQAR_ACCURACY.rows["Hyena"]
        for width in MQAR_WIDTHS:
            accuracy = [rows[*size, width] for size in MQAR_SIZES]
            assert accuracy == sorted(accuracy, reverse=True)
        for size in MQAR_SIZES:
            accuracy = [rows[*size, width] for width in MQAR_WIDTHS]
            assert accuracy == sorted(accuracy)
