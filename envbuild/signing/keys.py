"""Keys as a person names them: a file, or the address of one that a service keeps (`awskms://...`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path

from ..errors import UsageError

_LIMIT = 1 << 20
_HINT = "name a file, or an address such as awskms://..."
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")


def is_address(key: str) -> bool:
    """Whether a service keeps the key, by an address that cosign knows: `awskms://`, `hashivault://`, `env://`."""
    return "://" in key


def check_private(key: str, option: str) -> None:
    """UsageError unless `key` is an address, or a file that cosign can sign with."""
    if is_address(key):
        return
    text = _text(key, option)
    if "PRIVATE KEY-----" in text:
        if "SIGSTORE PRIVATE KEY-----" in text or "COSIGN PRIVATE KEY-----" in text:
            return
        raise UsageError(
            f"{option} {key}: it is a key of another program", hint=f"`cosign import-key-pair --key {key}` makes it one"
        )
    what = "it is the public key" if "PUBLIC KEY-----" in text else "it holds no key"
    raise UsageError(f"{option} {key}: {what}", hint="name the private one; `cosign generate-key-pair` makes a pair")


def check_public(key: str, option: str) -> str:
    """The id of a public key in a file, empty for an address. UsageError for a file that holds none."""
    if is_address(key):
        return ""
    text = _text(key, option)
    if "PRIVATE KEY-----" in text:
        raise UsageError(
            f"{option} {key}: it is a private key, which stays with whoever signs",
            hint=f"`cosign public-key --key {key}` gives the public one",
        )
    found = key_id(text)
    if not found:
        raise UsageError(f"{option} {key}: it holds no public key", hint="it begins with -----BEGIN PUBLIC KEY-----")
    return found


def key_id(text: str) -> str:
    """`sha256:` and the digest of a public key's DER form; empty for what is no public key as PEM."""
    found = _PEM.search(text)
    if found is None:
        return ""
    try:
        data = base64.b64decode(re.sub(r"\s", "", found[1]), validate=True)
    except binascii.Error:
        return ""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _text(key: str, option: str) -> str:
    path = Path(key)
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT).decode("ascii", "replace")
    except OSError as error:
        raise UsageError(f"{option} {key}: {(error.strerror or 'cannot be read').lower()}", hint=_HINT) from error
    except ValueError as error:  # a null character
        raise UsageError(f"{option}: that is no path", hint=_HINT) from error
