"""One case, one number of threads: all contenders proved, timed in turns, and weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from hyena_np.bench.cases import BOTH, FORWARD, STEP, Case
from hyena_np.bench.compare import Results, max_error, reference
from hyena_np.bench.contenders import FLOOR, OURS, Contender, UnavailableError, name_of
from hyena_np.bench.inputs import Inputs, make_inputs
from hyena_np.bench.line_up import build, build_floor, equal_threads, why_not
from hyena_np.bench.memory import available, measure_peak, predicted_multiple
from hyena_np.bench.plan import Plan
from hyena_np.bench.table import Row
from hyena_np.bench.timing import Sample, Spread, interleave, spread

# What a case may need at its most, in float32 (B, L, D) arrays: with a backward, its reference in float64.
_NEEDED = {FORWARD: 24, BOTH: 64, STEP: 64}


class Measurement:
    """Measures blocks: all contenders of one case with one number of threads, in turns.

    Parameters
    ----------
    plan : Plan
    outside : module or None
        ``torch_contenders``.
    echo : callable

    Notes
    -----
    Source: no counterpart in the paper.
    """

    def __init__(self, plan: Plan, outside: ModuleType | None, echo: Callable[[str], None]) -> None:
        self.plan, self.outside, self.echo = plan, outside, echo
        self._said: set[str] = set()
        self._case: Case | None = None
        self._inputs: Inputs | None = None
        self._expected: Results = {}

    def block(self, case: Case, count: int, done: set) -> list[Row]:
        """The rows of a block that are not done yet; a contender that is measured later meets ours again."""
        plan = self.plan
        able = [key for key in plan.line_up if self._able(key, case)]
        todo = [key for key in able if (case, count, name_of(key, plan.backend)) not in done]
        if not todo or not self._fits(case):
            return []
        self._prepare(case)
        assert self._inputs is not None
        partners = [key for key in able if key in todo or key in (OURS, FLOOR)]
        with equal_threads(count, self.outside):
            contenders, errors = self._proved(case, [key for key in partners if key != FLOOR])
            if not any(key in contenders or key == FLOOR for key in todo):
                return []
            samples: dict[str, Sample] = {key: contender.sample for key, contender in contenders.items()}
            floor = None
            if FLOOR in partners:
                floor = build_floor(case, count, self.outside, plan.backend)
                samples[FLOOR] = floor.sample
            seconds = interleave(samples, plan.budget, plan.repeats)
            peaks = {key: self._peak(key, case, count, contenders) for key in todo if key in contenders}
        spreads = {key: spread(taken) for key, taken in seconds.items() if key != FLOOR}
        if floor is not None:
            spreads[FLOOR] = floor.spread()
        return [
            self._row(case, count, key, spreads, peaks.get(key), errors.get(key))
            for key in todo
            if key in spreads
        ]

    def _prepare(self, case: Case) -> None:
        """Inputs and reference of a case, once for all numbers of threads."""
        if case != self._case:
            self._case, self._inputs, self._expected = None, None, {}  # let go of the last ones first
            self._inputs = make_inputs(case)
            self._expected = reference(case, self._inputs)
            self._case = case

    def _proved(self, case: Case, keys: Sequence[str]) -> tuple[dict[str, Contender], dict[str, float]]:
        """The contenders that can take part and compute the right thing, and how far off they are."""
        assert self._inputs is not None
        contenders, errors = {}, {}
        for key in keys:
            try:
                contender = build(key, case, self._inputs, self.outside, self.plan.backend)
            except UnavailableError as reason:
                self._say(str(reason))
                continue
            expected = self._expected if contender.expected is None else contender.expected()
            name = name_of(key, self.plan.backend)
            errors[key] = max_error(name, case, contender.results(), expected, contender.tolerance)
            contenders[key] = contender
        return contenders, errors

    def _peak(self, key: str, case: Case, count: int, contenders: dict[str, Contender]) -> int | None:
        if not self.plan.memory:
            return None
        peak = contenders[key].peak
        if peak is not None:
            return peak(contenders[key].call)
        found = measure_peak(key, case, count, None if key == OURS else self.plan.benchmarks)
        if found is None:
            self._say(f"memory of {name_of(key, self.plan.backend)}: its process failed at {case.label}")
        return found

    def _row(
        self,
        case: Case,
        count: int,
        key: str,
        spreads: dict[str, Spread],
        peak: int | None,
        error: float | None,
    ) -> Row:
        found, bytes_of_one = spreads[key], 4 * case.size
        # Attention is another function: the operator's floor says nothing about it.
        floor = None if key.startswith("attention") else spreads.get(FLOOR)
        return Row(
            case.kind, case.B, case.L, case.D, case.order, count, name_of(key, self.plan.backend), *found,
            ratio_to_ours=found.median / spreads[OURS].median,
            ratio_to_floor=None if floor is None else found.median / floor.median,
            peak_bytes=peak,
            peak_multiple=None if peak is None else peak / bytes_of_one,
            predicted_multiple=predicted_multiple(case, count) if key == OURS else None,
            max_error=error,
        )  # fmt: skip

    def _able(self, key: str, case: Case) -> bool:
        reason = why_not(key, case, self.outside, self.plan.backend)
        if reason and self.outside is not None:  # its absence was said at the beginning
            self._say(reason)
        return not reason

    def _fits(self, case: Case) -> bool:
        free, needed = available(), 4 * _NEEDED[case.kind] * case.size
        if free is None or needed <= free:
            return True
        self._say(
            f"{case.label}: left out; it may need {needed / 2**30:.0f} GiB of memory, "
            f"and {free / 2**30:.0f} GiB are free"
        )
        return False

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.echo(text)
