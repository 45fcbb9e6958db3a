"""The published results, as printed: what an experiment's own results stand beside.

Rows are systems, columns are settings. None where the table has no number: out of memory, or not legible.
"""

from __future__ import annotations

from typing import NamedTuple

Column = int | str | tuple[int, ...]


class PublishedTable(NamedTuple):
    """One table of results, with what its numbers are and where they stand."""

    source: str
    quantity: str  # and its unit
    columns: str  # what a column's key says
    rows: dict[str, dict[Column, float | None]]


def _table(
    source: str, quantity: str, columns: str, keys: tuple[Column, ...], **rows: tuple[float | None, ...]
) -> PublishedTable:
    """A table from one tuple a row; a keyword's underscore stands for a hyphen."""
    named = {name.replace("_", "-"): dict(zip(keys, row, strict=True)) for name, row in rows.items()}
    return PublishedTable(source, quantity, columns, named)


# --- Associative recall -------------------------------------------------------------------------------------

# Chance is 1 in 14 values (7 %). None is "out of memory".
RECALL_BY_LENGTH = _table(
    "Hyena paper, Table 4.2 (V = 30)",
    "test accuracy, %",
    "length",
    ("30k", "64k", "131k"),
    Hyena=(100.0, 100.0, 97.2),
    FlashTransformer=(32.4, 26.7, None),
    Transformer=(None, None, None),
    GSS=(5.3, 2.1, 0.1),
    H3=(8.4, 4.3, 0.6),
    AFT=(2.3, 1.2, 0.8),
    RWKV=(12.4, 6.5, 2.3),
)

# Which filter stands inside the same order-2 operator.
RECALL_BY_PARAMETRISATION = _table(
    "Hyena paper, Table A.2 (V = 30)",
    "test accuracy, %",
    "length",
    ("131k",),
    Hyena=(97.2,),
    CKConv=(14.3,),
    TransferFunc=(0.5,),
    H3=(0.6,),
    FNO=(0.3,),
    Conv1d=(0.5,),
)

# Figure 4.1 is a plot; its order is what can be read, best first, those of one group close together.
PARAMETRISATION_RANKING = (("Hyena",), ("CKConv",), ("TransferFunc", "H3"), ("FNO", "Conv1d"))

RECALL_BY_VOCABULARY = _table(
    "Hyena paper, Table C.1 (L = 2048)",
    "test accuracy, %",
    "vocabulary",
    (10, 20, 30, 40),
    Conv1d=(32.0, 11.0, 8.0, 10.0),
    AFT_conv=(55.0, 21.0, 10.0, 12.0),
    H3=(92.0, 60.0, 10.0, 13.0),
    Transformer=(100.0, 100.0, 82.0, 92.0),
    Hyena=(100.0, 100.0, 85.0, 98.0),
)

# --- Multi-query recall -------------------------------------------------------------------------------------

MQAR_WIDTHS = (64, 128, 256, 512)
MQAR_SIZES = ((64, 4), (128, 8), (256, 16), (512, 64))  # length, pairs

# Read off a plot, to 0.02; two layers without MLP, the best of four learning rates.
MQAR_ACCURACY = _table(
    "Zoology, Fig. 2 (V = 8192)",
    "test accuracy, fraction",
    "(length, pairs, width)",
    tuple((*size, width) for size in MQAR_SIZES for width in MQAR_WIDTHS),
    Attention=(1.0,) * 16,
    Hyena=(
        *(0.52, 0.75, 0.84, 0.86),
        *(0.18, 0.64, 0.74, 0.84),
        *(0.05, 0.13, 0.53, 0.69),
        *(0.01, 0.03, 0.10, 0.17),
    ),
    H3=(
        *(0.93, 1.00, 1.00, 0.99),
        *(0.24, 0.73, 0.92, 0.76),
        *(0.07, 0.64, 0.62, 0.68),
        *(0.01, 0.02, 0.02, 0.09),
    ),
    RWKV=(
        *(0.76, 0.94, 0.97, 1.00),
        *(0.17, 0.49, 0.75, 0.93),
        *(0.05, 0.06, 0.67, 0.79),
        *(0.01, 0.02, 0.15, 0.37),
    ),
    BaseConv=(
        *(0.70, 0.94, 0.97, 1.00),
        *(0.37, 0.61, 0.84, 0.97),
        *(0.14, 0.33, 0.81, 0.94),
        *(0.01, 0.02, None, 0.71),
    ),
)

