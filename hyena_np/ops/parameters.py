"""Does a parameter tree fit its configuration? Asked at the door, so that no later error is a riddle."""

from __future__ import annotations

from hyena_np.backend import Array
from hyena_np.errors import ParameterError

TABLES = ("filter.positional.z", "filter.positional.t", "filter.window.deltas")
"""Arrays of a Hyena operator that follow from its configuration, and so may be absent from its tree."""


def check_params(
    params: dict, shapes: dict[str, tuple[int, ...]], optional: tuple[str, ...] = ()
) -> dict[str, Array]:
    """Raise unless a tree has exactly the names and shapes that its configuration asks for.

    Parameters
    ----------
    params : dict
        Nested dictionaries of arrays.
    shapes : dict
        The shape of every array by its dotted name, as `operator_shapes` gives it.
    optional : tuple of str
        Names that may be absent.

    Returns
    -------
    dict
        The arrays by dotted name, in the order of `shapes`.

    Raises
    ------
    ParameterError
        A name is missing or unknown, or a shape differs; the message names the parameter.

    Notes
    -----
    Source: no counterpart in the paper; PyTorch's ``load_state_dict(strict=True)`` has the same role.
    """
    found: dict[str, Array] = {}
    pending = [("", params)]
    while pending:
        path, branch = pending.pop()
        for key, node in branch.items():
            name = f"{path}{key}"
            if isinstance(node, dict):
                pending.append((f"{name}.", node))
            elif name in shapes:
                found[name] = node
            else:
                raise ParameterError(f"params: {name} is unknown, allowed are {', '.join(shapes)}")
    for name, shape in shapes.items():
        if name in found:
            got = tuple(getattr(found[name], "shape", ()))
            if got != shape:
                raise ParameterError(f"params: {name} has shape {got}, the config asks for {shape}")
        elif name not in optional:
            raise ParameterError(f"params: {name} is missing, the config asks for shape {shape}")
    return {name: found[name] for name in shapes if name in found}
