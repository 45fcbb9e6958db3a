"""AdamW with parameter groups, and clipping by the global norm: pure functions of (params, grads, state)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.errors import ConfigError, ParameterError
from hyena_np.models.params import tree_from_leaves, tree_leaves, tree_map
from hyena_np.ops.checks import check_real


class AdamWState(NamedTuple):
    """State of the optimiser; the trees have the keys and shapes of the parameters."""

    step: int
    mean: dict  # running mean of the gradient
    square: dict  # running mean of its square


class Group(NamedTuple):
    """How one array is trained."""

    lr_scale: float  # times the learning rate; 0 keeps the array as it is
    weight_decay: float


FROZEN = Group(0.0, 0.0)
# Of a Hyena filter, and of the layers of H3 and GSS.
_STATE_SPACE = tuple(
    f".{model}.{name}" for model in ("filter.s4d", "ssm") for name in ("log_dt", "log_decay", "frequency")
)
_NOT_DECAYING = (".filter.", ".shift.", ".norm", ".ln_f.")


def parameter_groups(params: dict, weight_decay: float, train_positions: bool = False) -> dict[str, Group]:
    """Say for every array of a tree whether it is trained and whether it decays.

    Weights decay; biases, norms, the short convolution's bias, the skip term and all that makes the long
    filters do not. The window's constants are never trained, the table of positional features only on
    request. The poles and the time step of a state-space filter learn at a tenth of the rate: a small change
    of a pole is a large one of the filter's far end.

    Parameters
    ----------
    params : dict
        Parameter tree; shapes do not matter.
    weight_decay : float
        Of the arrays that decay.
    train_positions : bool
        Train the positional features z, as the official code does with its default ``lr_pos_emb``.

    Returns
    -------
    dict
        Dotted name to Group.

    Raises
    ------
    ConfigError
        `weight_decay` is negative.

    Notes
    -----
    Source: official code: the ``_optim`` attributes (filter network: own learning rate, no decay; state
    space: at most 1e-3, which a tenth is at the rates that this package trains with).
    """
    check_real("weight_decay", weight_decay)
    if weight_decay < 0:
        raise ConfigError(f"weight_decay: got {weight_decay}, allowed are numbers >= 0")
    return {name: _group(f".{name}", weight_decay, train_positions) for name in tree_leaves(params)}


def _group(name: str, weight_decay: float, train_positions: bool) -> Group:
    if name.endswith((".filter.positional.t", ".filter.window.deltas")):
        return FROZEN
    if name.endswith(".filter.positional.z"):
        return Group(1.0, 0.0) if train_positions else FROZEN
    if name.endswith(_STATE_SPACE):
        return Group(0.1, 0.0)
    decays = name.endswith(".weight") and not any(part in name for part in _NOT_DECAYING)
    return Group(1.0, weight_decay if decays else 0.0)


def adamw_init(params: dict) -> AdamWState:
    """State before the first step: zeros.

    Parameters
    ----------
    params : dict
        Parameter tree.

    Returns
    -------
    AdamWState
        Trees of the shapes of `params`.

    Raises
    ------
    LibraryMismatchError
        A leaf is no float array.

    Notes
    -----
    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", Algorithm 2.
    """
    return AdamWState(0, tree_map(_zeros, params), tree_map(_zeros, params))


def _zeros(leaf: Array) -> Array:
    return namespace(params=leaf).zeros_like(leaf)


def adamw(
    params: dict,
    grads: dict,
    state: AdamWState,
    lr: float,
    groups: dict[str, Group],
    betas: tuple[float, float] = (0.9, 0.98),
    eps: float = 1e-8,
) -> tuple[dict, AdamWState]:
    r"""One step of AdamW.

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1) g, \quad v \leftarrow \beta_2 v + (1-\beta_2) g^2, \quad
              p \leftarrow (1 - \eta\lambda)\, p - \eta\,
              \frac{m / (1-\beta_1^s)}{\sqrt{v / (1-\beta_2^s)} + \epsilon}

    Parameters
    ----------
    params, grads : dict
        Trees of equal structure and shapes.
    state : AdamWState
        Its trees have that structure too.
    lr : float
        Learning rate of this step.
    groups : dict
        Dotted name to Group, from `parameter_groups`.
    betas : tuple of float
        Decay of the two running means; the paper's value is the default.
    eps : float

    Returns
    -------
    params : dict
        New arrays; a frozen one is the old array itself.
    state : AdamWState

    Raises
    ------
    ParameterError
        The trees differ, or an array has no group.
    ShapeError, DTypeError, LibraryMismatchError
        A gradient does not fit its parameter.

    Notes
    -----
    Source: Loshchilov and Hutter, Algorithm 2; Hyena paper, Table A.1 (betas); official code:
    ``torch.optim.AdamW``.
    """
    step = state.step + 1
    mean_scale = 1 - betas[0] ** step
    square_scale = math.sqrt(1 - betas[1] ** step)
    gradients = tree_leaves(tree_map(lambda p, g, m, v: g, params, grads, *state[1:]))
    leaves, mean, square = tree_leaves(params), tree_leaves(state.mean), tree_leaves(state.square)
    for group, names in _by_group(gradients, groups).items():
        for name in names:
            xp = namespace(params=leaves[name], grads=gradients[name])
            check_shape(f"grads: {name}", gradients[name], tuple(leaves[name].shape))
        # All arrays of a group as one: the same numbers, in a few operations and not in a few for each.
        p, g, m, v = (_as_one(tree, names, xp) for tree in (leaves, gradients, mean, square))
        rate = lr * group.lr_scale
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * (g * g)
        update = m / (xp.sqrt(v) * (1 / square_scale) + eps)
        p = (1 - rate * group.weight_decay) * p - (rate / mean_scale) * update
        for tree, values in ((leaves, p), (mean, m), (square, v)):
            tree |= _as_many(values, tree, names, xp)
    return tree_from_leaves(leaves), AdamWState(step, tree_from_leaves(mean), tree_from_leaves(square))


def _by_group(gradients: dict[str, Array], groups: dict[str, Group]) -> dict[Group, list[str]]:
    """The names of each group, in the order of the tree; without those that are not trained."""
    by_group: dict[Group, list[str]] = {}
    for name in gradients:
        if name not in groups:
            raise ParameterError(f"groups: got none for {name}")
        if groups[name].lr_scale:
            by_group.setdefault(groups[name], []).append(name)
    return by_group


def _as_one(tree: dict[str, Array], names: Iterable[str], xp) -> Array:
    """Arrays one after the other, as one vector."""
    return xp.concat([xp.reshape(tree[name], (-1,)) for name in names])


def _as_many(vector: Array, tree: dict[str, Array], names: Iterable[str], xp) -> dict[str, Array]:
    """The inverse: slices of the vector in the shapes that the arrays have in `tree`."""
    arrays, start = {}, 0
    for name in names:
        shape = tuple(tree[name].shape)
        stop = start + math.prod(shape)
        arrays[name], start = xp.reshape(vector[start:stop], shape), stop
    return arrays


def clip_by_global_norm(grads: dict, max_norm: float) -> tuple[dict, Array]:
    r"""Scale gradients down so that their common norm is at most `max_norm`.

    .. math:: g \leftarrow g \cdot \min\big(1,\ c / \lVert g \rVert\big), \qquad
              \lVert g \rVert^2 = \sum_{\mathrm{arrays}} \sum g^2

    Parameters
    ----------
    grads : dict
        Tree of arrays of any shape.
    max_norm : float
        c, above zero.

    Returns
    -------
    grads : dict
        New arrays.
    norm : array ()
        The norm before clipping; stays on the device.

    Raises
    ------
    ConfigError
        `max_norm` is not above zero.
    ParameterError
        `grads` is empty.

    Notes
    -----
    Source: Hyena paper, App. A (clip 1.0); official code: ``gradient_clip_val``.
    """
    check_real("max_norm", max_norm, positive=True)
    leaves = tree_leaves(grads)
    if not leaves:
        raise ParameterError("grads: got a tree without arrays")
    xp = namespace(grads=next(iter(leaves.values())))
    g = _as_one(leaves, leaves, xp)
    norm = xp.sqrt(xp.vecdot(g, g))
    tiny = xp.asarray(1e-12, dtype=norm.dtype, device=getattr(norm, "device", None))
    scale = xp.minimum(xp.ones_like(norm), max_norm / xp.maximum(norm, tiny))
    return tree_from_leaves(_as_many(g * scale, leaves, leaves, xp)), norm
