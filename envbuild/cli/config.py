"""The configuration file as defaults of a command's options.

A key is the long name of an option (`scoring-script`, or `scoring_script`). It stands at the top, for every command
that has the option, or in a table with a command's name. The command line comes first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..patterns import pattern

if TYPE_CHECKING:
    from ..config import ConfigFile

Others = Callable[[str], "click.Command | None"]

COMMANDS = ("image", "serve", "test", "dockerfile", "lint", "plan", "lock")
"""The commands that read a configuration."""

_OFF, _USED = "envbuild.config.off", "envbuild.config.used"
_OWN = ("help", "config", "no-config")
# Values that hold a path behind something else.
_PATHS = {
    "base": pattern(r"^((?:oci|oci-archive|docker-archive):)([^:]+)(.*)$"),
    "output": pattern(r"^((?:oci-dir|oci-archive|docker-archive)=)(.+)()$"),
    "sign-key": pattern(r"^()(?!.*://)(.+)()$"),
    "find-links": pattern(r"^()(?!.*://)(.+)()$"),
    "secret": pattern(r"^((?:.*,)?(?:src|source)=)([^,]+)(.*)$"),
}


def configurable(command: click.Command, others: Others) -> None:
    """Let `command` read the configuration; `others` gives the other commands, whose keys are no mistakes either."""
    if any(parameter.name == "config" for parameter in command.params):
        return

    def leave_out(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        ctx.meta[_OFF] = value
        if value and _USED in ctx.meta:
            raise _both()

    def use(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
        if ctx.resilient_parsing:
            return
        off = ctx.meta.get(_OFF)
        if value is not None and off:
            raise _both()
        from ..config import find, read

        here = _here()
        found = read(value) if value is not None else None if off else find(here)
        if found is not None:
            ctx.default_map = defaults(found, command, ctx, others)
            ctx.meta[_USED] = found

    # The file is read before any other option is looked at: both are eager, and come in this order.
    leaves_out = click.Option(
        ["--no-config"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=leave_out,
        help="Read no configuration file.",
    )
    names = click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=use,
        help="Configuration file. Default: the nearest envbuild.toml, or pyproject.toml with [tool.envbuild].",
    )
    command.params += [leaves_out, names]
    command.callback = _telling(command)


def add_opposites(command: click.Command) -> None:
    """Let `--no-fix` take back `fix = true`. Called only where a command line has one: the help stays short."""
    for key, option in keys(command).items():
        if option.is_flag and not option.secondary_opts:
            option.secondary_opts = [f"--no-{key}"]


def keys(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by the names that a file has for them."""
    return {
        text[2:]: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for text in parameter.opts
        if text.startswith("--") and text[2:] not in _OWN
    }


def defaults(found: ConfigFile, command: click.Command, ctx: click.Context, others: Others) -> dict[str, Any]:
    """What the file says to `command`, by the names of its parameters. Raises UsageError with file and line."""
    name, own = str(command.name), keys(command)
    values: dict[str, Any] = {}
    for key, (written, value) in _entries(found, found.table).items():
        if key in COMMANDS:
            if not isinstance(value, Mapping):
                header = ".".join((*found.prefix, written))
                message = f"{written} is the name of a command, and {_kind(value)}, not a table"
                raise _wrong(found, (written,), message, f"write [{header}] and the options below it")
        elif key in own:
            values[str(own[key].name)] = _value(found, (written,), own[key], value, ctx)
        elif not any(key in known for known in _known(others)):
            raise _unknown(found, (written,), {*COMMANDS, *(key for known in _known(others) for key in known)})
    table = found.table.get(name, {})
    for key, (written, value) in _entries(found, table, name).items():
        if key not in own:
            raise _unknown(found, (name, written), own)
        values[str(own[key].name)] = _value(found, (name, written), own[key], value, ctx)
    return values


def _entries(found: ConfigFile, table: Mapping[str, Any], *at: str) -> dict[str, tuple[str, Any]]:
    """The entries of a table by the name of the option, each with its key as written."""
    entries: dict[str, tuple[str, Any]] = {}
    for written, value in table.items():
        key = written.replace("_", "-")
        if key in entries:
            raise _wrong(found, (*at, written), f"{entries[key][0]} and {written} are the same", "keep one of them")
        entries[key] = written, value
    return entries


def _known(others: Others) -> list[dict[str, click.Option]]:
    return [keys(command) for command in map(others, COMMANDS) if command is not None]


