"""The modules that a model's pickles name, found without unpickling anything.

Read are pickles (all protocols, plain or compressed with zlib, gzip, bzip2 or xz), joblib files, the pickles
inside zip archives (PyTorch), and the schema of skops files. Everything is capped: this tells which modules are worth
preparing, it is no security check.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from ..patterns import pattern
from .types import Model

MAX_BYTES = 64 << 20
MAX_OPCODES = 2_000_000
MAX_MODULES = 5_000

_SUFFIXES = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".skops", ".pt", ".pth", ".bin", ".z", ".gz", ".xz")
_MODULE = pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
# What joblib writes between two stretches of opcodes is raw array data; names behind it are found by their shape.
_GLOBAL = pattern(rb"c([A-Za-z_][\w.]{0,199})\n[A-Za-z_][\w.<>]{0,199}\n")
_SHORT_STRING = pattern(rb"\x8c(?P<size>.)(?P<text>[A-Za-z_][\w.]*)", re.DOTALL)
_STACK_GLOBAL = pattern(rb"\x94?(?:\x8c.[A-Za-z_][\w.<>]*?|h.|j.{4})\x94?\x93", re.DOTALL)


def imported_modules(model: Model) -> tuple[str, ...]:
    """The names of the modules that the model's pickles import, `__main__` aside, sorted; at most MAX_MODULES."""
    found: set[str] = set()
    for file in model.files:
        if not file.size or not _is_candidate(file.path, model):
            continue
        try:
            with (model.root / file.path).open("rb") as stream:
                found |= modules_of(stream)
        except OSError:
            continue
    return tuple(sorted(found - {"__main__"})[:MAX_MODULES])


def modules_of(stream: IO[bytes]) -> set[str]:
    """The modules that one file names. The file may hold anything; what is no pickle names nothing."""
    head = stream.read(6)
    stream.seek(0)
    try:
        if head.startswith(b"PK\x03\x04"):
            return set(_in_archive(stream))
        return _in_pickle(_decompressed(stream, head))
    except Exception:
        # Damaged or hostile input ends in any of a decoder's errors; it names nothing then.
        return set()


def _is_candidate(path: str, model: Model) -> bool:
    name = path.rsplit("/", 1)[-1].lower()
    if name.endswith(_SUFFIXES):
        return True
    if model.mlmodel is None:
        return False
    named = {v for flavor in model.mlmodel.flavors.values() for v in flavor.values() if isinstance(v, str)}
    return path in named and not name.endswith((".py", ".yaml", ".yml", ".json", ".txt"))


def _decompressed(stream: IO[bytes], head: bytes) -> bytes:
    """At most MAX_BYTES of the content, decompressed if its first bytes say so."""
    if head.startswith(b"\x1f\x8b"):
        import gzip

        return _read(gzip.GzipFile(fileobj=stream))
    if head.startswith(b"BZh"):
        import bz2

        return _read(bz2.BZ2File(stream))
    if head.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        import lzma

        return _read(lzma.LZMAFile(stream))
    if head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        import zlib

        return zlib.decompressobj().decompress(stream.read(MAX_BYTES), MAX_BYTES)
    return stream.read(MAX_BYTES)


def _read(stream: Any) -> bytes:
    """What can be read up to the cap; a stream that breaks off gives what came before."""
    parts: list[bytes] = []
    size = 0
    try:
        while size < MAX_BYTES and (chunk := stream.read(min(1 << 20, MAX_BYTES - size))):
            parts.append(chunk)
            size += len(chunk)
    except (OSError, EOFError, ValueError):
        pass
    return b"".join(parts)


def _in_archive(stream: IO[bytes]) -> Iterator[str]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist()[:10_000]:
            name = info.filename
            if name.endswith(".pkl"):
                with archive.open(info) as member:
                    yield from _in_pickle(member.read(MAX_BYTES))
            elif name == "schema.json":
                with archive.open(info) as member:
                    yield from _in_schema(json.loads(member.read(MAX_BYTES)))


def _in_schema(schema: Any) -> Iterator[str]:
    """The modules that a skops schema names: every `__module__` of it."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            module = value.get("__module__")
            if isinstance(module, str) and _MODULE.fullmatch(module):
                yield module
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _in_pickle(data: bytes) -> set[str]:
    import pickletools

    found = _Names()
    source = io.BytesIO(data)
    try:
        # One file may hold several pickles, one behind the other.
        while source.tell() < len(data) and found.opcodes < MAX_OPCODES:
            for opcode, argument, _ in pickletools.genops(source):
                found.take(opcode.name, argument)
                if found.opcodes >= MAX_OPCODES:
                    break
            found.restart()
    except Exception:
        if not found.opcodes > 1:
            return set()
        found.modules |= _by_shape(data, source.tell())
    return found.modules


class _Names:
    """Follows the opcodes just far enough to know which texts a STACK_GLOBAL finds on the stack."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.opcodes = 0
        self.restart()

    def restart(self) -> None:
        """Begin another pickle."""
        self._memo: dict[int, str | None] = {}
        self._last: list[str | None] = [None, None]
        self._subimport = False

    def take(self, name: str, argument: Any) -> None:
        """Take in one opcode."""
        self.opcodes += 1
        memoize: Callable[[int], None] = lambda key: self._memo.__setitem__(key, self._last[-1])  # noqa: E731
        if name == "MEMOIZE":
            memoize(len(self._memo))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memoize(int(argument))
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._push(self._memo.get(int(argument)))
        elif name in ("GLOBAL", "INST"):
            module, _, attribute = str(argument).partition(" ")
            self._global(module, attribute)
            self._push(None)
        elif name == "STACK_GLOBAL":
            module_text, attribute_text = self._last
            self._global(module_text, attribute_text)
            self._push(None)
        elif name not in ("FRAME", "PROTO"):
            self._push(argument if isinstance(argument, str) else None)

    def _push(self, value: str | None) -> None:
        self._last = [self._last[-1], value]
        if self._subimport and value is not None:
            # cloudpickle writes `import numpy` inside a function as subimport("numpy").
            self._add(value)
            self._subimport = False

    def _global(self, module: str | None, attribute: str | None) -> None:
        self._add(module)
        self._subimport = attribute == "subimport" and (module or "").startswith("cloudpickle")

    def _add(self, module: str | None) -> None:
        if module and len(module) <= 200 and len(self.modules) < MAX_MODULES and _MODULE.fullmatch(module):
            self.modules.add(module)


def _by_shape(data: bytes, start: int) -> set[str]:
    found = {m[1].decode() for m in _GLOBAL.finditer(data, start)}
    for match in _SHORT_STRING.finditer(data, start):
        size = match["size"][0]
        end = match.start("text") + size
        text = data[match.start("text") : end]
        if len(match["text"]) >= size and _STACK_GLOBAL.match(data, end):
            found.add(text.decode("ascii", "replace"))
    return {name for name in found if _MODULE.fullmatch(name)}
