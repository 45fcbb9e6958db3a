"""The measurement behind the chooser: its grid, who is left out and why, and a file that it reads."""

from collections import Counter

import numpy as np
import pytest

from hyena_np import choose_conv, two_stage_conv
from hyena_np.bench import forms, timing
from hyena_np.bench.compare import DisagreementError
from hyena_np.bench.forms import (
    LENGTHS,
    Size,
    bytes_needed,
    forward_backward,
    grid,
    line,
    measure_forms,
    two_stage_block,
    write_forms,
)
from hyena_np.errors import BackendError, ConfigError, OutputError
from hyena_np.fast.conv_forms import FORMS
from hyena_np.fast.conv_table import FormRow, measured_points
from support.libraries import gpu_missing

TINY = (Size(2, 3, 16, 4), Size(2, 3, 16, 16), Size(1, 2, 64, 4), Size(1, 2, 64, 64))
ALL_BUT_TWO_STAGE = [form for form in FORMS if form != "two_stage"]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(timing, "_SETTLED", 0.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that says what a script has for the form and the length; it still makes the call."""

    class Scripted:
        def __init__(self):
            self.seconds, self.calls = {}, Counter()

        def __call__(self, call):
            form, u, h, _ = call.args
            call()
            self.calls[form, u.shape[2], h.shape[1]] += 1
            return self.seconds.get((form, u.shape[2]), self.seconds.get(form, 1.0))

    scripted = Scripted()
    monkeypatch.setattr(forms, "host_clock", scripted)
    return scripted


@pytest.fixture
def said():
    return []


@pytest.fixture
def measure(tmp_path, said):
    """Measure the tiny points, or others, into this test's folder."""

    def run(points=TINY, **options):
        options = {"count": 1, "repeats": 2, "echo": said.append, "bar": False} | options
        return measure_forms(tmp_path / "out" / "forms.csv", points=points, **options)

    return run


def measured(rows, L, taps):
    return {row.form: row.seconds_median for row in rows if (row.L, row.taps) == (L, taps)}


# --- the grid -----------------------------------------------------------------------------------------------


def test_the_grid_of_the_real_measurement():
    assert LENGTHS == (64, 256, 1024, 4096, 16384, 65536)
    points = grid()
    assert [point[2:] for point in points[:7]] == [(64, 4), (64, 16), (64, 64)] + [
        (256, taps) for taps in (4, 16, 64, 256)
    ]
    assert len(points) == 3 + 4 + 5 + 6 + 7 + 8
    assert points[-1] == (4, 16, 65536, 65536)
    assert {point[:2] for point in points if point.L < 65536} == {(4, 64)}
    assert max(point.B * point.D * point.L for point in points) == 2**22


def test_a_grid_of_ones_own():
    assert [point[2:] for point in grid((100, 3, 4, 1, 100))] == [
        (1, 1), (3, 3), (4, 4), (100, 4), (100, 16), (100, 64), (100, 100),
    ]  # fmt: skip
    assert grid((2**24,), B=2, D=5)[0][:2] == (2, 1)  # at least one channel
    for options in ({"lengths": (0,)}, {"lengths": ()}, {"B": 0}, {"D": 2.0}):
        with pytest.raises(ConfigError):
            grid(**options)


# --- rows and file ------------------------------------------------------------------------------------------


def test_every_form_at_every_point_has_a_row(measure, clock, said, tmp_path):
    clock.seconds = {"matrix": 0.25, "monarch": 3.0}
    rows = measure()
    assert [(row.L, row.taps, row.form) for row in rows] == [
        (size.L, size.taps, form) for size in TINY for form in FORMS
    ]
    first = rows[0]
    assert first[:6] == ("cpu", 16, 4, "matrix", 2, 3)
    assert first[6:10] == (0.25, 0.25, 0.25, 2)
    assert 0 < first.max_error < 1e-6 and first.skipped == ""
    assert measured(rows, 64, 4) == {form: 1.0 for form in FORMS} | {"matrix": 0.25, "monarch": 3.0}
    assert clock.calls["fft", 64, 4] == 3  # a warm-up and two
    assert any(text.startswith("processor: ") for text in said) and "threads: 1" in said
    assert said[-1].startswith("L 64, 64 taps, B 1, D 2: matrix 250, fft 1e+03, ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["forms.csv"]


def test_the_chooser_reads_what_was_written(measure, clock, tmp_path):
    clock.seconds = {("overlap_save", 64): 0.125, ("monarch", 16): 0.5}
    rows = measure()
    path = tmp_path / "out" / "forms.csv"
    text = path.read_text()
    assert "# threads: 1\n" in text and "# processor: " in text and "# limit: 4 GiB a form\n" in text
    points = measured_points(path)["cpu"]
    assert [(point.L, point.taps) for point in points] == [size[2:] for size in TINY]
    for point in points:
        expected = {form: s for form, s in measured(rows, point.L, point.taps).items() if s is not None}
        assert point.seconds == expected
    assert choose_conv(64, 64, table=path).form == "overlap_save"
    assert choose_conv(17, 3, table=path).form == "monarch"


def test_rows_survive_the_file(tmp_path):
    full = FormRow("NVIDIA, H100", 64, 8, "fft", 4, 64, 0.5, 0.25, 0.75, 7, 1.5e-6, "")
    spare = FormRow("NVIDIA, H100", 64, 8, "matrix", 4, 64, None, None, None, None, None, "a, b")
    path = write_forms(tmp_path / "forms.csv", {"GPU": "H100, CUDA 12"}, [full, spare])
    lines = path.read_text().splitlines()
    assert lines[0] == "# GPU: H100, CUDA 12"
    assert lines[2:] == [
        '"NVIDIA, H100",64,8,fft,4,64,0.5,0.25,0.75,7,1.5e-06,',
        '"NVIDIA, H100",64,8,matrix,4,64,,,,,,"a, b"',
    ]
    assert choose_conv(64, 8, "NVIDIA, H100", path).seconds == {"fft": 0.5}
    assert line([full, spare]) == "L 64, 8 taps, B 4, D 64: fft 500 ms"


def test_a_stopped_measurement_keeps_the_finished_points(measure, clock, tmp_path, monkeypatch):
    draw = forms._draw

    def stopped(size):
        if size == TINY[2]:
            raise KeyboardInterrupt
        return draw(size)

    monkeypatch.setattr(forms, "_draw", stopped)
    with pytest.raises(KeyboardInterrupt):
        measure()
    points = measured_points(tmp_path / "out" / "forms.csv")["cpu"]
    assert [(point.L, point.taps) for point in points] == [(16, 4), (16, 16)]


def test_a_file_is_not_replaced_unasked(measure, clock, tmp_path):
    measure(TINY[:1])
    path = tmp_path / "out" / "forms.csv"
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"^out: .*forms\.csv exists; --overwrite replaces it"):
        measure(TINY[1:2])
    assert path.read_bytes() == before
    measure(TINY[1:2], overwrite=True)
    assert [point.taps for point in measured_points(path)["cpu"]] == [16]


def test_bad_arguments(measure, monkeypatch):
    with pytest.raises(ConfigError, match="backend: got 'torch', allowed are numpy and cupy"):
        measure(backend="torch")
    for count in (0, 10**6):
        with pytest.raises(ConfigError, match=f"threads: got {count}, allowed are 1 to "):
            measure(count=count)
    if gpu_missing():
        with pytest.raises(BackendError):
            measure(backend="cupy")


# --- nothing wrong is timed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["y", "du", "dh"])
def test_a_form_that_computes_something_else_is_not_timed(measure, monkeypatch, output):
    right = FORMS["monarch"]

    def forward(u, h):
        y, cache = right.forward(u, h)
        return (y * np.float32(1.01) if output == "y" else y), cache

    def backward(dy, cache):
        du, dh, _ = right.backward(dy, cache)
        return du + np.float32(output == "du"), dh * np.float32(1 + (output == "dh")), None

    def refuse(*arguments):
        raise AssertionError("timed")

    monkeypatch.setattr(forms, "interleave", refuse)
    with pytest.raises(AssertionError, match="timed"):
        measure(TINY[:1])
    monkeypatch.setitem(forms.FORMS, "monarch", right._replace(forward=forward, backward=backward))
    with pytest.raises(DisagreementError, match=rf"^monarch, 4 taps: the relative error of {output} is"):
        measure(TINY[:1])


# --- who is left out ----------------------------------------------------------------------------------------


def test_a_filter_that_is_too_long_for_two_stages(measure, clock):
    rows = measure()
    skipped = {(row.L, row.taps): row.skipped for row in rows if row.form == "two_stage"}
    reason = "more than L/2 + 1 taps"
    assert skipped == {(16, 4): "", (16, 16): reason, (64, 4): "", (64, 64): reason}
    assert all(row.skipped == "" for row in rows if row.form != "two_stage")
    assert all(row[6:11] == (None,) * 5 for row in rows if row.skipped)
    assert clock.calls["two_stage", 64, 64] == 0


def test_a_form_that_needs_too_much_memory(measure, clock, monkeypatch):
    monkeypatch.setattr(forms, "_LIMIT", 4 * 4 * 3 * 16**2)
    rows = measure(TINY[:3])
    reasons = {(row.L, row.taps, row.form): row.skipped for row in rows if row.skipped}
    two_stage = "needs 0.0 GiB"
    assert reasons == {
        (16, 4, "two_stage"): two_stage,
        (16, 16, "two_stage"): "more than L/2 + 1 taps",
        (64, 4, "two_stage"): two_stage,
        (64, 4, "matrix"): two_stage,
    }


def test_a_form_that_was_too_slow_stays_out(measure, clock):
    points = [Size(1, 2, L, taps) for L in (4, 16, 64, 256) for taps in (4, L)]
    clock.seconds = {("matrix", 4): 20.0, ("matrix", 16): 21.0, ("monarch", 64): 20.5, "matrix": 1.0}
    rows = measure(points[1:], repeats=1)
    skipped = {(row.L, row.taps, row.form): row.skipped for row in rows if row.form in ("matrix", "monarch")}
    skipped = {key: reason for key, reason in skipped.items() if reason}
    # 20 times is not yet too slow; 21 times is, at the next length and at all later ones
    assert skipped == {
        (64, 4, "matrix"): "took 21 times the best at L 16",
        (64, 64, "matrix"): "took 21 times the best at L 16",  # 16 taps were the most there
        (256, 4, "matrix"): "took 21 times the best at L 16",
        (256, 256, "matrix"): "took 21 times the best at L 16",
        (256, 4, "monarch"): "took 20 times the best at L 64",
        (256, 256, "monarch"): "took 20 times the best at L 64",
    }


def test_the_reference_is_always_measured(measure, clock):
    clock.seconds = {"fft": 100.0}
    rows = measure()
    assert [row.seconds_median for row in rows if row.form == "fft"] == [100.0] * len(TINY)


# --- memory, predicted --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "size"),
    [
        ("matrix", Size(4, 8, 128, 128)),
        ("matrix", Size(1, 8, 128, 4)),
        ("two_stage", Size(4, 8, 512, 129)),
        ("two_stage", Size(8, 8, 256, 129)),
    ],
)
def test_bytes_are_about_those_that_are_needed(form, size):
    import tracemalloc

    arrays = forms._draw(size)
    tracemalloc.start()
    try:
        forward_backward(form, *arrays)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.75 < bytes_needed(form, size) / peak < 1.3


