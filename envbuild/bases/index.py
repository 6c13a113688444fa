"""Packages: an archive's index, kept as the bytes it is and searched without parsing the rest.

The index of a release is 50 MB of text for some forty stanzas that matter.
"""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import IntegrityError
from .suites import Archive

# No index is larger; stops a bomb.
LIMIT = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """A package of an index. `fields` have lower-case names."""

    archive: Archive
    suite: str
    fields: Mapping[str, str]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields["package"]

    @property
    def version(self) -> str:
        """The package's version."""
        return self.fields["version"]

    @property
    def provides(self) -> frozenset[str]:
        """The virtual packages that it stands for."""
        parts = self.fields.get("provides", "").split(",")
        return frozenset(part.split("(")[0].strip().split(":")[0] for part in parts if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The text of one Packages file."""

    archive: Archive
    suite: str
    raw: bytes

    def find(self, name: str) -> list[Stanza]:
        """Every version of the package `name`."""
        needle = b"\nPackage: " + name.encode() + b"\n"
        found, at = [], self.raw.find(needle)
        while at >= 0:
            found.append(self._stanza(at))
            at = self.raw.find(needle, at + 1)
        return found

    def providers(self, name: str) -> list[Stanza]:
        """Every package that provides the virtual package `name`."""
        pattern = re.compile(rb"\nProvides:[^\n]*[ ,:]" + re.escape(name.encode()) + rb"(?=[ ,(\n])")
        return [self._stanza(self.raw.rfind(b"\nPackage: ", 0, m.start() + 1)) for m in pattern.finditer(self.raw)]

    def names(self, start: str) -> list[str]:
        """The names of all packages that begin with `start`."""
        pattern = re.compile(rb"\nPackage: (" + re.escape(start.encode()) + rb"[^\n]*)\n")
        return [found.decode("utf-8", "replace") for found in pattern.findall(self.raw)]

    def _stanza(self, at: int) -> Stanza:
        end = self.raw.find(b"\n\n", at)
        text = self.raw[at + 1 : end if end >= 0 else len(self.raw)].decode("utf-8", "replace")
        return Stanza(archive=self.archive, suite=self.suite, fields=parse_stanza(text))


def parse_stanza(text: str) -> dict[str, str]:
    """The fields of one control stanza by lower-case name; continued lines are joined by newlines."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            if name:
                fields[name] += "\n" + line
        elif ":" in line:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            fields[name] = value.strip()
    return fields


def read_index(compressed: bytes, *, sha256: str, size: int, archive: Archive, suite: str, where: str) -> Index:
    """Check a Packages.xz against the hash that was signed, and inflate it. Raises IntegrityError."""
    if len(compressed) != size or hashlib.sha256(compressed).hexdigest() != sha256:
        raise IntegrityError(
            f"{where} is not what the signed release names: its SHA256 or its size differs",
            hint="the mirror was tampered with or is being updated; try again later or use another mirror",
        )
    # The first stanza is found like any other: every needle starts with a newline.
    raw = bytearray(b"\n")
    for part in _inflate(compressed, where):
        raw += part
        if len(raw) > LIMIT:
            raise IntegrityError(f"{where} inflates to more than {LIMIT} bytes")
    return Index(archive=archive, suite=suite, raw=bytes(raw))


def _inflate(compressed: bytes, where: str) -> Iterator[bytes]:
    decoder = lzma.LZMADecompressor()
    data: bytes | memoryview = memoryview(compressed)
    try:
        while not decoder.eof:
            part = decoder.decompress(data, 1 << 22)
            data = b""
            if not part and decoder.needs_input:
                raise EOFError("it ends too early")
            yield part
    except (lzma.LZMAError, EOFError) as error:
        raise IntegrityError(f"{where} cannot be inflated: {error}") from None
