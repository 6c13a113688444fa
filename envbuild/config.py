"""The configuration file: where it is looked for, and what it says, with the line of each key.

It is `envbuild.toml`, or the table `[tool.envbuild]` of a pyproject.toml. It decides what goes into images, so it is
taken only from where a person works: from the working directory up to the root of its repository, and never from a
model folder or anything in it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import UsageError
from .patterns import pattern
from .records import dataclass

NAMES = ("envbuild.toml", "pyproject.toml")
_SIZE = 1 << 20
_LOOKED_AT = 2 << 20
"""How many characters are parsed to find a line, before it is left out of a message."""
# Whether parsing a pyproject.toml is worth the time: each way to write the table's name has one of these.
_MENTIONED = pattern(r"""\btool\b["'\s]*\.["'\s]*envbuild\b|\[\s*["']?tool["']?\s*\]|^\s*["']?tool["']?\s*=""", 8)
# Texts of several lines and comments, and as a group those on one line, which may be keys and may hold a `#`.
_NO_KEYS = pattern(
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""+'
    r"|'''[^']*(?:'(?!'')[^']*)*'''+"
    r"|#[^\n]*"
    r"""|("(?:[^"\\\n]|\\.)*"|'[^'\n]*')""",
    re.DOTALL,
)
_AT_LINE = pattern(r"\s*\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file that was read. `table` is what it says to envbuild, which lies below the keys of `prefix` in `text`."""

    path: Path
    text: str
    prefix: tuple[str, ...]
    table: Mapping[str, Any]

    def place(self, *keys: str) -> str:
        """`envbuild.toml:4` for a key below envbuild's table; the file alone where its line cannot be told."""
        line = _line(self.text, (*self.prefix, *keys))
        return f"{shown(self.path)}:{line}" if line else shown(self.path)

    def number(self, *keys: str) -> str:
        """How the number of a key is written: `3.10`, which is 3.1 once it is read. Empty where that cannot be told."""
        line = _line(self.text, (*self.prefix, *keys))
        text = self.text.replace("\r\n", "\n").split("\n")[line - 1] if line else ""
        key = re.escape(keys[-1])
        found = re.findall(rf"""(?<![\w-])["']?{key}["']?\s*=\s*([+-]?[\w.+-]+)\s*(?:[,}}#]|$)""", text)
        return found[0] if len(found) == 1 else ""


def find(start: Path) -> ConfigFile | None:
    """The configuration for a person who works in the folder `start`, None where there is none.

    The nearest folder with a file wins, in it `envbuild.toml` before pyproject.toml; files are not merged. Without a
    repository (a folder with `.git`) only `start` itself is looked at. Raises UsageError for a file that is none.
    """
    for folder in _folders(str(start)):
        for name in NAMES:
            path = f"{folder}/{name}"
            if os.path.isfile(path) and not _in_model(os.path.realpath(path)):  # noqa: PTH113
                found = _read(Path(path), name == "pyproject.toml")
                if found is not None:
                    return found
    return None


def read(path: Path) -> ConfigFile:
    """The configuration that a person named. Raises UsageError, also for a file inside a model folder."""
    if not path.is_file():
        raise UsageError(f"--config {path}: there is no such file", hint="name an envbuild.toml or a pyproject.toml")
    if _in_model(os.path.realpath(path)):
        raise UsageError(
            f"--config {path}: it lies inside a model folder, and a model does not choose how it is built",
            hint="copy the file out of the model folder",
        )
    found = _read(path, path.name == "pyproject.toml")
    if found is None:
        raise UsageError(f"--config {path}: it has no table [tool.envbuild]", hint="add the table to the file")
    return found


def shown(path: Path) -> str:
    """The path as a person names it: from the working directory where it lies below, else whole."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _folders(start: str) -> list[str]:
    """The folders to look in, nearest first."""
    folders = [start]
    while os.path.dirname(folders[-1]) != folders[-1]:  # noqa: PTH120 - every start of the program does this
        folders.append(os.path.dirname(folders[-1]))  # noqa: PTH120
    models = [number for number, folder in enumerate(folders) if os.path.lexists(f"{folder}/MLmodel")]
    outside = models[-1] + 1 if models else 0
    for number in range(outside, len(folders)):
        if os.path.lexists(f"{folders[number]}/.git"):
            return folders[outside : number + 1]
    return [] if models else [start]


def _in_model(path: str) -> bool:
    return any(os.path.lexists(parent / "MLmodel") for parent in Path(path).parents)


def _read(path: Path, shared: bool) -> ConfigFile | None:
    """The file; `shared` is one with tables of other programs, and None if it has none of envbuild's."""
    text = _text(path)
    if shared and not _MENTIONED.search(text):
        return None
    try:
        table: Any = _parse(text)
    except (ValueError, RecursionError) as error:
        message = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        at = _AT_LINE.search(message)
        place = f"{shown(path)}:{at[1]}" if at else shown(path)
        message = _AT_LINE.sub("", message)
        hint = "correct the file, or leave it out with --no-config"
        raise UsageError(f"{place}: not TOML: {message}", hint=hint) from None
    prefix = ("tool", "envbuild") if shared else ()
    for key in prefix:
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    found = ConfigFile(path=path, text=text, prefix=prefix, table=table if isinstance(table, dict) else {})
    if not isinstance(table, dict):
        raise UsageError(f"{found.place()}: tool.envbuild is not a table", hint="write [tool.envbuild]")
    return found


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{shown(path)}: cannot be read: {error.strerror}", hint="make it readable") from error
    if len(data) > _SIZE:
        raise UsageError(f"{shown(path)}: larger than {_SIZE:,} bytes", hint="leave it out with --no-config")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown(path)}:{line}: not UTF-8 text", hint="save the file as UTF-8") from None


