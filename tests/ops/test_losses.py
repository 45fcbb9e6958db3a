"""The mean squared error: its function, its gradient, its manners."""

import math

import numpy as np
import pytest

from hyena_np import mean_squared_error, mean_squared_error_backward
from hyena_np.errors import DTypeError, LibraryMismatchError, ShapeError
from support.contract import AnalyticContract, Case
from support.gradients import assert_close

TARGETS = np.linspace(-1.0, 2.0, 12).reshape(2, 3, 2)
MASK = np.array([[True, False, True], [False, False, True]])


def case(id, targets, mask=None):
    return Case(
        id,
        lambda predictions: mean_squared_error(predictions, targets, mask),
        mean_squared_error_backward,
        lambda rng: (rng.standard_normal(targets.shape),),
    )


class TestMeanSquaredError(AnalyticContract):
    cases = (
        case("all count", TARGETS),
        case("masked", TARGETS, MASK),
        case("one position", TARGETS[0, 0]),
    )

    def test_is_the_mean_of_the_squares_that_count(self, rng):
        predictions = rng.standard_normal((2, 3, 2))
        squares = (predictions - TARGETS) ** 2
        for mask, expected in ((None, squares.mean()), (MASK, squares[MASK].mean())):
            loss, _ = mean_squared_error(predictions, TARGETS, mask)
            assert np.shape(loss) == ()
            assert math.isclose(loss, expected, rel_tol=1e-14)

    def test_what_does_not_count_may_be_nan(self, rng):
        predictions = rng.standard_normal((2, 3, 2))
        expected, _ = mean_squared_error(predictions, TARGETS, MASK)
        unknown = np.where(MASK[..., None], TARGETS, np.nan)
        loss, cache = mean_squared_error(predictions, unknown, MASK)
        assert loss == expected
        dpredictions = mean_squared_error_backward(1.0, cache)
        np.testing.assert_array_equal(dpredictions[~MASK], 0.0)
        assert np.all(dpredictions[MASK] != 0.0)

    def test_targets_and_masks_on_the_device_or_the_host(self, library, rng):
        predictions = rng.standard_normal((2, 3, 2))
        expected, cache = mean_squared_error(predictions, TARGETS, MASK)
        there = library.asarray(predictions)
        mask = library.asarray(1.0 * MASK) > 0.5
        for targets in (TARGETS, library.asarray(TARGETS)):
            for marks in (MASK, mask):
                loss, their_cache = mean_squared_error(there, targets, marks)
                gradient = mean_squared_error_backward(np.float64(0.5), their_cache)
                assert library.owns(loss)
                assert library.owns(gradient)
                assert_close(library.to_numpy(loss), expected, library.rtol)
                assert_close(
                    library.to_numpy(gradient), mean_squared_error_backward(0.5, cache), library.rtol
                )

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((TARGETS, TARGETS[:1]), ShapeError, r"^targets: got shape \(1, 3, 2\), allowed is \(2, 3, 2\)"),
            ((TARGETS, TARGETS, MASK[:1]), ShapeError, r"^mask: got shape \(1, 3\), allowed is \(2, 3\)"),
            ((TARGETS, TARGETS, MASK & False), ShapeError, r"^mask: no position counts"),
            ((TARGETS[:0], TARGETS[:0]), ShapeError, r"^mask: no position counts"),
            ((TARGETS, TARGETS, 1.0 * MASK), DTypeError, r"^mask: got float64, allowed is a boolean array"),
            ((TARGETS, TARGETS, [True]), DTypeError, r"^mask: got list, allowed is a boolean array"),
            ((TARGETS, TARGETS.tolist()), LibraryMismatchError, r"^targets: got list"),
            ((np.float64(1.0), np.float64(1.0)), ShapeError, r"^predictions: got a number"),
        ],
    )
    def test_bad_input(self, arguments, error, message):
        with pytest.raises(error, match=message):
            mean_squared_error(*arguments)
