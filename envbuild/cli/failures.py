"""Whatever ends a command: one message, one hint, one exit code."""

from __future__ import annotations

import errno
import os
import sys

from ..errors import (
    EngineError,
    EnvbuildError,
    FindingsError,
    IntegrityError,
    NetworkError,
    ResolveError,
    ServerError,
    StorageError,
)
from ..patterns import pattern
from .terminal import OutputClosed, printable, terminal

BUG = 70
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# What uv and an engine say takes several lines. In any other message a line break stands in the name of a file.
_SEVERAL_LINES = (ResolveError, NetworkError, IntegrityError, StorageError, EngineError, ServerError)
_CREDENTIALS = pattern(r"(?<=://)[^/\s@]+@")


def report(error: BaseException) -> int:
    """Say on stderr what `error` means to a person, and return the exit code."""
    import click

    cause = error
    while isinstance(cause, Wrapped) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, OutputClosed):
        return 141
    if isinstance(cause, FindingsError):
        _show_findings(cause)
    if (trial := getattr(cause, "trial", None)) is not None:
        from .trials import write

        write(trial, terminal())
    if isinstance(cause, EnvbuildError):
        return _show(cause.message, cause.hint, cause.exit_code, cause)
    if isinstance(cause, (KeyboardInterrupt, click.Abort)):
        terminal().line("interrupted")
        return int(getattr(cause, "exit_code", 130))
    if isinstance(cause, click.UsageError):
        return _usage(cause)
    if isinstance(cause, click.ClickException):
        return _show(cause.format_message(), "", cause.exit_code, cause)
    if isinstance(cause, OSError) and cause.errno in _FULL | _DENIED:
        return _storage(cause)
    return _bug(cause)


class Wrapped(Exception):  # noqa: N818 - carries an error past click, which has its own ways with some
    """The error is its cause."""


def show_error(message: str, hint: str = "", *, several: bool = False) -> None:
    """Write `error:` and `hint:` to stderr. With `several` the message keeps its lines, all but the first indented."""
    out = terminal()
    first, *rest = message.split("\n") if several else [message]
    out.line(f"{out.style('bold red', 'error')}: {printable(first)}")
    for line in rest:
        out.line(printable(line if line.startswith("  ") else f"  {line}").rstrip())
    if hint:
        lines = [printable(line) for line in hint.split("\n")]
        out.line(f"{out.style('bold cyan', 'hint')}: " + "\n      ".join(lines))


def _show(message: str, hint: str, code: int, error: BaseException) -> int:
    show_error(message, hint, several=isinstance(error, _SEVERAL_LINES))
    _debug(error)
    return code


def _show_findings(error: FindingsError) -> None:
    # The road's own errors carry what the rules found, and in which model.
    findings, model = getattr(error, "findings", ()), getattr(error, "model", None)
    if findings and model is not None:
        from .findings import write_text

        write_text(findings, model, sys.stderr)
        terminal().line("")


def _usage(error: object) -> int:
    import click

    assert isinstance(error, click.UsageError)
    command = error.ctx.command_path if error.ctx is not None else "envbuild"
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        terminal().line(error.format_message())
        return error.exit_code
    message = error.format_message().rstrip(".")
    return _show(message[:1].lower() + message[1:], f"`{command} --help` lists the options", error.exit_code, error)


def _storage(error: OSError) -> int:
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, (str, bytes)) else ""
    if error.errno in _FULL:
        hint = "free some space; `envbuild cache prune` removes what was not used lately"
        return _show(f"no space left on the disk{where}", hint, 8, error)
    reason = (error.strerror or "not permitted").lower()
    return _show(f"{reason}{where}", "check who owns the path and whether the disk is mounted read-only", 8, error)


def _bug(error: BaseException) -> int:
    first = (str(error).strip().splitlines() or [""])[0]
    # A library's message may quote an address with a password in it.
    text = _CREDENTIALS.sub("***@", f"{type(error).__name__}: {first}".rstrip(": "))
    hint = "this is a bug in envbuild: please report it to its issue tracker"
    if not _debugging():
        hint += "\nwith the traceback that the same command shows under ENVBUILD_DEBUG=1"
    return _show(f"unexpected {text}", hint, BUG, error)


def _debugging() -> bool:
    return os.environ.get("ENVBUILD_DEBUG", "") not in ("", "0")


def _debug(error: BaseException) -> None:
    if _debugging():
        import traceback

        # What other libraries raise quotes the addresses that they were given.
        for line in _without_secrets("".join(traceback.format_exception(error))).rstrip("\n").split("\n"):
            terminal().line(printable(line))


def _without_secrets(text: str) -> str:
    from ..resolver.conda.addresses import without_secrets

    return without_secrets(_CREDENTIALS.sub("***@", text))
