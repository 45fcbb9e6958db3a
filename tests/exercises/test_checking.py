"""What a student sees: points, reports, hints, and honest errors."""

import numpy as np
import pytest

import hyena_np
from exercises.planted import fftconv as wrong_fftconv, toeplitz as wrong_toeplitz
from hyena_np.errors import ConfigError
from hyena_np.exercises import check, exercise_named, hint
from hyena_np.exercises.ask import ask_here
from hyena_np.exercises.checking import judged
from hyena_np.exercises.exercise import Failure, NotWritten
from hyena_np.exercises.picture import picture
from hyena_np.exercises.report import explain, shown
from hyena_np.exercises.values import plain

right = wrong_toeplitz.right


def failure_of(name, **functions):
    return next(result.failure for result in judged(exercise_named(name), functions) if result.failure)


# --- check --------------------------------------------------------------------------------------------------


def test_points_are_returned_and_every_part_is_a_line(capsys):
    assert check("toeplitz", right) == 5.0
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1, toeplitz: 5 of 5 points",
        "  ok    2/2  small matrices",
        "  ok    1/1  one matrix a channel",
        "  ok    1/1  float32 and float64",
        "  ok    1/1  arguments untouched",
    ]


def test_a_failure_shows_the_smallest_input_and_names_the_mistake(capsys):
    assert check("toeplitz", wrong_toeplitz.transposed) == 0.0
    said = capsys.readouterr().out
    assert "input     h = [" in said
    assert said.count("input ") == 1  # of the first part only
    failure = failure_of("toeplitz", toeplitz=wrong_toeplitz.transposed)
    assert failure.inputs["h"].shape == (2,)  # one value is its own transpose
    np.testing.assert_array_equal(failure.got, failure.expected.T)
    assert 'hint("toeplitz")' in said


def test_partial_credit_is_a_number():
    assert check("fftconv", wrong_fftconv.powers_of_two) == 2.0


def test_the_last_part_may_be_missing_and_nothing_may_be_too_much():
    assert check("toeplitz") == 0.0
    with pytest.raises(ConfigError, match=r"^functions: got 2, allowed are at most 1: toeplitz$"):
        check("toeplitz", right, right)
    with pytest.raises(ConfigError, match=r"^functions: got ndarray, allowed are functions$"):
        check("toeplitz", np.ones(3))


def test_an_unknown_name():
    for call in (check, hint):
        with pytest.raises(ConfigError, match=r"^exercise: got 'tooplitz', allowed are toeplitz, "):
            call("tooplitz")


def test_the_same_inputs_every_time():
    first, again = (failure_of("fftconv", fftconv=wrong_fftconv.wraps) for _ in range(2))
    np.testing.assert_array_equal(first.inputs["u"], again.inputs["u"])


# --- what functions may do wrong beside the mathematics -----------------------------------------------------


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda h: None, "returned None"),
        (lambda h: [][1], "raised IndexError: list index out of range"),
        (lambda: 0, "raised TypeError"),
        (lambda h: "S", "came a text"),
        (lambda h: (right(h), right(h)), "came a list or tuple"),
        (lambda h: object(), "an object of type object"),
        (lambda h: np.array([None]), "dtype object"),
        (lambda h: right(h) * np.nan, "not finite"),
        (lambda h: right(h)[..., :-1], "has shape"),
        (lambda h: 2 * right(h), "factor of 2 too many"),
        (lambda h: right(h) / 2, "missing factor of 2"),
        (lambda h: -right(h), "sign"),
        (lambda h: 0 * right(h), "every value is zero"),
    ],
)
def test_the_report_says_what_came(function, says):
    assert says in explain(failure_of("toeplitz", toeplitz=function))


def test_a_result_cannot_lie_about_itself():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return True

        def __array_ufunc__(self, *args, **kwargs):
            return np.zeros(())

    class Proxy:
        def __array__(self, *args, **kwargs):
            return np.zeros(3)

    lie = np.ones(3).view(Liar)
    assert type(plain(lie)) is np.ndarray
    assert "wrong values" in failure_of("toeplitz", toeplitz=lambda h: np.zeros((1, 1)).view(Liar)).says
    with pytest.raises(Failure, match="an object of type Proxy"):
        plain(Proxy())


