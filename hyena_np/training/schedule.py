"""Learning-rate schedules: pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_choice, check_integer, check_real

DECAYS = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    r"""Linear warm-up, then a constant, linear or cosine course down to a fraction of the peak.

    Parameters
    ----------
    peak : float
        Learning rate at the end of the warm-up.
    warmup : int
        Steps of the warm-up; step 0 has already 1/warmup of the peak.
    total : int
        Step at which the decay ends; later steps stay at the end value.
    decay : {"constant", "linear", "cosine"}
    final : float
        End value as a fraction of the peak.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Table A.3 (linear warm-up, cosine decay to a tenth).
    """

    peak: float
    warmup: int = 0
    total: int = 1
    decay: str = "constant"
    final: float = 0.0

    def __post_init__(self) -> None:
        check_real("peak", self.peak, positive=True)
        check_integer("warmup", self.warmup, 0)
        check_integer("total", self.total, 1)
        check_choice("decay", self.decay, DECAYS)
        check_real("final", self.final)
        if not 0 <= self.final <= 1:
            raise ConfigError(f"final: got {self.final}, allowed are fractions from 0 to 1")
        if self.warmup > self.total:
            raise ConfigError(f"warmup: got {self.warmup} steps, allowed are at most total = {self.total}")


def learning_rate(step: int, schedule: Schedule) -> float:
    r"""Learning rate of a step.

    .. math:: \eta_s = \eta_{peak} \cdot \begin{cases} (s+1)/w & s < w \\
              f + (1-f)\, g\big(\tfrac{s-w}{T-w}\big) & s \ge w \end{cases}

    with :math:`g(r) = 1`, :math:`1-r` or :math:`(1+\cos \pi r)/2`.

    Parameters
    ----------
    step : int
        From 0.
    schedule : Schedule

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        `step` is negative.

    Notes
    -----
    Source: Hyena paper, Table A.3. No shapes: numbers only.
    """
    check_integer("step", step, 0)
    if step < schedule.warmup:
        return schedule.peak * (step + 1) / schedule.warmup
    if schedule.decay == "constant":
        return schedule.peak
    progress = min((step - schedule.warmup) / max(schedule.total - schedule.warmup, 1), 1.0)
    falling = 1 - progress if schedule.decay == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return schedule.peak * (schedule.final + (1 - schedule.final) * falling)
