"""What every op of the package promises, as one class of tests that the tests of each op inherit.

A test class names its cases; each case is one way to call one op, with every array that has a gradient as an
argument. The promises: the gradient is right (by independent judges), it has the names and shapes of the
arguments, every library gives the same numbers in its own dtype on its own device, nothing that was passed in
is written to, a second forward does not disturb the first one's cache, and a cache keeps no more memory alive
than it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hyena_np.errors import DTypeError, ShapeError
from support import gradients
from support.libraries import NUMPY64, Library
from support.trees import leaves, tree_map


@dataclass(frozen=True)
class Case:
    """One way to call an op.

    ``make(rng)`` draws the arguments on the host in float64, as a tuple of trees. ``linear_in`` names leaves
    (by dotted path, "0" is the first argument) in which the op is affine; ``constant`` those that carry no
    gradient.
    """

    id: str
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]
    make: Callable[[np.random.Generator], tuple]
    linear_in: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()

    def run(self, library: Library, args: tuple, dy: Any) -> tuple[Any, tuple]:
        """Output and gradients, one per argument."""
        y, cache = self.forward(*args)
        return y, gradients.as_arguments(self.backward(dy, cache), len(args))


def buffer_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory which ``array`` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def check_owns_its_memory(result: Any, args: Any, what: str) -> None:
    """Every buffer that a result keeps alive is shown whole by its arrays; arguments are the caller's."""
    mine = {id(buffer_of(x)) for x in leaves(args).values()}
    sizes, shown = {}, {}
    for array in leaves(result).values():
        if isinstance(array, np.ndarray) and id(buffer_of(array)) not in mine:
            owner = buffer_of(array)
            sizes[id(owner)] = owner.nbytes
            window = (array.__array_interface__["data"][0], array.shape, array.strides)
            shown.setdefault(id(owner), {})[window] = array.nbytes
    for key, size in sizes.items():
        visible = sum(shown[key].values())
        assert size <= visible, f"{what} shows {visible} bytes of a buffer and keeps alive {size}"


def read_only(tree: Any) -> Any:
    """Copies of the arrays that raise on any write."""

    def lock(x):
        x = np.array(x)
        x.flags.writeable = False
        return x

    return tree_map(lock, tree)


class OpContract:
    """Inherit, and set ``cases``."""

    cases: tuple[Case, ...] = ()

    def pytest_generate_tests(self, metafunc):
        if "case" in metafunc.fixturenames:
            assert self.cases, f"{type(self).__name__} has no cases"
            metafunc.parametrize("case", self.cases, ids=lambda case: case.id)

    @staticmethod
    def _reference(case: Case, rng: np.random.Generator) -> tuple[tuple, Any, Any, tuple]:
        args = case.make(rng)
        dy = np.asarray(rng.standard_normal(np.shape(case.forward(*args)[0])))
        # on copies: an op that writes into its arguments must not spoil what it is compared with
        return args, dy, *case.run(NUMPY64, NUMPY64.tree(args), dy.copy())

    def test_every_library_gives_the_same_numbers(self, case, library, rng):
        args, dy, y, grads = self._reference(case, rng)
        their_y, their_grads = case.run(library, library.tree(args), library.asarray(dy))
        assert library.owns(their_y), f"output {their_y!r:.80}"
        assert all(library.owns(g) for g in leaves(their_grads).values())
        gradients.assert_close(library.to_numpy(their_y), y, library.rtol, "output")
        gradients.assert_trees_close(
            tree_map(library.to_numpy, their_grads), grads, library.rtol, "gradient of argument"
        )

    def test_nothing_passed_in_is_written_to(self, case, library, rng):
        args, dy, _, _ = self._reference(case, rng)
        their_args, their_dy = library.tree(args), library.asarray(dy)
        before = tree_map(library.to_numpy, (their_args, their_dy))
        case.run(library, their_args, their_dy)
        after = tree_map(library.to_numpy, (their_args, their_dy))
        for path, value in leaves(before).items():
            np.testing.assert_array_equal(leaves(after)[path], value, err_msg=f"argument {path} changed")

    def test_read_only_arguments_are_accepted(self, case, rng):
        args, dy, _, grads = self._reference(case, rng)
        _, again = case.run(NUMPY64, read_only(args), read_only(dy))
        gradients.assert_trees_close(again, grads, 0.0)

    def test_gradients_have_the_names_and_shapes_of_the_arguments(self, case, rng):
        args, _, _, grads = self._reference(case, rng)
        grads = leaves(grads)
        expected = {path: x.shape for path, x in leaves(args).items() if path not in case.constant}
        assert {path: g.shape for path, g in grads.items() if path not in case.constant} == expected
        assert grads.keys() <= leaves(args).keys()

    def test_a_second_forward_leaves_the_first_cache_alone(self, case, rng):
        args, dy, _, grads = self._reference(case, rng)
        _, first = case.forward(*args)
        _, second = case.forward(*case.make(rng))
        case.backward(rng.standard_normal(dy.shape), second)
        late = gradients.as_arguments(case.backward(dy, first), len(args))
        gradients.assert_trees_close(late, grads, 0.0)

    def test_a_cache_can_be_used_twice(self, case, rng):
        args, dy, _, grads = self._reference(case, rng)
        _, cache = case.forward(*args)
        case.backward(rng.standard_normal(dy.shape), cache)
        again = gradients.as_arguments(case.backward(dy, cache), len(args))
        gradients.assert_trees_close(again, grads, 0.0)

    def test_a_cotangent_that_does_not_fit_is_refused(self, case, rng):
        y, cache = case.forward(*case.make(rng))
        with pytest.raises(ShapeError, match=r"^d\w+: got shape"):
            case.backward(np.ones((*np.shape(y)[:-1], 1 + np.size(y))), cache)
        with pytest.raises(DTypeError, match=r"^\w+: got \w+, but \w+ is (float|complex)\d+; all must agree"):
            case.backward(np.asarray(y, dtype=np.float32), cache)

    def test_cache_output_and_gradients_own_their_memory(self, case, rng):
        args = case.make(rng)
        y, cache = case.forward(*args)
        check_owns_its_memory(cache, args, "the cache")
        dy = np.asarray(rng.standard_normal(np.shape(y)))
        # views of arguments (or of dy) are the caller's memory already
        check_owns_its_memory(y, args, "the output")
        check_owns_its_memory(case.backward(dy, cache), (args, dy), "the gradients")

    def test_one_direction_by_differences(self, case, rng):
        gradients.check_direction(case.forward, case.backward, case.make(rng), rng, constant=case.constant)

    def test_autograd_agrees(self, case, rng):
        gradients.check_autograd(case.forward, case.backward, case.make(rng), rng, constant=case.constant)


class LinearContract(OpContract):
    """For an op that is affine in some arguments: every case names them in ``linear_in``."""

    def test_adjoint_identity(self, case, rng):
        assert case.linear_in
        gradients.check_adjoint(case.forward, case.backward, case.make(rng), rng, case.linear_in)


class AnalyticContract(OpContract):
    """For an op that is analytic in its arguments and accepts complex arrays."""

    def test_complex_step(self, case, rng):
        gradients.check_complex_step(case.forward, case.backward, case.make(rng), rng, constant=case.constant)
