"""What is measured, and how: everything that a user can choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hyena_np.bench.cases import Case
from hyena_np.bench.contenders import FLOOR, NAMES, OURS
from hyena_np.bench.machine import check_machine
from hyena_np.errors import ConfigError


@dataclass(frozen=True)
class Plan:
    """What is measured, and how.

    Parameters
    ----------
    cases : tuple of Case
    threads : tuple of int
    keys : tuple of str
        Contenders, of ``NAMES``; ours takes part even if it is not named.
    backend : {"numpy", "cupy"}
    budget : float
        Seconds for each row.
    repeats : int, optional
        Calls for each row, instead.
    memory : bool
        Whether peaks are measured.
    benchmarks : Path, optional
        Folder of the contenders that are not part of the package.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: no counterpart in the paper.
    """

    cases: tuple[Case, ...]
    threads: tuple[int, ...]
    keys: tuple[str, ...] = (OURS, FLOOR)
    backend: str = "numpy"
    budget: float = 2.0
    repeats: int | None = None
    memory: bool = True
    benchmarks: Path | None = None

    def __post_init__(self) -> None:
        for key in self.keys:
            if key not in NAMES:
                raise ConfigError(f"contenders: got {key!r}, allowed are {', '.join(NAMES)}")
        check_machine(self.backend, self.threads)

    @property
    def line_up(self) -> tuple[str, ...]:
        """The contenders in the order of the table."""
        return tuple(key for key in NAMES if key in self.keys or key == OURS)
