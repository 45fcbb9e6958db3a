"""The chooser follows its table and nothing else, and every form that it may name is the same convolution."""

import functools
import os
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import causal_conv, causal_conv_backward, choose_conv, fftconv, fftconv_backward
from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ShapeError
from hyena_np.fast import choose, conv_table
from hyena_np.fast.choose import ConvChoice, device_name
from hyena_np.fast.conv_forms import FORMS, too_many_taps
from hyena_np.fast.conv_table import PACKAGED, FormRow, measured_points
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close

HEADING = ",".join(FormRow._fields)


def entry(form, L, taps, seconds="0.5", device="cpu", skipped=""):
    return f"{device},{L},{taps},{form},4,64,{seconds},{seconds},{seconds},{5 if seconds else ''},,{skipped}"


def point(L, taps, device="cpu", **seconds):
    return [entry(form, L, taps, value, device) for form, value in ({"fft": 9.0} | seconds).items()]


@pytest.fixture
def table(tmp_path):
    """Write a table from lines."""

    def write(*lines, heading=HEADING):
        path = tmp_path / "forms.csv"
        path.write_text("\n".join(["# processor: an abacus", "# cores: 2", heading, *lines, ""]))
        return path

    return write


# --- the rule -----------------------------------------------------------------------------------------------


@pytest.fixture
def square(table):
    """Four points, each with a form of its own that is the fastest."""
    return table(
        *point(1024, 64, monarch=1.0),
        *point(64, 16, overlap_add=2.0),
        *point(1024, 16, overlap_save=3.0),
        *point(64, 64, matrix=4.0),
    )


@pytest.mark.parametrize(
    ("L", "taps", "nearest", "form"),
    [
        (64, 16, (64, 16), "overlap_add"),
        (1024, 64, (1024, 64), "monarch"),
        (255, 31, (64, 16), "overlap_add"),  # just on this side of the middle, which is at 256 and 32
        (257, 33, (1024, 64), "monarch"),
        (257, 31, (1024, 16), "overlap_save"),
        (100, 100, (64, 64), "matrix"),
        (256, 32, (64, 16), "overlap_add"),  # equally near to all four: shorter, then fewer taps
        (1024, 32, (1024, 16), "overlap_save"),
        (256, 64, (64, 64), "fft"),  # the matrix is not allowed at four times the length
        (1, 1, (64, 16), "overlap_add"),
        (2**24, 2**24, (1024, 64), "monarch"),
        (128, 10**9, (64, 64), "matrix"),  # taps past L never count
    ],
)
def test_the_nearest_point_and_its_fastest_form(square, L, taps, nearest, form):
    choice = choose_conv(L, taps, table=square)
    assert (choice.L, choice.taps, choice.form, choice.device) == (*nearest, form, "cpu")


def test_near_is_meant_in_octaves_of_both(table):
    path = table(*point(4096, 4), *point(1024, 256))
    near = lambda L, taps: choose_conv(L, taps, table=path)[1:3]  # noqa: E731
    assert near(2048, 16) == (4096, 4)  # 1 and 2 octaves against 1 and 4
    assert near(2048, 64) == (1024, 256)
    assert near(2**16, 256) == (1024, 256)  # 4 and 6 against 6 and 0
    path = table(*point(4096, 64), *point(2048, 256))
    assert near(512, 64) == (2048, 256)  # as the crow flies: 3 and 0 against 2 and 2


@given(st.integers(1, 2**20), st.integers(1, 2**20))
def test_no_other_point_of_the_packaged_table_is_nearer(L, taps):
    choice = choose_conv(L, taps)

    def distance(there):
        return np.hypot(np.log2(there.L) - np.log2(L), np.log2(there.taps) - np.log2(min(L, taps)))

    assert distance(choice) <= min(map(distance, measured_points()["cpu"])) + 1e-12


def test_equally_quick_forms_in_the_order_of_the_table(table):
    path = table(*point(64, 64, overlap_save=1.0, matrix=1.0))
    assert choose_conv(64, 64, table=path).form == "overlap_save"


