"""Find the imports that a module makes when it is itself imported, from its text alone.

The host's parser is of no use here: it would refuse sources of another Python version, or read them
differently, and the result must be the same on every host. This scanner goes from one occurrence of `import`
to the next and looks at the line and at the blocks around it: imports below `def` or `if TYPE_CHECKING` do not
count, those below `if`, `try`, `with` and `class` do. Nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...patterns import pattern
from .strings import without_long_strings

_WORD = pattern(rb"import")
_STATEMENT = pattern(rb"(?:import|from)\b")
# A block whose body does not run when a module is imported on Linux.
_IDLE = pattern(
    rb"(?:async\s+)?def\b|(?:el)?if\b\s*\(?\s*(?:"
    rb"(?:[\w.]+\.)?TYPE_CHECKING\s*(?::|\)|and\b)|False\s*:|0\s*:"
    rb"|__name__\s*==\s*['\"]__main__['\"]"
    rb"|sys\.platform\s*==\s*['\"](?!linux)\w+['\"]\s*:"
    rb"|sys\.platform\.startswith\(\s*['\"](?!linux)\w+['\"]\s*\)\s*:"
    rb"|_?os\.name\s*==\s*['\"](?!posix)\w+['\"]\s*:)"
)
# `try: import x`
_INLINE = pattern(rb"(?:try|else|finally|with|except|if|elif|class)\b[^\n]*?:\s*((?:import|from)\b[^\n]*)")
_FROM = pattern(rb"from ?((?:\. ?)*)([A-Za-z_\x80-\xff][\w.\x80-\xff]*)? ?\bimport\b ?\(?([^)]*)")
_IMPORT = pattern(rb"import (.*)")
_CALL = pattern(rb"\b(?:import_module|__import__)\(\s*['\"]([\w.]+)['\"]\s*[,)]")
_NAME = pattern(rb"[A-Za-z_\x80-\xff][\w.\x80-\xff]*")
_SPACE = b" \t\f"
_MARK = b"\xef\xbb\xbf"  # what some editors put before UTF-8
# No honest statement or file needs more: text made to cost quadratic time gives fewer imports instead.
_LONGEST_HEAD = 300
_MOST_LINES = 1000
_MOST_STEPS = 200_000


def module_imports(source: bytes, module: str = "", *, package: bool = False) -> tuple[str, ...]:
    """The absolute dotted names that importing `source` imports, sorted.

    `module` is its own dotted name and `package` says that it is an `__init__.py`; both are needed for relative
    imports, which are left out where `module` is empty. `from a import b` gives `a.b` alone, whether `b` is a
    module or not: to import `a.b` is to import `a` too. `from a import *` gives `a`. A call of `import_module` or
    `__import__` with a literal counts like a statement.
    """
    if b"import" not in source:
        return ()
    names: set[str] = set()
    text = source.removeprefix(_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for statement in _statements(b"\n" + text):
        if _STATEMENT.match(statement):
            names.update(_names(statement, module, package))
        else:
            names.update(_calls(statement, module, package))
    return tuple(sorted(names))


def _statements(source: bytes) -> Iterator[bytes]:
    """The import statements that run, and the lines with a call that imports."""
    text = without_long_strings(source)
    blocks = _Blocks(text)
    done = 0
    for match in _WORD.finditer(text):
        if match.start() < done:
            continue
        start = text.rfind(b"\n", 0, match.start()) + 1
        end = text.find(b"\n", match.end())
        done = len(text) if end < 0 else end
        line = text[start:done]
        code = line.lstrip(_SPACE)
        if _STATEMENT.match(code):
            if text[max(start - 2, 0) : start] == b"\\\n":  # `from a \` and `import b` on the next line
                start = text.rfind(b"\n", 0, start - 1) + 1
                code = text[start:done].lstrip(_SPACE)
            if blocks.run(start):
                statement, done = _logical(text, start)
                yield from _simple(statement)
        elif _CALL.search(code):
            if blocks.run(start) and not _idle(code) and b"lambda" not in code and code[:1] != b"#":
                yield code
        elif (inline := _INLINE.match(code)) and not _idle(code) and blocks.run(start):
            yield from _simple(inline[1].partition(b"#")[0])


class _Blocks:
    """Tells which lines run while the module is imported, by the indentation of the lines before them."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._known: dict[tuple[int, int], bool] = {}
        self._steps = 0

    def run(self, start: int) -> bool:
        """Whether the line at `start` does."""
        width = _width(self._line(start))
        passed: list[tuple[int, int]] = []
        answer = True
        while width and start > 0:
            passed.append((start, width))
            start = self._text.rfind(b"\n", 0, start - 1) + 1
            known = self._known.get((start, width))
            self._steps += 1
            if known is not None or self._steps > _MOST_STEPS:
                answer = bool(known)
                break
            line = self._line(start)
            code = line.lstrip(_SPACE)
            if not code or code[0] in b"#)]}" or _width(line) >= width:
                continue
            if _idle(code):
                answer = False
                break
            width = _width(line)
        self._known.update(dict.fromkeys(passed, answer))
        return answer

    def _line(self, start: int) -> bytes:
        end = self._text.find(b"\n", start)
        return self._text[start : end if end >= 0 else len(self._text)]


