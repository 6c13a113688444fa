"""One file that may hold pickles: plain, compressed, in a zip archive, or a skops file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import IO

from ...patterns import pattern
from ...records import dataclass
from .names import Names, follow
from .opcodes import AHEAD, DamagedPickleError, Walker
from .source import Budget, Source, open_source
from .zipend import directory_size

MAX_MEMBERS = 10_000
# Bytes of a zip archive's directory, some 60 for each member, of which objects are made before the first can be read.
MAX_DIRECTORY = 2 << 20

# Between two stretches of opcodes some libraries write raw data; names behind it are found by their shape.
# A line that may end in the opcode GLOBAL and a module's name, and one that may be a name in that module.
_MODULE_END = pattern(rb"c([A-Za-z_][\w.]*)\Z")
_TAKEN = pattern(rb"[A-Za-z_][\w.<>]{0,199}\Z")
_WORD = b"._" + bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123))
_SHORT_STRING = pattern(rb"\x8c(?P<size>.)(?P<text>[A-Za-z_][\w.]*)", re.DOTALL)
_STACK_GLOBAL = pattern(rb"\x94?(?:\x8c.[A-Za-z_][\w.<>]*?|h.|j.{4})\x94?\x93", re.DOTALL)
_MODULE = pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)

# The schema of a skops file is JSON, which may be large and deep: what matters of it can be read off its text.
_SKOPS_TYPE = pattern(rb'(?:"__class__":\s*"(\w{1,200})",\s*)?"__module__":\s*"([\w.]{1,200})"')
_SKOPS_FUNCTION = pattern(rb'"module_path":\s*"([\w.]{1,200})",\s*"function":\s*"(\w{1,200})"')
_SKOPS_SKLEARN = pattern(rb'"_sklearn_version":\s*\{[^{}]{0,400}?"content":\s*"\\"([\w.+-]{1,40})\\""')
_SKOPS_VERSION = pattern(rb'"_skops_version":\s*"([\w.+-]{1,40})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read of one pickle. `guessed` are modules found by the shape of their names behind a damage."""

    names: Names
    member: str = ""
    complete: bool = True
    guessed: frozenset[str] = frozenset()


def read_pickles(stream: IO[bytes], budget: Budget) -> list[Read]:
    """The pickles that one file holds. The file may hold anything; what is no pickle gives none."""
    head = stream.read(4)
    stream.seek(0)
    try:
        if head == b"PK\x03\x04":
            return list(_in_archive(stream, budget))
        found = _in_pickle(open_source(stream, budget), "")
        return [found] if found is not None else []
    except Exception:
        # Damaged or hostile input ends in any of a decoder's errors; it names nothing then.
        return []


def modules_of(stream: IO[bytes]) -> set[str]:
    """The modules that one file names."""
    found: set[str] = set()
    for read in read_pickles(stream, Budget()):
        found |= read.names.modules | read.guessed
    return found


def _in_archive(stream: IO[bytes], budget: Budget) -> Iterator[Read]:
    import zipfile

    if directory_size(stream) > MAX_DIRECTORY:
        return
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist()[:MAX_MEMBERS]:
            name = info.filename
            if name.endswith(".pkl"):
                with archive.open(info) as member:
                    found = _in_pickle(Source(member, budget, seeks=False), name)
                if found is not None:
                    yield found
            elif name == "schema.json":
                with archive.open(info) as member:
                    yield _in_schema(Source(member, budget, seeks=False), name)


def _in_pickle(source: Source, member: str) -> Read | None:
    """What the pickles of one file name; of several behind one another all, though only the first must be whole."""
    names = Names()
    guessed: set[str] = set()
    walker = Walker(source)
    opcodes = source.budget.opcodes
    whole = 0
    try:
        while source.at(walker.position):
            follow(walker, names)
            whole += 1
    except DamagedPickleError:
        if opcodes - source.budget.opcodes > 1:
            guessed = _by_shape(source, walker.position)
    if not whole and not (names.protocol or names.globals):
        return None
    return Read(names=names, member=member, complete=bool(whole), guessed=frozenset(guessed))


def _by_shape(source: Source, position: int) -> set[str]:
    found: set[str] = set()
    position = max(position, source.start)
    while data := source.at(position):
        found |= set(_globals(data))
        for match in _SHORT_STRING.finditer(data):
            size = match["size"][0]
            end = match.start("text") + size
            if len(match["text"]) >= size and _STACK_GLOBAL.match(data, end):
                found.add(data[match.start("text") : end].decode("ascii", "replace"))
        # What the window cuts off is seen whole in the next.
        position += max(len(data) - AHEAD, AHEAD)
    return {name for name in found if _MODULE.fullmatch(name)}


def _globals(data: bytes) -> Iterator[str]:
    """The modules of what looks like the opcode GLOBAL: `c`, a module's name and another, each with an end of line."""
    lines = data.split(b"\n")
    seen: set[bytes] = set()
    for line, taken in pairwise(lines[:-1]):
        if line in seen or not _TAKEN.match(taken):
            continue
        seen.add(line)
        end = line[-201:]
        name = _MODULE_END.search(end, len(end.rstrip(_WORD)))
        if name is not None:
            yield name[1].decode()


def _in_schema(source: Source, member: str) -> Read:
    names = Names()
    position = 0
    while data := source.at(position):
        for match in _SKOPS_TYPE.finditer(data):
            _type(names, match[2].decode(), (match[1] or b"").decode())
        for match in _SKOPS_FUNCTION.finditer(data):
            _type(names, match[1].decode(), match[2].decode())
        for found in _SKOPS_SKLEARN.finditer(data):
            names.wrote("scikit-learn", found[1].decode())
        for found in _SKOPS_VERSION.finditer(data):
            names.wrote("skops", found[1].decode())
        position += max(len(data) - AHEAD, AHEAD)
    return Read(names=names, member=member, complete=not source.budget.is_spent)


def _type(names: Names, module: str, name: str) -> None:
    if name:
        names.fetched(module, name)
    else:
        names.imported(module)
