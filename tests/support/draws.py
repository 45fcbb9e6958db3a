"""Hypothesis strategies for sizes and data: small, but with every awkward shape (odd, 1, shorter, longer)."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

VARIANTS_AND_ORDERS = [
    ("paper", 1),
    ("paper", 2),
    ("paper", 3),
    ("paper", 4),
    ("code", 2),
    ("code", 3),
    ("code", 4),
]
variants_and_orders = st.sampled_from(VARIANTS_AND_ORDERS)


@dataclass(frozen=True)
class Sizes:
    """Letters as in the package: B batch, L length, D width, Lh filter length."""

    B: int
    D: int
    L: int
    Lh: int
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


def sizes(longest: int = 17) -> st.SearchStrategy[Sizes]:
    return st.builds(
        Sizes,
        B=st.integers(1, 3),
        D=st.integers(1, 3),
        L=st.integers(1, longest),
        Lh=st.integers(1, 2 * longest),
        seed=st.integers(0, 2**32 - 1),
    )