def test_the_choice_shows_its_evidence(table):
    path = table(*point(64, 8, matrix=1.5, two_stage=3.0))
    expected = ConvChoice("matrix", 64, 8, {"fft": 9.0, "matrix": 1.5, "two_stage": 3.0}, "cpu")
    choice = choose_conv(70, 8, table=str(path))
    assert choice == expected
    choice.seconds.clear()  # a copy
    assert choose_conv(70, 8, table=path) == expected


def test_a_skipped_form_is_not_chosen(table):
    path = table(*point(64, 8), entry("matrix", 64, 8, "", skipped='"needs 8.0 GiB, too much"'))
    assert choose_conv(64, 8, table=path).seconds == {"fft": 9.0}


@pytest.mark.parametrize(
    ("L", "taps", "form"),
    [
        (1024, 129, "two_stage"),
        (1024, 256, "two_stage"),
        (1024, 257, "monarch"),  # more than twice the measured taps: blocks four times as large
        (260, 131, "two_stage"),
        (260, 132, "monarch"),  # one block only
        (10**6, 129, "two_stage"),  # as long as it wants to be
    ],
)
def test_the_two_stage_product_where_it_is_allowed(table, L, taps, form):
    path = table(*point(1024, 128, two_stage=1.0, monarch=2.0))
    assert choose_conv(L, taps, table=path).form == form
    assert too_many_taps("two_stage", L, taps) == (taps > L // 2 + 1)
    assert not any(too_many_taps(other, L, taps) for other in set(FORMS) - {"two_stage"})


@pytest.mark.parametrize(("L", "form"), [(16, "matrix"), (512, "matrix"), (513, "fft"), (10**6, "fft")])
def test_the_matrix_is_not_used_far_beyond_its_measurement(table, L, form):
    path = table(*point(64, 8), *point(256, 8, matrix=1.0))
    assert choose_conv(max(L, 200), 8, table=path).L == 256
    assert choose_conv(max(L, 200), 8, table=path).form == form


# --- devices ------------------------------------------------------------------------------------------------


@pytest.fixture
def two_devices(table):
    """As two files, one put behind the other."""
    gpu = point(64, 8, "NVIDIA H100", monarch=1.0)
    return table(*point(64, 8, matrix=1.0), "", "# GPU: NVIDIA H100", HEADING, *gpu)


def test_each_device_has_its_own_measurements(two_devices):
    assert choose_conv(64, 8, table=two_devices).form == "matrix"
    choice = choose_conv(64, 8, "NVIDIA H100", two_devices)
    assert (choice.form, choice.device) == ("monarch", "NVIDIA H100")


def test_a_device_without_measurements_is_refused_and_the_command_named(two_devices, table):
    message = r"device: got 'abacus', measured are 'NVIDIA H100', 'cpu'; 'hyena-np bench --forms --out FILE'"
    with pytest.raises(ConfigError, match=message):
        choose_conv(64, 8, "abacus", two_devices)
    with pytest.raises(ConfigError, match=r"device: got 'cpu', measured are none; "):
        choose_conv(64, 8, table=table())
    with pytest.raises(ConfigError, match="'sundial'"):
        choose_conv(64, 8, "sundial")


def test_names_of_devices(library, monkeypatch):
    array = library.asarray(np.ones(3))
    assert (device_name(array) == "cpu") == (library.module != "cupy")

    class OnGPU:
        device = SimpleNamespace(id=1)

    def properties(number):
        assert number == 1
        return {"name": b"NVIDIA H100"}

    runtime = SimpleNamespace(getDeviceProperties=properties)
    xp = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(choose, "get_backend", lambda name: SimpleNamespace(xp=xp))
    choose.gpu_name.cache_clear()
    assert device_name(OnGPU()) == "NVIDIA H100"
    choose.gpu_name.cache_clear()
    assert device_name(SimpleNamespace(device=SimpleNamespace(type="cuda"))) == "cuda"


# --- bad arguments, bad files -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, -4, 2.0, True, "64"])
def test_sizes_that_are_none(value):
    with pytest.raises(ConfigError, match=r"^L: got .*, allowed are integers >= 1"):
        choose_conv(value, 4)
    with pytest.raises(ConfigError, match=r"^taps: got .*, allowed are integers >= 1"):
        choose_conv(4, value)


DAMAGE = {
    "a time that is a word": (entry("monarch", 64, 8, "quick"), "line 6: could not convert"),
    "a time of zero": (entry("monarch", 64, 8, "0.0"), r"line 6: 0\.0 seconds"),
    "a time that is none": (entry("monarch", 64, 8, "nan"), "line 6: nan seconds"),
    "an endless time": (entry("monarch", 64, 8, "inf"), "line 6: inf seconds"),
    "an unknown form": (entry("abacus", 64, 8), "line 6: no form 'abacus', there are matrix, fft"),
    "a length that is a fraction": (entry("monarch", 64.5, 8), r"line 6: invalid literal .*'64\.5'"),
    "a length of zero": (entry("fft", 0, 0), "line 6: L 0, 0 taps"),
    "more taps than the sequence": (entry("fft", 64, 65), "line 6: L 64, 65 taps"),
    "a line cut off": ("cpu,64,8,monarch,4", "line 6: 5 columns, allowed are the 12"),
    "a line too long": (entry("monarch", 64, 8) + ",1", "line 6: 13 columns"),
    "an open quotation": (entry("monarch", 64, 8, skipped='"oh'), "line 6: "),
    "measured twice": (entry("matrix", 64, 8), "line 6: matrix at L 64, 8 taps is there already"),
    "a point without fft": (entry("matrix", 256, 8), "cpu, L 256, 8 taps: no time of fft"),
}


@pytest.mark.parametrize("line, message", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_table_says_where(table, line, message):
    whole = point(64, 8, matrix=1.0)
    assert choose_conv(64, 8, table=table(*whole)).form == "matrix"
    path = table(*whole, line)
    os.utime(path, ns=(0, 1))  # in case the clock of the file system is coarse
    with pytest.raises(ConfigError, match=rf"^table: .*forms\.csv is damaged: {message}") as caught:
        choose_conv(64, 8, table=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("heading", ["", "a,b", HEADING.replace("taps", "tips"), HEADING + ",more"])
def test_a_file_that_is_no_table(table, heading):
    with pytest.raises(ConfigError, match=r"^table: .* is no table of convolution forms; its columns are"):
        choose_conv(64, 8, table=table(heading=heading))


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(ConfigError, match=r"^table: .* cannot be read"):
            choose_conv(64, 8, table=path)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"^table: .*binary\.csv cannot be read"):
        choose_conv(64, 8, table=tmp_path / "binary.csv")


def test_a_table_is_read_once_and_again_when_it_changes(table, monkeypatch):
    read = []
    rows = conv_table._rows
    monkeypatch.setattr(conv_table, "_rows", lambda path: read.append(path) or rows(path))
    path = table(*point(64, 8, matrix=1.0))
    assert [choose_conv(64, taps, table=path).form for taps in (4, 8)] == ["matrix", "matrix"]
    assert read == [path]
    table(*point(64, 8, monarch=1.0))
    os.utime(path, ns=(0, 1))
    assert choose_conv(64, 8, table=path).form == "monarch"
    assert read == [path, path]


# --- the table of the package -------------------------------------------------------------------------------


def test_the_packaged_table_covers_the_grid():
    """Whatever length is asked for is within an octave of a measured one, up to 65,536 and twice that."""
    points = {(point.L, point.taps): point.seconds for point in measured_points()["cpu"]}
    for corner in ((64, 4), (64, 64), (65536, 4), (65536, 65536)):
        assert points[corner].keys() >= {"fft", "monarch", "overlap_add", "overlap_save"}
    assert {L for L, _ in points} == {4**k for k in range(3, 9)}
    for L in {L for L, _ in points}:
        assert {taps for other, taps in points if other == L} == {4**k for k in range(1, 9) if 4**k <= L}
    assert "matrix" in points[64, 64]
    assert {form for seconds in points.values() for form in seconds} == set(FORMS)


def test_the_packaged_table_names_its_machine():
    comments = [line for line in PACKAGED.read_text().splitlines() if line.startswith("# ")]
    names = {line[2:].partition(": ")[0] for line in comments}
    assert names >= {"processor", "cores", "python", "numpy", "scipy", "BLAS", "threads", "dtype"}


# --- one convolution ----------------------------------------------------------------------------------------


def arguments(B=2, D=3, L=9, Lh=4, skip=True):
    def make(rng):
        u, h = rng.standard_normal((B, D, L)), rng.standard_normal((D, Lh))
        return (u, h, rng.standard_normal(D) if skip else None)

    return make


def chosen(u, h, skip):
    """By the packaged table, where it knows the device."""
    return causal_conv(u, h, skip, None if device_name(u) == "cpu" else "fft")


def case(id, forward, linear_in=("0", "1", "2"), **sizes):
    return Case(id, forward, causal_conv_backward, arguments(**sizes), linear_in=linear_in)


class TestCausalConv(LinearContract):
    cases = (
        case("chosen", chosen),
        case("chosen, no skip", chosen, ("0", "1"), skip=False),
        case("chosen, longer filter", chosen, D=1, L=5, Lh=12),
        *(case(form, functools.partial(causal_conv, form=form)) for form in FORMS),
    )


@pytest.mark.parametrize("form", [None, *FORMS])
class TestEveryForm:
    @given(s=sizes())
    def test_is_fftconv(self, form, s):
        u, dy = s.rng.standard_normal((2, s.B, s.D, s.L))
        h, skip = s.rng.standard_normal((s.D, s.Lh)), s.rng.standard_normal(s.D)
        for tap in (skip, None):
            (y, cache), (expected, reference) = causal_conv(u, h, tap, form), fftconv(u, h, tap)
            assert_close(y, expected, 1e-12)
            pairs = zip(causal_conv_backward(dy, cache), fftconv_backward(dy, reference), strict=True)
            for gradient, expected in pairs:
                assert (gradient is None) == (expected is None)
                if gradient is not None:
                    assert_close(gradient, expected, 1e-12)

    def test_has_the_errors_of_fftconv(self, form):
        u, h = np.ones((1, 2, 3)), np.ones((2, 3))
        wrong = [
            (np.ones((2, 3)), h, None),
            (u, np.ones(3), None),
            (u, np.ones((3, 3)), None),
            (u, h, np.ones(3)),
            (np.ones((1, 2, 0)), h, None),
            (u, np.ones((2, 0)), None),
            (u.astype(int), h, None),
            (u, h.astype(np.float32), None),
            (u, h, np.ones(2, np.float32)),
            (u, [[1.0], [2.0]], None),
        ]
        for arguments in wrong:
            with pytest.raises((ShapeError, DTypeError, LibraryMismatchError)) as expected:
                fftconv(*arguments)
            with pytest.raises(type(expected.value)) as caught:
                causal_conv(*arguments, form)
            assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("form", FORMS)
def test_the_form_that_the_table_names_is_the_one_that_runs(form, table, monkeypatch):
    path = table(*point(64, 8, **{form: 1.0}))
    ran = []

    def record(name, function):
        return lambda *arguments: ran.append(name) or function(*arguments)

    for name, pair in list(FORMS.items()):
        spies = choose.FORMS[name]._replace(forward=record(name, pair.forward))
        spies = spies._replace(backward=record(f"{name} backward", pair.backward))
        monkeypatch.setitem(choose.FORMS, name, spies)
    y, cache = causal_conv(np.ones((1, 2, 64)), np.ones((2, 8)), table=path)
    causal_conv_backward(y, cache)
    assert ran == [form, f"{form} backward"]
    causal_conv(np.ones((1, 2, 64)), np.ones((2, 8)), None, "overlap_save", path)
    assert ran[2:] == ["overlap_save"]


def test_an_unknown_form_is_refused():
    u, h = np.ones((1, 2, 3)), np.ones((2, 3))
    with pytest.raises(ConfigError, match=r"^form: got 'abacus', allowed are 'matrix', 'fft', 'monarch'"):
        causal_conv(u, h, form="abacus")


def test_an_array_on_a_device_without_measurements(monkeypatch):
    monkeypatch.setattr(choose, "device_name", lambda array: "NVIDIA H100")
    u, h = np.ones((1, 2, 3)), np.ones((2, 3))
    with pytest.raises(ConfigError, match=r"^device: got 'NVIDIA H100', measured are "):
        causal_conv(u, h)
    causal_conv(u, h, form="matrix")
