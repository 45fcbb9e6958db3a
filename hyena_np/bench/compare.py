"""Before anything is timed: does it compute the right thing? Outputs and every gradient, against float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hyena_np.backend import to_numpy
from hyena_np.bench.cases import BOTH, STEP, Case
from hyena_np.bench.inputs import Inputs, OperatorInputs
from hyena_np.errors import DisagreementError
from hyena_np.models.language_model import language_model, language_model_backward
from hyena_np.models.params import tree_leaves, tree_map
from hyena_np.ops.hyena import hyena_reference, hyena_reference_backward
from hyena_np.ops.layers import cross_entropy, cross_entropy_backward

Results = Mapping[str, np.ndarray]

TOLERANCE = 1e-3  # float32 at 262,144 positions is far below, a wrong formula far above
# Above this many numbers a forward is compared at its beginning, whose float64 copies fit the memory.
_LARGEST = 1 << 25
_BEGINNING = 1 << 16
# Constants of the filter. They have a gradient too, but nobody trains them.
_CONSTANTS = (".positional.t", ".window.deltas")


def reference(case: Case, inputs: Inputs) -> Results:
    """Outputs and gradients of a case in float64, by the readable form of the operator.

    Parameters
    ----------
    case : Case
    inputs : OperatorInputs or TrainingInputs

    Returns
    -------
    dict
        ``"y"`` (B, L, D) or ``"loss"``; with a backward, ``"du"`` and the gradients by their dotted names.
        Of a very large forward, whose operator is causal, the first 65,536 positions.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    params = tree_map(lambda leaf: leaf.astype(np.float64), inputs.params)
    if not isinstance(inputs, OperatorInputs):
        return training_results(inputs, params)
    u = inputs.u
    if case.size > _LARGEST and case.kind != BOTH:
        u = u[:, :_BEGINNING]
    y, cache = hyena_reference(u.astype(np.float64), params, inputs.config)
    if case.kind != BOTH:
        return {"y": y}
    du, dparams = hyena_reference_backward(inputs.dy.astype(np.float64), cache)
    return operator_results(y, du, dparams)


def operator_results(y, du=None, dparams: dict | None = None) -> Results:
    """Output and gradients of an operator under the names of `reference`, on the host."""
    results = {"y": to_numpy(y)}
    if du is not None and dparams is not None:
        results |= {"du": to_numpy(du)}
        results |= {name: to_numpy(leaf) for name, leaf in tree_leaves(dparams).items()}
    return results


def training_results(inputs: Inputs, params: dict) -> Results:
    """Loss and gradients of our model at the given parameters, under the names of `reference`."""
    assert not isinstance(inputs, OperatorInputs)
    logits, cache = language_model(inputs.ids, params, inputs.config)
    loss, loss_cache = cross_entropy(logits, inputs.labels)
    grads = language_model_backward(cross_entropy_backward(1.0, loss_cache), cache)
    return {"loss": to_numpy(loss)} | {name: to_numpy(leaf) for name, leaf in tree_leaves(grads).items()}


def max_error(
    name: str, case: Case, results: Results, expected: Results, tolerance: float = TOLERANCE
) -> float:
    r"""The largest relative error of a contender, over its output and every gradient.

    .. math:: \max_{\mathrm{arrays}} \frac{\max |a - b|}{\max |b|}

    Parameters
    ----------
    name : str
        Of the contender, for the message.
    case : Case
    results : mapping
        What the contender computed; the names of `expected`, the constants of the filter aside.
    expected : mapping
        From `reference`; arrays of the same shapes, or, for an output, of the first positions.
    tolerance : float

    Returns
    -------
    float

    Raises
    ------
    DisagreementError
        An array is absent, has another shape, is not finite, or is off by more than the tolerance.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    errors = {}
    for key, b in expected.items():
        if key.endswith(_CONSTANTS) or f".{key}".endswith(_CONSTANTS):
            continue
        if case.kind == STEP and key.endswith(".positional.z"):
            continue  # the recipe does not train it
        if key not in results:
            raise DisagreementError(f"{name}: gives no {key} at {case.label}, so it is not timed")
        a = results[key]
        if key == "y" and a.ndim == b.ndim == 3:
            a = a[:, : b.shape[1]]
        if a.shape != b.shape:
            raise DisagreementError(
                f"{name}: {key} has shape {a.shape} at {case.label}, expected is {b.shape}"
            )
        errors[key] = _relative_error(a, b)
    worst = max(errors, key=lambda key: errors[key])
    if not errors[worst] <= tolerance:
        raise DisagreementError(
            f"{name}: the relative error of {worst} is {errors[worst]:.1e} at {case.label}, allowed is "
            f"{tolerance:.0e}, so it is not timed"
        )
    return errors[worst]


def _relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """Infinite, and so never small, where a number is not finite."""
    difference = float(np.max(np.abs(a - b))) / max(float(np.max(np.abs(b))), np.finfo(np.float64).tiny)
    return difference if np.isfinite(difference) else np.inf
