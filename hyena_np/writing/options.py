"""What a user asks for: flags win over the config file, the file over the defaults."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from hyena_np.errors import ConfigError
from hyena_np.writing.recipe import WritingRecipe

RECIPE_OPTIONS = tuple(field.name for field in fields(WritingRecipe))
SOURCE_OPTIONS = ("text", "corpus")
OPTIONS = (*SOURCE_OPTIONS, *RECIPE_OPTIONS, "backend")
"""The keys of a config file: the names of the flags that say what a run is."""


def merge_options(flags: dict[str, Any], config: Path | None = None) -> dict[str, Any]:
    """What was asked for, by the names in `OPTIONS`; what nobody named is left out.

    Parameters
    ----------
    flags : dict
        Of the command line; None where nothing was said.
    config : Path, optional
        A TOML file.

    Returns
    -------
    dict
        ``text`` as an absolute path.

    Raises
    ------
    ConfigError
        The file cannot be read, is no TOML or has an unknown key; or both a text and a corpus are named.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    said = _absolute({name: value for name, value in flags.items() if value is not None}, Path())
    written = read_config(config) if config is not None else {}
    for where, options in (("", said), (f"{config}: ", written)):
        if all(name in options for name in SOURCE_OPTIONS):
            raise ConfigError(f"{where}text, corpus: got both, allowed is one of them")
    if any(name in said for name in SOURCE_OPTIONS):  # a flag for the one replaces the other in the file
        written = {name: value for name, value in written.items() if name not in SOURCE_OPTIONS}
    return written | said


def read_config(path: Path) -> dict[str, Any]:
    """The options in a TOML file, ``text`` relative to its folder; ConfigError as in `merge_options`."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config: {path} cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # of TOML, or of bytes that are no text
        raise ConfigError(f"config: {path} is no TOML file ({error})") from error
    for name in found:
        if name not in OPTIONS:
            raise ConfigError(f"{path}: unknown key {name!r}, allowed are {', '.join(OPTIONS)}")
    for name in (*SOURCE_OPTIONS, "backend"):
        if not isinstance(found.get(name, ""), str):
            raise ConfigError(f"{path}: {name}: got {found[name]!r}, allowed is a text in quotation marks")
    return _absolute(found, path.parent)


def _absolute(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A run may be resumed from another folder, so the text's path must not depend on where one stands."""
    if "text" not in options:
        return options
    return options | {"text": str((folder / options["text"]).absolute())}
