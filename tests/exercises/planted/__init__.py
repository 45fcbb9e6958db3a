"""Wrong answers, a file an exercise: each must be rejected, and named."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wrong:
    """A wrong answer: its function, what the diagnosis must say, and the points it still earns.

    Where an exercise asks for several functions, ``others`` holds the right ones to go with it, and ``name``
    says which one is wrong; by default the first.
    """

    function: Callable
    says: str
    points: int
    name: str = ""
    others: dict[str, Callable] = field(default_factory=dict)