# --- Language ----------------------------------------------------------------------------------------------

# Reformer, Performer, linear attention and the hybrid are quoted there from the H3 paper.
WIKITEXT_PERPLEXITY = PublishedTable(
    "Hyena paper, Table 4.3 (125M parameters, tokens of GPT-2)",
    "test perplexity a token",
    "data set",
    {
        "Transformer": {"WikiText103": 18.6},
        "Hybrid H3": {"WikiText103": 18.5},
        "Performer": {"WikiText103": 26.8},
        "Reformer": {"WikiText103": 25.6},
        "AFT-conv": {"WikiText103": 28.2},
        "Linear Attention": {"WikiText103": 25.6},
        "Hyena-3": {"WikiText103": 18.6},
        "Hyena-3-slim": {"WikiText103": 18.5},
    },
)

# Rows of the next two are names of `published_model`.
PILE_PERPLEXITY = PublishedTable(
    "Hyena paper, Table 4.4",
    "test perplexity a token",
    "training tokens, 1e9",
    {
        "GPT-125M": {5: 13.3, 10: 11.9, 15: 11.2},
        "153M": {5: 13.3, 10: 11.8, 15: 11.1},
        "GPT-355M": {5: 11.4, 10: 9.8, 15: 9.1},
        "355M": {5: 11.3, 10: 9.8, 15: 9.2},
    },
)
PILE_FLOPS = PublishedTable(
    "Hyena paper, Table 4.4",
    "operations of the training, 1e19",
    "training tokens, 1e9",
    {
        "GPT-125M": {15: 1.88},
        "153M": {15: 1.87},
        "GPT-355M": {15: 4.77},
        "355M": {15: 3.93},
    },
)
# "15 billion tokens" are this many steps of this many sequences of this length (the official run's).
PILE_STEPS, PILE_BATCH, PILE_LENGTH = 30_000, 256, 2048

PILE_LOSS = _table(
    "Hyena paper, Table C.1",
    "test loss, nats a token",
    "training tokens, 1e9",
    (5,),
    Conv1d=(4.21,),
    AFT_conv=(3.57,),
    H3=(2.69,),
    Transformer=(2.59,),
    Hyena=(2.59,),
)

# --- Sizes -------------------------------------------------------------------------------------------------

# The names' own numbers, as rounded as they are; rows are names of `published_model`.
MODEL_PARAMETERS = PublishedTable(
    "Hyena paper, Table A.4",
    "parameters, 1e6",
    "as named",
    {
        "125M": {"named": 125.0},
        "125M-slim": {"named": 125.0},
        "153M": {"named": 153.0},
        "355M": {"named": 355.0},
        "1.3B": {"named": 1300.0},
    },
)

# --- Images ------------------------------------------------------------------------------------------------

IMAGE_ACCURACY = PublishedTable(
    "Hyena paper, Table 4.7; sequential CIFAR-10: Sec. 4.5",
    "top-1 test accuracy, %",
    "data set and how it is cut",
    {
        "ViT": {"ImageNet, patches of 16x16": 78.5, "ImageNet, patches of 8x8": 80.0},
        "Hyena-ViT": {"ImageNet, patches of 16x16": 78.5, "ImageNet, patches of 8x8": 79.8},
        "S4ND-ISO": {"CIFAR-10, two-dimensional": 89.9},
        "Hyena-ISO": {"CIFAR-10, two-dimensional": 91.2},
        "Hyena": {"CIFAR-10, pixel by pixel": 91.0},
    },
)
IMAGE_PARAMETERS = PublishedTable(
    "Hyena paper, Table 4.7",
    "parameters, 1e3",
    "data set and how it is cut",
    {
        "ViT": {"ImageNet, patches of 16x16": 87_000.0},
        "Hyena-ViT": {"ImageNet, patches of 16x16": 88_000.0},
        "S4ND-ISO": {"CIFAR-10, two-dimensional": 268.0},
        "Hyena-ISO": {"CIFAR-10, two-dimensional": 202.0},
    },
)
