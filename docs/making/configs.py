"""The page of the configs: every frozen dataclass of settings, its fields, defaults and reasons."""

from __future__ import annotations

import inspect
import re

import hyena_np

NAMES = (
    "HyenaConfig",
    "LanguageModelConfig",
    "SequenceModelConfig",
    "FIRConfig",
    "FNOConfig",
    "S4DConfig",
    "TransferFunctionConfig",
    "CKConvConfig",
    "LongConvConfig",
    "AttentionConfig",
    "LinearAttentionConfig",
    "AFTConvConfig",
    "GSSConfig",
    "H3Config",
    "RWKVConfig",
    "BidirectionalHyenaConfig",
    "Hyena2DConfig",
)
HEAD = """# Configs

A config is a frozen dataclass: an unknown name or a value that is not allowed raises
{py:class}`~hyena_np.ConfigError` when it is made, and `dataclasses.replace` makes a changed copy. In a
checkpoint configs stand as dictionaries ([file formats](formats.md)). What is raised, and
where it comes from, is behind the name of the class.
"""


def described(docstring: str) -> dict[str, str]:
    """Fields of a numpydoc docstring -> what they are, on one line; "a, b : type" describes both."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^[A-Z]\w+\n-+\n|\Z)", inspect.cleandoc(docstring), re.M | re.S
    )
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=\S)", section[1] if section else "", flags=re.MULTILINE):
        head, _, body = entry.partition("\n")
        for name in head.partition(" : ")[0].split(","):
            found[name.strip()] = " ".join(body.split())
    return found


def rows(cls: type) -> list[tuple[str, str, str]]:
    """Fields, in order: name, default (empty where it must be given), description."""
    meaning = described(cls.__doc__ or "")
    parameters = inspect.signature(cls).parameters.values()
    return [(p.name, "" if p.default is p.empty else repr(p.default), meaning[p.name]) for p in parameters]


def table(cls: type) -> str:
    """In Markdown."""
    lines = ["| field | default | |", "| --- | --- | --- |"]
    for field, default, meaning in rows(cls):
        text = re.sub(r":\w+:`([^`]*)`", r"$\1$", meaning).replace("|", r"\|")
        lines.append(f"| `{field}` | {f'`{default}`' if default else 'must be given'} | {text} |")
    return "\n".join(lines)


def page() -> str:
    """In Markdown, one table a config."""
    parts = [HEAD]
    for name in NAMES:
        cls = getattr(hyena_np, name)
        summary = " ".join(inspect.cleandoc(cls.__doc__).split("\n\n")[0].split()).replace("`", "")
        parts.append(f"## `{name}`\n\n{{py:class}}`hyena_np.{name}`: {summary}\n\n{table(cls)}")
    return "\n\n".join(parts) + "\n"
