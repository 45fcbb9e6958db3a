"""Exponents and crossings of curves that are known."""

import math

import pytest

from hyena_np.bench.fit import at_length, crossover, exponent

LENGTHS = [4**k for k in range(3, 10)]


def curve(function):
    return {length: function(length) for length in LENGTHS}


@pytest.mark.parametrize("power", [1.0, 1.09, 2.0])
def test_the_exponent_of_a_power_law(power):
    assert exponent(curve(lambda L: 3e-9 * L**power)) == pytest.approx(power, abs=1e-12)


def test_short_lengths_do_not_count():
    assert exponent(curve(lambda L: 1.0 if L < 4096 else L**1.5 * 1e-9)) == pytest.approx(1.5)
    assert exponent({64: 1.0, 4096: 1.0}) is None
    assert exponent({64: 1.0, 128: 2.0}, start=1) == pytest.approx(1.0)
    assert exponent({}) is None


def test_l_log_l_lies_inside_the_band_that_is_asked_of_it():
    assert 1.08 < exponent(curve(lambda L: L * math.log2(2 * L))) < 1.11


@pytest.mark.parametrize("place", [100.0, 2345.6, 200000.0])
def test_where_two_power_laws_cross(place):
    linear, square = curve(lambda L: L / place), curve(lambda L: (L / place) ** 2)
    assert crossover(linear, square) == pytest.approx(place, rel=1e-9)
    assert crossover(square, linear) is None  # it is quicker at the short end alone


def test_curves_that_do_not_cross():
    low, high = curve(lambda L: 1.0 * L), curve(lambda L: 2.0 * L)
    assert crossover(low, high) is None
    assert crossover(high, low) is None
    assert crossover(low, low) is None
    assert crossover({}, low) is None
    assert crossover({64: 1.0}, {128: 1.0}) is None


def test_of_several_crossings_the_last_one_counts():
    theirs = {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0}
    assert 4 < crossover({1: 0.5, 2: 2.0, 4: 2.0, 8: 0.5}, theirs) < 8


def test_lengths_that_only_one_has_are_left_out():
    assert crossover({64: 2.0, 4096: 1.0, 8192: 9.0}, {64: 1.0, 4096: 2.0}) == pytest.approx(512)


def test_between_two_lengths_the_line_is_straight_in_logarithms():
    assert at_length({4096: 1.0, 16384: 4.0}, 8192) == pytest.approx(2.0)
    assert at_length({4096: 1.0, 16384: 4.0}, 16384) == pytest.approx(4.0)
