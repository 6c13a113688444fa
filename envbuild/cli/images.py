"""What the commands that look at images share: their options, and how an image is named and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from .filled import Filled, text_of

Command = TypeVar("Command", bound=Callable[..., Any])

image_argument = click.argument("image", type=click.Path())
_PLATFORM = click.option(
    "--platform",
    type=Filled("a platform of the image"),
    callback=text_of,
    metavar="OS/ARCH",
    help="Which of several platforms. Default: the only one, or this machine's.",
)
_INSECURE = click.option(
    "--insecure", is_flag=True, help="Take plain http from a registry, or a certificate that nobody vouches for."
)


def looking_options(command: Command) -> Command:
    """What decides on which image is meant, and how it may be had."""
    return _PLATFORM(_INSECURE(command))


def clean(text: object) -> str:
    """A text of an image on one line, without control characters; what is no text as JSON has it."""
    import json

    from .terminal import printable

    return printable(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False))


def wrapped(words: Sequence[str], width: int) -> list[str]:
    """Words with commas between them, as lines that are set in."""
    import textwrap

    # A word is never cut: it is a name that somebody looks for.
    return textwrap.wrap(
        ", ".join(words),
        min(width, 120),
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
