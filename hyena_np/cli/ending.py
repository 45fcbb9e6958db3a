"""How a command ends early: one line on standard error, and an exit status."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


def fail(message: str, status: int) -> NoReturn:
    """Say one line on standard error and exit."""
    click.echo("hyena-np: " + " ".join(message.split()), err=True)
    sys.exit(status)
