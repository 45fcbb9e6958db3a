"""Nested dictionaries and tuples of arrays, kept apart from the package's own tree functions on purpose.

A test that used ``hyena_np.models.params`` to compare gradients would inherit its mistakes.
"""

from collections.abc import Callable, Iterator
from typing import Any


def is_branch(tree: Any) -> bool:
    return isinstance(tree, dict | tuple | list)


def children(tree: Any) -> Iterator[tuple[str, Any]]:
    """The named children of a branch; a tuple's names are its indices."""
    return iter(tree.items()) if isinstance(tree, dict) else ((str(i), x) for i, x in enumerate(tree))


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    """Every leaf that is not None, by its dotted path."""
    if not is_branch(tree):
        return {} if tree is None else {path: tree}
    found: dict[str, Any] = {}
    for name, child in children(tree):
        found |= leaves(child, f"{path}.{name}" if path else name)
    return found


def tree_map(f: Callable[..., Any], *trees: Any) -> Any:
    """Apply ``f`` to corresponding leaves; the first tree says where the leaves are, None stays None."""
    first = trees[0]
    if first is None:
        return None
    if isinstance(first, dict):
        return {name: tree_map(f, *(tree[name] for tree in trees)) for name in first}
    if isinstance(first, tuple | list):
        return tuple(tree_map(f, *parts) for parts in zip(*trees, strict=True))
    return f(*trees)


def replace_leaf(tree: Any, path: str, value: Any) -> Any:
    """A copy of the tree with one leaf replaced; the other leaves are the same objects."""
    if not path:
        return value
    name, _, rest = path.partition(".")
    if isinstance(tree, dict):
        return {k: replace_leaf(x, rest, value) if k == name else x for k, x in tree.items()}
    return tuple(replace_leaf(x, rest, value) if str(i) == name else x for i, x in enumerate(tree))
