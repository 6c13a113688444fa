"""Options whose value must not be empty: `--as-of=$DAY` of a variable that is not set is no wish for the default."""

from __future__ import annotations

from typing import Any

import click


class Filled(click.types.StringParamType):
    """A text that is not blank; `what` says in an error what it is to name.

    An option of this type has no default, as click has types convert that too; `text_of` is its callback.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text as it is. Raises click.BadParameter for a blank one."""
        if not str(value).strip():
            self.fail(f"it is empty: name {self.what}, or leave it out", param, ctx)
        return super().convert(value, param, ctx)


class FilledPath(click.Path):
    """A path that is not empty, as the working directory would be; `what` says in an error what it is to name."""

    def __init__(self, what: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises click.BadParameter for an empty one."""
        if not str(value).strip():
            self.fail(f"it is empty: name {self.what}", param, ctx)
        return super().convert(value, param, ctx)


def text_of(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The value of an option, empty where it was left out."""
    return value or ""
