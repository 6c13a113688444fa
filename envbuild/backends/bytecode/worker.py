"""Turns sources into .pyc files. Runs under the base's own Python, 3.9 or later.

stdin and stdout carry groups. In comes the number of a group's sources (4 bytes, little-endian) and for each a
record: two 4-byte little-endian lengths, a path, a content; the path is where the image has it. Out goes the size
of the answer (8 bytes) and the .pyc files as records of the same form, with the same paths, in the same order. A
source that is no Python for this interpreter is left out, as compileall does. The one argument is the expected
cache tag.

Each group is compiled by a fork of the process that did nothing but start: what marshal writes depends on which
strings the interpreter knows already, so a group must not see what another one left behind.

Only built-in modules are imported: every module that is loaded here costs time, since the base's standard library
may be without bytecode, and could change what marshal writes.
"""

import _imp
import _warnings
import marshal
import posix
import sys
from _frozen_importlib_external import MAGIC_NUMBER

UNCHECKED_HASH = 0b01
IN, OUT = 0, 1


def main() -> None:
    """Compile the groups that come in on stdin, until it ends."""
    del sys.path[0]  # this file's folder, where a codec that a source names must not be looked for
    if sys.implementation.cache_tag != sys.argv[1]:
        sys.exit(f"the interpreter is {sys.implementation.cache_tag}, not {sys.argv[1]}")
    _warnings.filters[:] = [("ignore", None, Warning, None, 0)]
    while count := read(4):
        child = posix.fork()
        if not child:
            answer(int.from_bytes(count, "little"))
            posix._exit(0)
        code = posix.waitstatus_to_exitcode(posix.waitpid(child, 0)[1])
        if code < 0:
            posix.kill(posix.getpid(), -code)
        if code:
            sys.exit(code)


def answer(count: int) -> None:
    """Read a group, then write what it gives: who sends it does not read before it has sent all."""
    found: list[bytes] = []
    for _ in range(count):
        sizes = read(8)
        path = read(int.from_bytes(sizes[:4], "little"))
        content = pyc(read(int.from_bytes(sizes[4:], "little")), path.decode())
        if content:
            found += [len(path).to_bytes(4, "little") + len(content).to_bytes(4, "little"), path, content]
    write(sum(map(len, found)).to_bytes(8, "little"))
    for part in found:
        write(part)


def read(size: int) -> bytes:
    """Exactly `size` bytes of stdin, or none at its end."""
    parts: list[bytes] = []
    while size:
        part = posix.read(IN, min(size, 1 << 20))
        if not part:
            if parts:
                sys.exit("the input is cut short")
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write(data: bytes) -> None:
    """All of `data` to stdout."""
    rest = memoryview(data)
    while rest:
        rest = rest[posix.write(OUT, rest) :]


def pyc(source: bytes, path: str) -> bytes:
    """The .pyc of `source`, which Python will take without looking at the source; empty if it is no Python."""
    try:
        code = compile(source, "/" + path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, OverflowError, RecursionError):
        return b""
    source_hash = _imp.source_hash(int.from_bytes(MAGIC_NUMBER, "little"), source)
    return MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + source_hash + marshal.dumps(code)


main()