def test_bytes_that_grow_with_the_length_alone_do_not_count():
    size = Size(4, 64, 65536, 65536)
    assert [form for form in FORMS if bytes_needed(form, size)] == ["matrix", "two_stage"]


@pytest.mark.parametrize("taps", [1, 2, 33, 34, 64, 65, 66, 257])
def test_the_block_of_two_stages_is_that_of_the_op(taps):
    _, cache = two_stage_conv(np.ones((1, 1, 1024)), np.ones((1, taps)))
    assert cache.b == two_stage_block(taps)


# --- devices ------------------------------------------------------------------------------------------------


def test_a_gpu_has_its_own_clock(measure, monkeypatch):
    """With NumPy in the place of CuPy."""
    numpy = forms.get_backend("numpy")
    monkeypatch.setattr(
        forms, "get_backend", lambda name: forms.Backend("cupy", *list(vars(numpy).values())[1:])
    )
    monkeypatch.setattr(forms, "describe", lambda backend: {"GPU": backend})
    monkeypatch.setattr(forms, "device_name", lambda array: "NVIDIA H100")
    monkeypatch.setattr(forms, "cupy_clock", lambda backend: lambda call: call() and 0.5)
    rows = measure(TINY[:1], backend="cupy")
    assert {row.device for row in rows} == {"NVIDIA H100"}
    assert {row.seconds_median for row in rows} == {0.5}


@pytest.mark.gpu
def test_the_same_measurement_on_a_gpu(measure, tmp_path):
    rows = measure(backend="cupy")
    (device,) = {row.device for row in rows}
    assert device != "cpu"
    assert all(row.seconds_median > 0 for row in rows if not row.skipped)
    assert choose_conv(64, 4, device, tmp_path / "out" / "forms.csv").form in FORMS
