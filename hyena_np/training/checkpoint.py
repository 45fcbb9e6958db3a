"""Checkpoints: one safetensors file that holds everything a run needs to go on bit for bit.

The file has the arrays ``params.*``, ``optimizer.mean.*`` and ``optimizer.square.*`` under the names of the
parameter tree, and in its metadata the step, the state of the random generator, the run's configuration and a
SHA-256 of all of that. It is written whole or not at all, and checked when it is read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from hyena_np.backend import Backend, to_numpy
from hyena_np.errors import CheckpointError
from hyena_np.files import write_bytes
from hyena_np.models.params import tree_from_leaves, tree_leaves
from hyena_np.training.optim import AdamWState

FORMAT = "hyena_np checkpoint"
FORMAT_VERSION = "1"


class Checkpoint(NamedTuple):
    """Everything that a run needs to go on."""

    params: dict  # parameter tree
    optimizer: AdamWState  # its trees have the same keys and shapes
    step: int  # steps taken
    rng_state: dict  # of numpy.random.Generator.bit_generator
    config: dict  # of the run, as JSON holds it
    seconds: float  # time spent training


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Of the file; its folder must exist.
    checkpoint : Checkpoint
        Arrays of any library and shape; they are copied to the host.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The file cannot be written; an older checkpoint at `path` is untouched.

    Notes
    -----
    Source: no counterpart in the paper; the format is that of the safetensors library.
    """
    trees = {
        "params": checkpoint.params,
        "optimizer.mean": checkpoint.optimizer.mean,
        "optimizer.square": checkpoint.optimizer.square,
    }
    arrays = {
        f"{prefix}.{name}": np.ascontiguousarray(to_numpy(leaf))
        for prefix, tree in trees.items()
        for name, leaf in tree_leaves(tree).items()
    }
    state = json.dumps(
        {
            "step": checkpoint.step,
            "rng": checkpoint.rng_state,
            "config": checkpoint.config,
            "seconds": checkpoint.seconds,
        }
    )
    metadata = {"format": FORMAT, "version": FORMAT_VERSION, "state": state, "sha256": _digest(arrays, state)}
    return write_bytes(path, _safetensors().numpy.save(arrays, metadata))


def load_checkpoint(path: str | Path, backend: Backend, config: dict | None = None) -> Checkpoint:
    """Read a checkpoint and check that it is whole and the right one.

    Parameters
    ----------
    path : str or Path
    backend : Backend
        Where the arrays go; its dtype must be the file's.
    config : dict, optional
        The configuration that the run must have.

    Returns
    -------
    Checkpoint
        Arrays with the shapes and dtypes that were saved.

    Raises
    ------
    CheckpointError
        The file is missing, truncated, corrupted, foreign, or belongs to another run or dtype; the message
        says which.

    Notes
    -----
    Source: no counterpart in the paper; the format is that of the safetensors library.
    """
    arrays, state = _read(Path(path))
    if config is not None:
        _check_config(Path(path), state["config"], config)
    trees: dict[str, dict[str, Any]] = {"params": {}, "optimizer.mean": {}, "optimizer.square": {}}
    for name, array in arrays.items():
        if array.dtype.name != backend.dtype_name:
            raise CheckpointError(
                f"{path}: holds {array.dtype} arrays, but {backend.dtype_name} was asked for"
            )
        prefix = next((prefix for prefix in trees if name.startswith(f"{prefix}.")), None)
        if prefix is None:
            raise CheckpointError(f"{path}: holds an array of unknown name, {name!r}")
        trees[prefix][name.removeprefix(f"{prefix}.")] = backend.asarray(array)
    params, mean, square = (tree_from_leaves(leaves) for leaves in trees.values())
    return Checkpoint(
        params,
        AdamWState(state["step"], mean, square),
        state["step"],
        state["rng"],
        state["config"],
        state["seconds"],
    )


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    if not path.is_file():
        raise CheckpointError(f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}")
    library = _safetensors()
    try:
        with library.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (library.SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path}: is truncated, corrupted or no safetensors file ({reason})") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: is a safetensors file, but no {FORMAT}")
    if metadata.get("version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format version {metadata.get('version')!r}, allowed is {FORMAT_VERSION!r}"
        )
    if metadata.get("sha256") != _digest(arrays, metadata.get("state", "")):
        raise CheckpointError(f"{path}: is corrupted (its contents do not match their SHA-256)")
    return arrays, json.loads(metadata["state"])


def _safetensors() -> ModuleType:
    """Imported when a file is written or read: a browser has no such library, and trains all the same."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise CheckpointError(
            f"checkpoint: safetensors is not installed ({error}); none can be written or read here"
        ) from error
    return safetensors


def _digest(arrays: dict[str, np.ndarray], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _check_config(path: Path, saved: dict, wanted: dict) -> None:
    saved_leaves, wanted_leaves = tree_leaves(saved), tree_leaves(wanted)
    for name in sorted(saved_leaves.keys() | wanted_leaves.keys()):
        if saved_leaves.get(name) != wanted_leaves.get(name):
            raise CheckpointError(
                f"{path}: belongs to another run: {name} is {saved_leaves.get(name)!r} there, "
                f"{wanted_leaves.get(name)!r} was asked for"
            )