def _parse(text: str) -> dict[str, Any]:
    # Its import takes longer than looking for the file: only who has a file pays for it.
    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    document: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"))
    return document


def _line(text: str, keys: tuple[str, ...]) -> int:
    """The line on which the key of that path stands, 0 if that cannot be told.

    The parser tells no lines. The text above the line lacks the key, and the text above a line further down has it: of
    the lines that look like the key's the right one is found by halves, as each look is a parse of what may be long.
    """
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    here = _alike(text, keys[-1])
    left = _LOOKED_AT

    def look(end: int) -> bool | None:
        nonlocal left
        above = "\n".join(lines[:end])
        left -= len(above)
        return _has(above, keys) if left >= 0 else None

    # Above here[:low] the key is not, above here[high:] it is.
    low, high = 0, len(here)
    while low < high:
        middle = (low + high) // 2
        above = look(here[middle])
        if above is None:
            return 0
        low, high = (low, middle) if above else (middle + 1, high)
    # Its value may go on for some lines, and cannot be parsed then; where it can, the key has to be there.
    return here[low - 1] + 1 if low and look(here[low - 1] + 1) is not False else 0


def _alike(text: str, key: str) -> list[int]:
    """The lines, counted from 0, on which a key of that name may stand: not in a comment, nor inside of a value."""
    # Of texts of several lines the line ends alone; of texts on one line, which may be keys, all or nothing.
    keyed = _NO_KEYS.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
    plain = _NO_KEYS.sub(lambda found: "\n" * found[0].count("\n"), text)
    alike = re.compile(rf"""(?<![A-Za-z0-9_-]){re.escape(key)}["']?[ \t]*[=.\]]""")
    found, depth = [], 0
    for number, (line, signs) in enumerate(zip(keyed.split("\n"), plain.split("\n"), strict=True)):
        if depth == 0 and alike.search(line):
            found.append(number)
        depth += sum(signs.count(sign) for sign in "[{") - sum(signs.count(sign) for sign in "]}")
    return found


def _has(text: str, keys: tuple[str, ...]) -> bool | None:
    """Whether a text has the key; None if it cannot be parsed."""
    try:
        table: Any = _parse(text)
    except (ValueError, RecursionError):
        return None
    for key in keys:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True
