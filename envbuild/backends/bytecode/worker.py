"""Turns sources into .pyc files. Runs under the base's own Python, 3.9 or later, in a fresh process of its own.

stdin and stdout carry records: two 4-byte little-endian lengths, a path, a content. In come sources, each with
the path that the image has it at; out go .pyc files with the same path, in the same order. A source that is no
Python for this interpreter is left out, as compileall does. The one argument is the expected cache tag.

Only built-in modules are imported: every module that is loaded here costs time in every process, since the
base's standard library may be without bytecode, and could change what marshal writes.
"""

import _imp
import _warnings
import marshal
import sys
from _frozen_importlib_external import MAGIC_NUMBER

UNCHECKED_HASH = 0b01


def main() -> None:
    """Compile what comes in on stdin."""
    del sys.path[0]  # this file's folder, where a codec that a source names must not be looked for
    if sys.implementation.cache_tag != sys.argv[1]:
        sys.exit(f"the interpreter is {sys.implementation.cache_tag}, not {sys.argv[1]}")
    _warnings.filters[:] = [("ignore", None, Warning, None, 0)]
    given = sys.stdin.buffer.read()
    out = sys.stdout.buffer
    at = 0
    while at < len(given):
        middle = at + 8 + int.from_bytes(given[at : at + 4], "little")
        end = middle + int.from_bytes(given[at + 4 : at + 8], "little")
        path = given[at + 8 : middle]
        content = pyc(given[middle:end], path.decode())
        at = end
        if content:
            out.write(len(path).to_bytes(4, "little") + len(content).to_bytes(4, "little") + path + content)
    out.flush()


def pyc(source: bytes, path: str) -> bytes:
    """The .pyc of `source`, which Python will take without looking at the source; empty if it is no Python."""
    try:
        code = compile(source, "/" + path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, OverflowError, RecursionError):
        return b""
    source_hash = _imp.source_hash(int.from_bytes(MAGIC_NUMBER, "little"), source)
    return MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + source_hash + marshal.dumps(code)


main()
