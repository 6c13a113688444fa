"""Java's list of trusted certificates, `/etc/ssl/certs/java/cacerts`, which a maintainer script would have made.

The format is JKS as `sun.security.provider.JavaKeyStore` reads it; every Java does, whatever it writes itself. The
certificates are the base's own, as for OpenSSL.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Mapping

PATH = "etc/ssl/certs/java/cacerts"
# The package whose script makes it.
PACKAGE = "ca-certificates-java"

_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
# Not a secret: every Java opens its list with it, and it guards against damage alone.
_PASSWORD, _SALT = "changeit", b"Mighty Aphrodite"
_CREATED = 315532800000  # 1980-01-01 in milliseconds
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def keystore(certificates: Mapping[str, bytes]) -> bytes:
    """The keystore of the certificates (path -> PEM), sorted by path. What holds no PEM is left out."""
    entries = []
    for path, content in sorted(certificates.items()):
        found = _PEM.search(content)
        if found:
            alias = "debian:" + path.rpartition("/")[2].removesuffix(".crt").lower()
            der = base64.b64decode(b"".join(found.group(1).split()))
            entries.append(
                struct.pack(">I", _TRUSTED)
                + _text(alias)
                + struct.pack(">Q", _CREATED)
                + _text("X.509")
                + struct.pack(">I", len(der))
                + der
            )
    data = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    return data + hashlib.sha1(_PASSWORD.encode("utf-16-be") + _SALT + data, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw
