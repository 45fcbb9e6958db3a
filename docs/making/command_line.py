"""The page of the command line: what every command answers to ``--help``."""

from __future__ import annotations

from collections.abc import Iterator

import click

WIDTH = 96


def every(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """A command, then those below it."""
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from every(inner, click.Context(inner, info_name=name, parent=context))


def page() -> str:
    """In Markdown, one heading a command."""
    from hyena_np.cli import cli

    top = click.Context(cli, info_name="hyena-np", terminal_width=WIDTH, max_content_width=WIDTH)
    parts = ["# Command line", "What each command answers to `--help`."]
    for command, context in every(cli, top):
        help_text = command.get_help(context)
        parts.append(f"## `{context.command_path}`\n\n```text\n{help_text}\n```")
    return "\n\n".join(parts) + "\n"
