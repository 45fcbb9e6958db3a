"""What is measured: which call, at which sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hyena_np.demo.recipe import RecallRecipe
from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_choice, check_integer
from hyena_np.ops.config import HyenaConfig

FORWARD, BOTH, STEP = KINDS = ("forward", "forward+backward", "training step")
PRESETS = ("quick", "full")
WIDTH = 256


@dataclass(frozen=True)
class Case:
    """One thing to measure, float32 throughout.

    Parameters
    ----------
    kind : {"forward", "forward+backward", "training step"}
        Of one operator (the first two), or of the demo's two-layer model with its optimiser.
    B, L, D, order : int
        Batch, length, width and order N. A training step has the model's own L, D and N.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Sec. 4.4 (run times of the operator).
    """

    kind: str
    B: int
    L: int
    D: int
    order: int = 2

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        for name, smallest in (("B", 1), ("L", 1), ("D", 1), ("order", 2)):
            check_integer(name, getattr(self, name), smallest)
        if self.kind == STEP:
            recipe = RecallRecipe()
            model = (recipe.task.input_length, recipe.width, recipe.model.mixer.order)  # type: ignore[union-attr]
            if (self.L, self.D, self.order) != model:
                raise ConfigError(
                    f"L, D, order: got {self.L, self.D, self.order}, allowed for a training step are "
                    f"those of the demo's model, {model}"
                )

    @property
    def size(self) -> int:
        """Numbers in one (B, L, D) array, the unit of memory."""
        return self.B * self.L * self.D

    @property
    def config(self) -> HyenaConfig:
        """The operator of the case."""
        return HyenaConfig(self.D, self.L, order=self.order)

    @property
    def label(self) -> str:
        """For a progress bar and for messages."""
        return f"{self.kind} ({self.B}, {self.L}, {self.D}) order {self.order}"


def training_case() -> Case:
    """A step of the demo's two-layer model: batches of 16, sequences of 66 tokens."""
    recipe = RecallRecipe()
    return Case(STEP, recipe.batch_at(0), recipe.task.input_length, recipe.width)


def preset(name: str) -> tuple[Case, ...]:
    """The cases of a preset, short ones first.

    Parameters
    ----------
    name : {"quick", "full"}
        "quick" takes seconds. "full" has every power of four from 64 to 65,536 at width 256, two batched
        shapes, both orders, a forward of 262,144 positions and of a million, and the training step.

    Returns
    -------
    tuple of Case
        Shapes (B, L, D).

    Raises
    ------
    ConfigError
        Another name.

    Notes
    -----
    Source: Hyena paper, Fig. 4.3 (lengths up to 64K).
    """
    check_choice("preset", name, PRESETS)
    if name == "quick":
        return (*_grid((FORWARD, BOTH), [(1, L, 64) for L in (64, 256, 1024)], (2,)), training_case())
    shapes = [(1, 4**k, WIDTH) for k in range(3, 9)]
    shapes[4:4] = [(32, 64, 64), (8, 1024, 128)]
    longest = [(1, 4**9, WIDTH), (1, 2**20, 64), (1, 2**20, WIDTH)]
    cases = _grid((FORWARD, BOTH), shapes, (2, 3)) + _grid((FORWARD,), longest, (2,))
    return (training_case(), *cases)


def _grid(
    kinds: Sequence[str], shapes: Sequence[tuple[int, int, int]], orders: Sequence[int]
) -> tuple[Case, ...]:
    return tuple(Case(kind, *shape, order) for shape in shapes for order in orders for kind in kinds)


def select_cases(
    name: str,
    kinds: Sequence[str] = (),
    lengths: Sequence[int] = (),
    orders: Sequence[int] = (),
    width: int | None = None,
) -> tuple[Case, ...]:
    """The cases of a preset that fit, or operators at lengths of one's own.

    Parameters
    ----------
    name : {"quick", "full"}
    kinds, orders : sequence
        Take these only; all of them where empty.
    lengths : sequence of int
        In place of the preset's shapes: (1, L, width) for each.
    width : int, optional
        Of those; 256 by default.

    Returns
    -------
    tuple of Case

    Raises
    ------
    ConfigError
        A value is not allowed, nothing fits, or there is a width without lengths.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    for kind in kinds:
        check_choice("kind", kind, KINDS)
    if width is not None and not lengths:
        raise ConfigError("width: got one without a length; allowed is --width beside --length")
    if lengths:
        shapes = [(1, L, WIDTH if width is None else width) for L in lengths]
        operators = [kind for kind in (kinds or (FORWARD, BOTH)) if kind != STEP]
        cases = _grid(operators, shapes, orders or (2,))
        return (*cases, training_case()) if STEP in kinds else cases
    cases = tuple(
        case
        for case in preset(name)
        if (not kinds or case.kind in kinds) and (not orders or case.order in orders)
    )
    if not cases:
        raise ConfigError(
            f"kind, order: got {', '.join(kinds) or 'any'} and {', '.join(map(str, orders)) or 'any'}, "
            f"which no case of the preset {name!r} has; --length makes cases of its own"
        )
    return cases
