"""How sources and bytecode are handed to and fro: two 4-byte little-endian lengths, a path, a content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def head(path: str, content: bytes) -> bytes:
    """What stands before the content in its record."""
    name = path.encode()
    return len(name).to_bytes(4, "little") + len(content).to_bytes(4, "little") + name


def pack(items: Iterable[tuple[str, bytes]]) -> bytes:
    """The records of (path, content)."""
    parts: list[bytes] = []
    for path, content in items:
        parts += (head(path, content), content)
    return b"".join(parts)


def unpack(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The (path, content) of records. ValueError: `data` is cut short or no such thing."""
    at = 0
    while at < len(data):
        middle = at + 8 + int.from_bytes(data[at : at + 4], "little")
        end = middle + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > len(data):
            raise ValueError("a record is cut short")
        yield data[at + 8 : middle].decode(), data[middle:end]
        at = end