def _value(found: ConfigFile, at: tuple[str, ...], option: click.Option, value: Any, ctx: click.Context) -> Any:
    """The value as the option takes it, its paths below the folder of the file."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise _wrong(found, at, f"{at[-1]} is {_kind(value)}, not true or false", f"write {at[-1]} = true")
        return value
    pairs = "=" in (option.metavar or "") and option.multiple
    if pairs and isinstance(value, Mapping):
        for key, each in value.items():
            _check_text(found, (*at, key), each)
        value = [f"{key}={each}" for key, each in value.items()]
    elif option.multiple and isinstance(value, list):
        for each in value:
            _check_text(found, at, each, items=True)
    else:
        _check_text(found, at, value, several=option.multiple)
    texts = value if isinstance(value, list) else [value]
    if isinstance(option.type, click.Path):
        texts = [each if each == "-" and option.type.allow_dash else _below(found, at, each) for each in texts]
    elif (held := _PATHS.get(str(option.opts[-1]).lstrip("-"))) is not None:
        texts = [held.sub(lambda m: f"{m[1]}{_below(found, at, m[2])}{m[3]}", each) for each in texts]
    result = texts if option.multiple else texts[0]
    try:
        option.type_cast_value(ctx, result)
    except click.BadParameter as error:
        message = error.message.rstrip(".")
        raise _wrong(found, at, f"{at[-1]}: {message[:1].lower()}{message[1:]}", "correct the value") from None
    return result


def _check_text(
    found: ConfigFile, at: tuple[str, ...], value: Any, *, several: bool = False, items: bool = False
) -> None:
    """Raise UsageError unless the value is a text as a command line could have it. `items`: it is one of a list."""
    if isinstance(value, str):
        if "\0" in value:
            raise _wrong(found, at, f"{at[-1]} holds a null character", "leave it out")
        return
    if items:
        raise _wrong(found, at, f"{at[-1]} has {_kind(value)} in its list, not a text", "put each item in quotes")
    # As it is written: what is read of 3.10 is 3.1.
    number = found.number(*at) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
    wanted = "a text in quotes or a list of them" if several else "a text in quotes"
    raise _wrong(found, at, f"{at[-1]} is {_kind(value)}, not {wanted}", f'write {at[-1]} = "{number or "..."}"')


def _below(found: ConfigFile, at: tuple[str, ...], path: str) -> str:
    """A path of the file, from its folder. Raises UsageError for none, and for the home of a user that is not there."""
    if not path.strip():
        raise _wrong(found, at, f"{at[-1]} is empty, and a path is wanted", "name one, or leave it out")
    try:
        return str(found.path.absolute().parent / Path(path).expanduser())
    except RuntimeError:
        home = Path(path).parts[0]
        raise _wrong(found, at, f"{at[-1]}: there is no home folder {home}", "write the whole path") from None


def _here() -> Path:
    """The working directory, from which everything is named. Raises UsageError where it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working directory was deleted", hint="change to a folder that is there") from None


def _kind(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return "a list of tables"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or a time")


def _wrong(found: ConfigFile, at: tuple[str, ...], message: str, hint: str) -> UsageError:
    return UsageError(f"{found.place(*at)}: {message}", hint=f"{hint}; --no-config leaves the file out")


def _unknown(found: ConfigFile, at: tuple[str, ...], known: Mapping[str, Any] | set[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(at[-1].replace("_", "-"), sorted(known), n=1)
    where = f"`envbuild {at[0]}` has no option" if len(at) > 1 else "there is no option or command"
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return UsageError(f"{found.place(*at)}: {where} {at[-1]!r}", hint=hint)


def _both() -> UsageError:
    return UsageError("--config and --no-config exclude each other", hint="leave one of them out")


def _telling(command: click.Command) -> Callable[..., Any]:
    """The command's function, which says what a configuration had a part in."""
    function = command.callback
    assert function is not None

    @functools.wraps(function)
    def call(*args: Any, **flags: Any) -> Any:
        ctx = click.get_current_context()
        found: ConfigFile | None = ctx.meta.get(_USED)
        set_here = sorted(
            key
            for key, option in keys(command).items()
            if ctx.get_parameter_source(str(option.name)) is click.core.ParameterSource.DEFAULT_MAP
        )
        if found is None or not set_here:
            return function(*args, **flags)
        from ..config import shown

        # Findings are shown as they are; what is built says what went into it.
        if command.name != "lint" and not flags.get("quiet"):
            from .terminal import printable, terminal

            out = terminal()
            out.line(f"{out.style('cyan', 'note')}: {printable(shown(found.path))} sets {', '.join(set_here)}")
        try:
            return function(*args, **flags)
        except UsageError as error:
            error.hint += f"{'; ' if error.hint else ''}{shown(found.path)} sets {', '.join(set_here)}"
            raise

    return call
