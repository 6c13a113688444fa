"""What a test looks for where no secret may be: in every form that it takes on its way, in every file, unpacked."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

USER = "reader-of-channels"
PASSWORD = "pa55/of:a@reader+that-nobody-may%keep"
TOKEN = "t0ken-0f-a-reader-that-nobody-may-keep"


def forms(*secrets: str) -> list[bytes]:
    """The secrets as they are, in an address, in JSON, and in the header of a user who has them for a password."""
    found = set()
    for secret in secrets:
        found |= {secret, quote(secret, safe=""), quote(secret), secret.replace("/", "\\/")}
        for text in (secret, f"{USER}:{secret}", f"{quote(USER)}:{quote(secret, safe='')}"):
            found.add(base64.b64encode(text.encode()).decode().rstrip("="))
    return [form.encode() for form in sorted(found)]


FORMS = forms(PASSWORD, TOKEN)


def told(*texts: str) -> list[str]:
    """Those of `texts` that hold a secret."""
    return [text for text in texts if any(form in text.encode() for form in FORMS)]


def kept(folder: Path, *but: Path) -> list[Path]:
    """The files and folders below `folder`, those in `but` aside, that hold a secret, or have one in their name."""
    paths = [path for path in folder.rglob("*") if not any(path.is_relative_to(each) for each in but)]
    assert paths
    named = [path for path in paths if told(str(path))]
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    return named + [path for path in files if any(form in data for data in unpacked(path) for form in FORMS)]


def unpacked(path: Path) -> Iterator[bytes]:
    """What a file holds, as it is and, where it is packed, unpacked, and what is in that."""
    data = path.read_bytes()
    yield data
    yield from _inside(data)


def _inside(data: bytes) -> Iterator[bytes]:
    found: list[bytes] = []
    if data.startswith(b"\x1f\x8b"):
        found = [gzip.decompress(data)]
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        found = [zstandard.ZstdDecompressor().decompressobj().decompress(data)]
    elif data.startswith(b"BZh"):
        found = [bz2.decompress(data)]
    elif data.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [archive.read(name) for name in archive.namelist()]
    for inner in found:
        yield inner
        yield from _inside(inner)
