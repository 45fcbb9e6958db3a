"""Parameter trees: nested dictionaries, and their flat form under the names of the official code.

A tree speaks the paper's language, its flat form that of the official state dict:

==================================  ==============================================  =======================
tree                                official name                                   paper
==================================  ==============================================  =======================
``in_proj.weight``, ``.bias``       the same                                        Algorithm 1, Linear
``short_filter.weight``, ``.bias``  the same                                        Algorithm 1, Conv1d
``filter.positional.z``, ``.t``     ``filter_fn.pos_emb.z``, ``.t``                 PositionalEncoding(t)
``filter.ffn.linear_i.*``           ``filter_fn.implicit_filter.2i.*``              FFN
``filter.ffn.freq``                 ``filter_fn.implicit_filter.1.freq``, 3, 5 ...  sine frequency
``filter.window.deltas``            ``filter_fn.modulation.deltas``                 Window(t), alpha
``filter.skip``                     ``filter_fn.bias``                              (absent from the paper)
``out_proj.weight``, ``.bias``      the same                                        output projection
==================================  ==============================================  =======================
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hyena_np.backend import Array, to_numpy
from hyena_np.errors import ParameterError

_TO_OFFICIAL = (
    ("filter.positional.z", "filter_fn.pos_emb.z"),
    ("filter.positional.t", "filter_fn.pos_emb.t"),
    ("filter.window.deltas", "filter_fn.modulation.deltas"),
    ("filter.skip", "filter_fn.bias"),
)
_DENSE = re.compile(r"(?<![^.])filter\.ffn\.linear_(\d+)\.")
_OFFICIAL_DENSE = re.compile(r"(?<![^.])filter_fn\.implicit_filter\.(\d+)\.(weight|bias)$")
_OFFICIAL_FREQ = re.compile(r"(?<![^.])filter_fn\.implicit_filter\.(\d+)\.freq$")
_OFFICIAL_FILTER = re.compile(r"(?<![^.])filter_fn(?![^.])")
_FREQ = re.compile(r"(?<![^.])filter\.ffn\.freq$")


def tree_map(f: Callable, tree: dict, *others: dict) -> dict:
    """Apply `f` to the arrays of trees of equal structure.

    Parameters
    ----------
    f : callable
        Takes one array of each tree.
    tree, *others : dict
        Nested dictionaries of arrays of any shape.

    Returns
    -------
    dict
        The structure of `tree`, with the results of `f`.

    Raises
    ------
    ParameterError
        A tree lacks a key of the first, or has one more.

    Notes
    -----
    Source: no counterpart in the paper or the official code, which keeps parameters on modules.
    """
    for other in others:
        if not isinstance(other, dict) or other.keys() != tree.keys():
            got = sorted(other) if isinstance(other, dict) else type(other).__name__
            raise ParameterError(
                f"tree: got the keys {got}, allowed are those of the first tree, {sorted(tree)}"
            )
    mapped = {}
    for key, value in tree.items():
        values = [other[key] for other in others]
        if isinstance(value, dict):
            mapped[key] = tree_map(f, value, *values)
        elif any(isinstance(other, dict) for other in values):
            raise ParameterError(f"tree: {key} is an array in the first tree and a branch in another")
        else:
            mapped[key] = f(value, *values)
    return mapped


def tree_leaves(tree: dict) -> dict[str, Array]:
    """The arrays of a tree by their dotted names, in the tree's own words.

    Parameters
    ----------
    tree : dict
        Nested dictionaries of arrays of any shape.

    Returns
    -------
    dict
        ``{"filter.ffn.freq": array, ...}``.

    Notes
    -----
    Source: see the table at the head of this file.
    """
    leaves: dict[str, Array] = {}
    _collect(tree, "", leaves)
    return leaves


def _collect(tree: dict, prefix: str, leaves: dict[str, Array]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _collect(value, f"{prefix}{key}.", leaves)
        else:
            leaves[prefix + key] = value


def tree_from_leaves(leaves: dict[str, Array]) -> dict:
    """Inverse of `tree_leaves`.

    Parameters
    ----------
    leaves : dict
        Arrays of any shape by dotted name.

    Returns
    -------
    dict
        Nested dictionaries.

    Raises
    ------
    ParameterError
        One name is the beginning of another.

    Notes
    -----
    Source: see the table at the head of this file.
    """
    tree: dict = {}
    for name, leaf in leaves.items():
        *path, last = name.split(".")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise ParameterError(f"names: {name!r} continues a name that is an array already")
        if last in node:
            raise ParameterError(f"names: {name!r} is given twice, or is the beginning of another name")
        node[last] = leaf
    return tree


def flatten(params: dict) -> dict[str, Array]:
    """The arrays of a parameter tree under the dotted names and shapes of the official state dict.

    The network's one frequency vector is written under the name of every activation that shares it, as the
    official state dict does.

    Parameters
    ----------
    params : dict
        A tree of one operator or of a model, or of their gradients; any shapes.

    Returns
    -------
    dict
        ``{"in_proj.weight": array, "filter_fn.implicit_filter.0.weight": array, ...}``; arrays are not
        copied.

    Raises
    ------
    ParameterError
        Not raised for trees that this package made.

    Notes
    -----
    Source: official code: ``HyenaOperator.state_dict()``; the table at the head of this file.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import HyenaConfig, flatten, init_hyena
    >>> params = init_hyena(HyenaConfig(d_model=4, l_max=16), np.random.default_rng(0))
    >>> flatten(params)["short_filter.weight"].shape
    (12, 1, 3)
    """
    leaves = tree_leaves(params)
    flat = {}
    for name, leaf in leaves.items():
        if _FREQ.search(name):
            network = name.removesuffix("filter.ffn.freq")
            depth = sum(
                other.startswith(f"{network}filter.ffn.linear_")
                for other in leaves
                if other.endswith("weight")
            )
            for i in range(max(depth - 1, 1)):
                flat[f"{network}filter_fn.implicit_filter.{2 * i + 1}.freq"] = leaf
        else:
            flat[_official_name(name)] = leaf
    return flat


def _official_name(name: str) -> str:
    match = _DENSE.search(name)
    if match:
        return _DENSE.sub(f"filter_fn.implicit_filter.{2 * int(match[1])}.", name)
    for ours, official in _TO_OFFICIAL:
        name = re.sub(rf"(?<![^.]){re.escape(ours)}$", official, name)
    return name


def unflatten(flat: dict[str, Array]) -> dict:
    """The parameter tree of arrays under official names: the inverse of `flatten`.

    The tables ``pos_emb.z``, ``pos_emb.t`` and ``modulation.deltas`` may be absent (they follow from the
    config), and so may all but one name of the shared frequency.

    Parameters
    ----------
    flat : dict
        A state dict: arrays of any one library, with the shapes of the official operator; not copied.

    Returns
    -------
    dict
        Nested dictionaries.

    Raises
    ------
    ParameterError
        A name is none of the official operator's, or two names of the shared frequency disagree.

    Notes
    -----
    Source: official code: ``HyenaOperator.state_dict()``; the table at the head of this file.
    """
    leaves: dict[str, Array] = {}
    for name, leaf in flat.items():
        ours = _tree_name(name)
        if ours in leaves:
            if not _equal(leaves[ours], leaf):
                raise ParameterError(
                    f"{name}: differs from the frequency of another activation, which must be the same array"
                )
            continue
        leaves[ours] = leaf
    return tree_from_leaves(leaves)


def _equal(a: Array, b: Array) -> bool:
    if a is b:  # as `flatten` writes it: no need to look at the values
        return True
    return tuple(a.shape) == tuple(b.shape) and bool((to_numpy(a) == to_numpy(b)).all())


def _tree_name(name: str) -> str:
    match = _OFFICIAL_FREQ.search(name)
    if match and int(match[1]) % 2 == 1:
        return _OFFICIAL_FREQ.sub("filter.ffn.freq", name)
    match = _OFFICIAL_DENSE.search(name)
    if match and int(match[1]) % 2 == 0:
        return _OFFICIAL_DENSE.sub(f"filter.ffn.linear_{int(match[1]) // 2}.{match[2]}", name)
    for ours, official in _TO_OFFICIAL:
        name = re.sub(rf"(?<![^.]){re.escape(official)}$", ours, name)
    if _OFFICIAL_FILTER.search(name):
        raise ParameterError(
            f"names: got {name!r}, allowed below filter_fn are pos_emb.z, pos_emb.t, modulation.deltas, "
            "bias, and implicit_filter.0.weight and so on"
        )
    return name