def _idle(code: bytes) -> bool:
    """Whether `code` opens a block that does not run while the module is imported."""
    return _IDLE.match(code, 0, _LONGEST_HEAD) is not None


def _logical(text: bytes, start: int) -> tuple[bytes, int]:
    """The statement at `start` on one line without comments, and where it ends."""
    parts: list[bytes] = []
    end = start
    opened = False
    for _ in range(_MOST_LINES):
        newline = text.find(b"\n", end)
        newline = len(text) if newline < 0 else newline
        part = text[end:newline].partition(b"#")[0].strip()
        end = newline + 1
        goes_on = part.endswith(b"\\")
        parts.append(part[:-1] if goes_on else part)
        opened = (opened or b"(" in part) and b")" not in part
        if end > len(text) or not (goes_on or opened):
            break
    return b" ".join(parts), end - 1


def _simple(line: bytes) -> Iterator[bytes]:
    """The import statements of a line, which semicolons may part."""
    for statement in line.split(b";"):
        if _STATEMENT.match(statement := statement.strip()):
            yield statement


def _names(statement: bytes, module: str, package: bool) -> Iterator[str]:
    text = b" ".join(statement.split())
    found = _FROM.match(text)
    if found is None:
        plain = _IMPORT.match(text)
        for item in plain[1].split(b",") if plain else ():
            if name := _NAME.match(item.strip()):
                yield _text(name[0])
        return
    dots, base, imported = found.groups()
    parent = _text(base or b"")
    if dots:
        around = _package_of(module, package, dots.count(b"."))
        if not around:
            return
        parent = f"{around}.{parent}" if parent else around
    if not parent:
        return
    members = [name[0] for item in imported.split(b",") if (name := _NAME.match(item.strip()))]
    for member in members:
        yield f"{parent}.{_text(member)}"
    if not members:
        yield parent


def _calls(line: bytes, module: str, package: bool) -> Iterator[str]:
    for found in _CALL.findall(line):
        name = _text(found)
        level = len(found) - len(found.lstrip(b"."))
        if not level:
            yield name
        elif around := _package_of(module, package, level):
            yield f"{around}.{name}"


def _package_of(module: str, package: bool, level: int) -> str:
    """The package that `level` dots mean inside `module`, or nothing if they lead out of it."""
    parts = module.split(".") if module else []
    up = level - 1 if package else level
    return ".".join(parts[: len(parts) - up]) if up < len(parts) else ""


def _width(line: bytes) -> int:
    """How far `line` is indented; a tab reaches to the next multiple of 8."""
    if line[:1] not in (b" ", b"\t", b"\f"):
        return 0
    space = line[: len(line) - len(line.lstrip(_SPACE))]
    return len(space.replace(b"\f", b"").expandtabs(8))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace").strip(".")
