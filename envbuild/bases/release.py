"""InRelease: the signed list of an archive's indexes. Nothing in it is believed before its signature is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..errors import IntegrityError
from .lock import DATA

if TYPE_CHECKING:
    from pysequoia import Cert

KEYRING = DATA / "debian-archive-keyring.asc"
# How far a mirror's clock may be ahead of this machine's.
_SKEW = timedelta(days=1)
_HINT = "the mirror is out of date or was tampered with; try another one, and check this machine's clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A verified InRelease. `files` maps a path below the suite to (SHA256, size in bytes)."""

    codename: str
    date: datetime
    by_hash: bool
    files: Mapping[str, tuple[str, int]]

    @property
    def stamp(self) -> str:
        """The date as a lock writes it: `2026-07-11T10:16:37Z`."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%SZ")


def verify_release(data: bytes, keyring: bytes, *, codename: str, now: datetime, where: str) -> Release:
    """Check signature, suite and dates of an InRelease and read what was signed.

    `keyring` holds OpenPGP certificates (binary or armoured), `where` names the file in messages.
    Raises IntegrityError.
    """
    text = _signed_text(data, keyring, where).decode("utf-8", "replace")
    fields, files = _parse(text)
    if fields.get("codename") != codename:
        raise IntegrityError(
            f"{where} is signed, but for {fields.get('codename', 'no suite')} instead of {codename}", hint=_HINT
        )
    date = _date(fields, "date", where)
    if date is None:
        raise IntegrityError(f"{where} bears no date", hint=_HINT)
    if date > now + _SKEW:
        raise IntegrityError(f"{where} is dated {date:%Y-%m-%d %H:%M} UTC, which is in the future", hint=_HINT)
    until = _date(fields, "valid-until", where)
    if until is not None and until < now:
        raise IntegrityError(f"{where} was valid until {until:%Y-%m-%d %H:%M} UTC", hint=_HINT)
    return Release(
        codename=codename, date=date, by_hash=fields.get("acquire-by-hash", "").lower() == "yes", files=files
    )


def _signed_text(data: bytes, keyring: bytes, where: str) -> bytes:
    """The bytes that a key of the keyring signed: only these count, never what stands around them."""
    from pysequoia import Cert, verify

    def certificates(_ids: Sequence[str]) -> list[Cert]:
        return Cert.split_bytes(keyring)

    try:
        result = verify(data, store=certificates)
    except Exception as error:  # pysequoia raises plain exceptions, with a Rust backtrace in their text
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise IntegrityError(f"the signature of {where} is not good: {first}", hint=_HINT) from None
    if not result.valid_sigs or result.bytes is None:
        raise IntegrityError(f"{where} is signed by no key of Debian's archive", hint=_HINT)
    return result.bytes


def _parse(text: str) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    fields: dict[str, str] = {}
    files: dict[str, tuple[str, int]] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            parts = line.split()
            if name == "sha256" and len(parts) == 3 and parts[1].isdecimal():
                files[parts[2]] = (parts[0].lower(), int(parts[1]))
        elif ":" in line:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            fields[name] = value.strip()
    return fields, files


def _date(fields: Mapping[str, str], name: str, where: str) -> datetime | None:
    """A date such as `Sat, 11 Jul 2026 10:16:37 UTC`, read without regard to the locale."""
    from email.utils import parsedate_to_datetime

    text = fields.get(name)
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text.replace("UTC", "+0000"))
    except ValueError:
        raise IntegrityError(f"{where} has a {name} that is no date: {text!r}", hint=_HINT) from None
    return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)