def test_a_loop_without_end_is_interrupted():
    def endless(h):
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass

    with pytest.raises(Failure, match="took too long"):
        ask_here({"f": endless}, seconds=0.2)("f", 1)


def test_asking_works_on_copies_and_sees_what_was_overwritten():
    def shifts(a, b):
        b += 1
        return a

    a, b = np.zeros(2), np.ones(2)
    answer = ask_here({"f": shifts})("f", a, b)
    assert answer.overwritten == (1,)
    np.testing.assert_array_equal(b, 1.0)
    with pytest.raises(NotWritten):
        ask_here({})("f", a)


# --- what is forbidden --------------------------------------------------------------------------------------


def by_attribute(u, h):
    return hyena_np.fftconv(u[None], h)[0][0]


def by_import(u, h):
    from hyena_np.ops.fftconv import fftconv as anything

    return anything(u[None], h)[0][0]


def by_helper(u, h):
    return _helper(u, h)


def _helper(u, h):
    return np.stack([np.convolve(*pair)[: u.shape[-1]] for pair in zip(u, h, strict=True)])


def by_module(u, h):
    import scipy.signal

    return scipy.signal.fftconvolve(u, h, axes=-1)[..., : u.shape[-1]]


@pytest.mark.parametrize("function", [by_attribute, by_import, by_helper, by_module])
def test_a_forbidden_answer_is_flagged(function):
    results = judged(exercise_named("fftconv"), {"fftconv": function})
    assert all(result.failure.flagged for result in results)
    assert "would answer the exercise for you" in results[0].failure.says


def test_a_dictionary_where_an_array_is_asked_is_a_failure():
    assert check("fftconv", lambda u, h: {"y": 1}) == 0.0


def test_a_namesake_is_not_forbidden():
    """The student's own function is called like the package's."""

    def fftconv(u, h):
        return wrong_fftconv.by_fft(u, h, 2 * u.shape[-1])

    assert check("fftconv", fftconv) == 5.0


# --- hints, pictures, words ---------------------------------------------------------------------------------


def test_hints_grow_stronger_and_the_last_stays(capsys):
    for expected in (1, 2, 3, 3):
        hint("toeplitz")
        assert capsys.readouterr().out.startswith(f"Hint {expected} of 3: ")
    hint("toeplitz", 1)
    assert exercise_named("toeplitz").hints[0] in capsys.readouterr().out
    for level in (0, 4, True, "1"):
        with pytest.raises(ConfigError, match=r"^level: got .*, allowed are 1 to 3$"):
            hint("toeplitz", level)


def test_pictures_are_drawn_where_there_is_something_to_see():
    matrix = picture(failure_of("toeplitz", toeplitz=wrong_toeplitz.transposed))
    assert [axes.get_title() for axes in matrix.axes[:3]] == ["expected", "yours", "yours minus expected"]
    lines = picture(failure_of("fftconv", fftconv=wrong_fftconv.wraps))
    assert lines.axes[1].get_xlabel() == "position t"
    assert picture(failure_of("fftconv", fftconv=wrong_fftconv.not_cut)) is None  # two shapes
    assert picture(Failure("no arrays")) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, -2.5]), "[ 1. , -2.5]"),
        (np.ones(2, "float32"), "[1., 1.]  (2,) float32"),
        (np.array([2e-12, 0.0]), "[2.e-12, 0.e+00]"),
        (np.array([1.0, 1e-17]), "[1., 0.]"),
        (np.zeros(100), "[0., 0., ..., 0., 0.]  (100,) float64"),
        (1 / 3, "0.333333"),
        ((1, None), "(1, None)"),
        ({"a": 2}, "{a: 2}"),
    ],
)
def test_values_are_shown_short(value, text):
    assert shown(value) == text
