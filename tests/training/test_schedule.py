"""Learning rates: a warm-up, then constant, linear or cosine."""

import dataclasses
import math

import pytest
from hypothesis import given, strategies as st

from hyena_np.errors import ConfigError
from hyena_np.training.schedule import DECAYS, Schedule, learning_rate


def rates(schedule, steps=None):
    return [learning_rate(step, schedule) for step in range(schedule.total if steps is None else steps)]


class TestClosedForm:
    def test_warm_up_is_a_straight_line_that_begins_above_zero(self):
        for decay in DECAYS:
            schedule = Schedule(peak=8.0, warmup=4, total=10, decay=decay)
            assert rates(schedule, 4) == [2.0, 4.0, 6.0, 8.0]

    def test_constant(self):
        assert rates(Schedule(peak=3.0, warmup=2, total=5), 8) == [1.5] + [3.0] * 7

    def test_linear(self):
        schedule = Schedule(peak=1.0, warmup=2, total=6, decay="linear")
        assert rates(schedule, 9) == pytest.approx([0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0], abs=1e-15)
        schedule = dataclasses.replace(schedule, final=0.2)
        assert rates(schedule, 9) == pytest.approx([0.5, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2], rel=1e-14)

    def test_cosine(self):
        schedule = Schedule(peak=2.0, total=4, decay="cosine")
        half = math.sqrt(0.5)
        assert rates(schedule, 6) == pytest.approx([2.0, 1 + half, 1.0, 1 - half, 0.0, 0.0], abs=1e-15)
        schedule = dataclasses.replace(schedule, final=0.1)
        expected = [2.0, 1.1 + 0.9 * half, 1.1, 1.1 - 0.9 * half, 0.2, 0.2]
        assert rates(schedule, 6) == pytest.approx(expected, rel=1e-14)

    @pytest.mark.paper("Table A.3")
    def test_the_papers_schedule(self):
        """Table A.3: peak 6e-4, linear warm-up of 1 %, cosine down to 6e-5."""
        schedule = Schedule(peak=6e-4, warmup=100, total=10_000, decay="cosine", final=0.1)
        assert learning_rate(0, schedule) == pytest.approx(6e-6)
        assert learning_rate(99, schedule) == learning_rate(100, schedule) == 6e-4
        assert learning_rate(5050, schedule) == pytest.approx((6e-4 + 6e-5) / 2)
        assert learning_rate(10_000, schedule) == pytest.approx(6e-5)

    @pytest.mark.parametrize("decay", DECAYS)
    def test_a_run_that_is_all_warm_up(self, decay):
        assert rates(Schedule(peak=1.0, warmup=4, total=4, decay=decay)) == [0.25, 0.5, 0.75, 1.0]

    def test_agrees_with_pytorchs_cosine(self):
        torch = pytest.importorskip("torch", reason="compares with torch.optim.lr_scheduler")
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
        theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=0.03)
        for rate in rates(Schedule(peak=0.3, total=20, decay="cosine", final=0.1), 21):
            assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
            optimizer.step()
            theirs.step()


schedules = st.integers(1, 60).flatmap(
    lambda total: st.builds(
        Schedule,
        peak=st.floats(1e-6, 10.0),
        warmup=st.integers(0, total - 1),
        total=st.just(total),
        decay=st.sampled_from(DECAYS),
        final=st.floats(0.0, 1.0),
    )
)


@given(schedules)
def test_rises_to_the_peak_then_never_rises_and_stays_at_its_end(schedule):
    rising, falling = rates(schedule, schedule.warmup), rates(schedule, schedule.total + 3)[schedule.warmup :]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == schedule.peak
    if schedule.warmup:
        assert rising[0] == pytest.approx(schedule.peak / schedule.warmup, rel=1e-15)
        assert rising[-1] == pytest.approx(schedule.peak, rel=1e-15)
    end = schedule.peak * (1.0 if schedule.decay == "constant" else schedule.final)
    assert falling[-3:] == pytest.approx([end] * 3, rel=1e-12, abs=1e-15)


class TestBadInput:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"peak": 0.0}, r"^peak: got 0\.0, allowed are finite numbers above 0"),
            ({"peak": math.nan}, r"^peak: got nan"),
            ({"peak": "1e-3"}, r"^peak: got '1e-3'"),
            ({"warmup": -1}, r"^warmup: got -1, allowed are integers >= 0"),
            ({"warmup": 11}, r"^warmup: got 11 steps, allowed are at most total = 10"),
            ({"warmup": 0.1}, r"^warmup: got 0\.1"),
            ({"total": 0}, r"^total: got 0, allowed are integers >= 1"),
            ({"decay": "cosin"}, r"^decay: got 'cosin', allowed are 'constant', 'linear', 'cosine'"),
            ({"final": -0.1}, r"^final: got -0\.1, allowed are fractions from 0 to 1"),
            ({"final": 1.1}, r"^final: got 1\.1"),
            ({"final": None}, r"^final: got None"),
        ],
    )
    def test_a_value_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            Schedule(**{"peak": 1e-3, "total": 10} | option)

    @pytest.mark.parametrize("bad", [-1, 0.5, True, None])
    def test_a_step_that_is_none(self, bad):
        with pytest.raises(ConfigError, match=rf"^step: got {bad}, allowed are integers >= 0"):
            learning_rate(bad, Schedule(peak=1e-3))

    def test_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            Schedule(peak=1e-3).peak = 1.0
