"""The loop: rows as they come, resumed where they stopped, and nothing timed that is wrong."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from hyena_np.bench import measure, run as run_module
from hyena_np.bench.cases import BOTH, FORWARD, Case
from hyena_np.bench.compare import DisagreementError
from hyena_np.bench.contenders import Contender, UnavailableError, default_keys, name_of, ours
from hyena_np.bench.floor import scipy_library
from hyena_np.bench.measure import Measurement
from hyena_np.bench.plan import Plan
from hyena_np.bench.run import run_bench
from hyena_np.errors import ConfigError, OutputError

CASES = (Case(FORWARD, 1, 16, 4), Case(BOTH, 1, 20, 4, 3))


def plan(*keys, **options):
    defaults = {
        "cases": CASES,
        "threads": (1,),
        "keys": keys or ("ours", "floor"),
        "repeats": 2,
        "memory": False,
    }
    return Plan(**defaults | options)


@pytest.fixture
def said():
    return []


@pytest.fixture
def bench(tmp_path, said):
    """Run a plan in this test's folder, without a bar; the folder also stands for the benchmarks'."""
    return lambda *args, **options: run_bench(*args, tmp_path / "out", echo=said.append, bar=False, **options)


class Outside:
    """Stands for torch_contenders: rivals that are ours in disguise, so that no PyTorch is needed."""

    def __init__(self):
        self.built, self.threads_given, self.broken, self.missing = [], [], set(), {}

    @contextlib.contextmanager
    def threads(self, count):
        self.threads_given.append(count)
        yield

    def floor_library(self, device):
        assert device == "cpu"
        return scipy_library(1)._replace(name="rival")

    def why_not(self, key, case, device):
        return "attention: not at odd orders" if key == "attention" and case.order % 2 else None

    def build(self, key, case, inputs, device):
        if key in self.missing:
            raise UnavailableError(self.missing[key])
        self.built.append((key, case))
        contender = ours(case, inputs)
        if key not in self.broken:
            return contender
        wrong = {name: array * np.float32(1.01) for name, array in contender.results().items()}
        return Contender(contender.call, lambda: wrong)


@pytest.fixture
def outside(monkeypatch, tmp_path):
    module = Outside()
    monkeypatch.setattr(run_module, "why_missing", lambda folder: None)
    monkeypatch.setattr(run_module, "load_outside", lambda folder: module)
    return module


@pytest.fixture
def nothing_is_timed(monkeypatch):
    def refuse(*args):
        raise AssertionError("timed")

    return lambda: monkeypatch.setattr(measure, "interleave", refuse)


def names(rows):
    return [(row.kind, row.contender) for row in rows]


# --- rows ---------------------------------------------------------------------------------------------------


def test_a_run_of_our_own(bench, said, tmp_path):
    rows = bench(plan())
    assert names(rows) == [(case.kind, name) for case in CASES for name in ("hyena_np", "floor")]
    first, floor = rows[:2]
    assert (first.B, first.L, first.D, first.order, first.threads, first.repeats) == (1, 16, 4, 2, 1, 2)
    assert 0 < first.seconds_low <= first.seconds_median <= first.seconds_high
    assert first.ratio_to_ours == floor.ratio_to_floor == 1
    assert first.ratio_to_floor == pytest.approx(first.seconds_median / floor.seconds_median)
    assert 0 < first.max_error < 1e-5
    assert floor.max_error is first.peak_bytes is floor.peak_bytes is None
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results.csv"}  # one length: no figure
    assert any(line.startswith("processor: ") for line in said)
    assert sum("hyena_np  " in line for line in said) == 2


def test_rivals_take_part_where_they_can(bench, outside, said, tmp_path):
    rows = bench(plan("ours", "floor", "eager", "attention", benchmarks=tmp_path))
    expected = [(FORWARD, name) for name in ("hyena_np", "floor", "PyTorch eager", "attention")]
    assert names(rows) == expected + [(BOTH, name) for name in ("hyena_np", "floor", "PyTorch eager")]
    assert said.count("attention: not at odd orders") == 1
    assert [row.ratio_to_floor is None for row in rows[:4]] == [False, False, False, True]
    assert outside.threads_given == [1, 1]


def test_a_rival_that_cannot_be_built_is_left_out(bench, outside, said, tmp_path):
    outside.missing = {"compile": "torch.compile: no compiler"}
    rows = bench(plan("ours", "compile", "eager", benchmarks=tmp_path))
    assert names(rows) == [(case.kind, name) for case in CASES for name in ("hyena_np", "PyTorch eager")]
    assert said.count("torch.compile: no compiler") == 1


def test_ours_takes_part_even_if_it_is_not_named(bench, outside, tmp_path):
    rows = bench(plan("eager", benchmarks=tmp_path, cases=CASES[:1]))
    assert names(rows) == [(FORWARD, "hyena_np"), (FORWARD, "PyTorch eager")]
    assert rows[1].ratio_to_floor is None


def test_without_the_folder_our_own_rows_and_a_line(bench, said):
    rows = bench(plan("ours", "floor", "eager", "attention", cases=CASES[:1]))
    assert names(rows) == [(FORWARD, "hyena_np"), (FORWARD, "floor")]
    assert sum("--benchmarks" in line for line in said) == 1


def test_a_wrong_contender_is_refused_before_anything_is_timed(bench, outside, nothing_is_timed, tmp_path):
    outside.broken = {"eager"}
    nothing_is_timed()
    with pytest.raises(DisagreementError, match=r"PyTorch eager: the relative error of \w+ is 1\.0e-02"):
        bench(plan("ours", "eager", benchmarks=tmp_path))
    assert not (tmp_path / "out" / "results.csv").exists()


def test_memory_is_measured_where_it_is_asked_for(bench, monkeypatch, said):
    asked = []

    def peak(key, case, threads, benchmarks):
        asked.append((key, threads))
        return None if case.kind == BOTH else 5 * 4 * case.size

    monkeypatch.setattr(measure, "measure_peak", peak)
    monkeypatch.setattr(measure, "predicted_multiple", lambda case, threads: 6.0)
    ours_row, floor, both, _ = bench(plan(memory=True))
    assert asked == [("ours", 1), ("ours", 1)]  # a floor has no memory
    assert (ours_row.peak_bytes, ours_row.peak_multiple, ours_row.predicted_multiple) == (1280, 5.0, 6.0)
    assert floor.peak_bytes is floor.predicted_multiple is both.peak_multiple is None
    assert any("its process failed" in line for line in said)


def test_a_device_says_its_own_peak(bench, monkeypatch):
    def build(key, case, inputs, *rest):
        contender = ours(case, inputs)
        return Contender(contender.call, contender.results, peak=lambda call: 7 * 4 * case.size)

    monkeypatch.setattr(measure, "build", build)
    assert [row.peak_multiple for row in bench(plan("ours", memory=True))] == [7.0, 7.0]


def test_a_case_that_does_not_fit_the_memory_is_left_out(bench, monkeypatch, said):
    monkeypatch.setattr(measure, "available", lambda: 4 * 64 * CASES[0].size)
    rows = bench(plan())
    assert {row.kind for row in rows} == {FORWARD}
    assert any("left out" in line and "GiB" in line for line in said)


# --- stopped and resumed ------------------------------------------------------------------------------------


def test_a_finished_run_is_not_measured_again(bench, nothing_is_timed, said):
    rows = bench(plan())
    nothing_is_timed()
    said.clear()
    assert [row.key for row in bench(plan(), resume=True)] == [row.key for row in rows]
    assert sum("hyena_np  " in line for line in said) == 2  # the table is shown all the same


def test_a_stopped_run_keeps_what_was_finished(bench, monkeypatch, tmp_path):
    whole = Measurement.block

    def stopped(self, case, count, done):
        if case == CASES[1]:
            raise KeyboardInterrupt
        return whole(self, case, count, done)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Measurement, "block", stopped)
        bench(plan())
    assert (tmp_path / "out" / "results.csv").read_text().count(f"\n{FORWARD},") == 2

    timed, make_inputs = [], measure.make_inputs
    monkeypatch.setattr(measure, "make_inputs", lambda case: timed.append(case) or make_inputs(case))
    rows = bench(plan(), resume=True)
    assert timed == [CASES[1]]
    assert len(rows) == 4


def test_a_contender_that_comes_later_meets_ours_again(bench, outside, tmp_path, monkeypatch):
    before = bench(plan(cases=CASES[:1]))
    timed = []
    interleave = measure.interleave
    monkeypatch.setattr(
        measure,
        "interleave",
        lambda samples, *rest: timed.append(list(samples)) or interleave(samples, *rest),
    )
    rows = bench(plan("ours", "floor", "eager", cases=CASES[:1], benchmarks=tmp_path), resume=True)
    assert timed == [["ours", "eager", "floor"]]
    assert names(rows) == [(FORWARD, name) for name in ("hyena_np", "floor", "PyTorch eager")]
    assert rows[0].seconds_median == pytest.approx(before[0].seconds_median, rel=1e-5)  # kept, not replaced


def test_a_contender_that_cannot_take_part_costs_a_resumed_run_nothing(
    bench, outside, nothing_is_timed, tmp_path
):
    options = {"cases": CASES[1:], "benchmarks": tmp_path}
    bench(plan("ours", "attention", **options))
    nothing_is_timed()
    outside.built.clear()
    bench(plan("ours", "attention", **options), resume=True)
    assert outside.built == []


def test_results_are_not_replaced_unasked(bench, tmp_path):
    bench(plan(cases=CASES[:1]))
    before = (tmp_path / "out" / "results.csv").read_bytes()
    (tmp_path / "out" / "time_old.png").write_bytes(b"old")
    with pytest.raises(OutputError, match="holds results already"):
        bench(plan(cases=CASES[:1]))
    assert (tmp_path / "out" / "results.csv").read_bytes() == before
    bench(plan(cases=CASES[1:]), overwrite=True)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results.csv"}
    assert f"\n{FORWARD}," not in (tmp_path / "out" / "results.csv").read_text()
    with pytest.raises(ConfigError, match="resume, overwrite"):
        bench(plan(), resume=True, overwrite=True)


# --- plans --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": ("ours", "jax")}, "contenders: got 'jax', allowed are ours, floor, eager"),
        ({"threads": (0,)}, "threads: got 0"),
        ({"threads": (10**6,)}, "threads: got 1000000"),
        ({"backend": "torch"}, "backend: got 'torch'"),
    ],
)
def test_bad_plans_are_refused_by_name(options, message):
    with pytest.raises(ConfigError, match=message):
        Plan(**{"cases": CASES, "threads": (1,)} | options)


def test_the_line_up():
    assert Plan(CASES, (1,)).line_up == ("ours", "floor")
    assert Plan(CASES, (1,), ("attention-bf16", "floor")).line_up == ("ours", "floor", "attention-bf16")
    assert default_keys("full") == ("ours", "floor", "eager", "compile", "attention")
    assert default_keys("full", "cupy") == (*default_keys("full"), "attention-bf16")
    assert default_keys("quick") == ("ours", "floor", "eager", "attention")
    assert name_of("ours", "cupy") == "hyena_np (cupy)"
    assert name_of("eager", "cupy") == "PyTorch eager (cuda)"


def test_devices_are_timed_between_events():
    from hyena_np.bench.contenders import cupy_clock, cupy_peak

    log = []

    class Event:
        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("wait")

    stream = SimpleNamespace(synchronize=lambda: log.append("idle"))
    cuda = SimpleNamespace(
        Event=Event, get_current_stream=lambda: stream, get_elapsed_time=lambda start, end: 1500.0
    )
    assert cupy_clock(SimpleNamespace(xp=SimpleNamespace(cuda=cuda)))(lambda: log.append("call")) == 1.5
    assert log == ["idle", "record", "call", "record", "wait"]
    levels = iter([100, 350])
    pool = SimpleNamespace(free_all_blocks=lambda: log.append("freed"), total_bytes=lambda: next(levels))
    xp = SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool)
    assert cupy_peak(SimpleNamespace(xp=xp))(lambda: None) == 250
    assert "freed" in log


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_same_table_on_a_gpu(bench, case):
    rows = bench(plan(cases=(case,), backend="cupy", memory=True))
    assert [row.contender for row in rows] == ["hyena_np (cupy)", "floor (cuda)"]
    assert rows[0].seconds_median > 0 and rows[0].peak_bytes >= 0 and rows[0].max_error < 1e-3
