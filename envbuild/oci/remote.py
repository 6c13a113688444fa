"""What an image is called in a registry: `python:3.12-slim`, `registry.example/team/base@sha256:...`."""

from __future__ import annotations

from ..errors import UsageError
from ..records import dataclass
from .reference import DEFAULT_TAG, parse_reference

_SCHEME = "docker://"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteImage:
    """An image of a registry: `domain` as people write it (`docker.io`), `tag` or `digest` or both not empty."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The fully qualified name without the digest: `docker.io/library/python:3.12-slim`."""
        return f"{self.domain}/{self.path}" + (f":{self.tag}" if self.tag else "")

    @property
    def canonical(self) -> str:
        """The name with the digest, where there is one."""
        return self.name + (f"@{self.digest}" if self.digest else "")

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag


def parse_remote(text: str) -> RemoteImage:
    """The image that `text` names, with or without `docker://`; `latest` where it names neither tag nor digest.

    Raises UsageError for what is no reference, or has a digest of another kind than sha256.
    """
    plain, at, digest = text.removeprefix(_SCHEME).partition("@")
    if at:
        kind, _, value = digest.partition(":")
        if kind != "sha256" or len(value) != 64 or set(value) - _HEX:
            raise UsageError(
                f"the image reference {text!r} has the digest {digest!r}",
                hint="a digest is sha256: and 64 hexadecimal digits in lower case",
            )
    parsed = parse_reference(plain)
    named = plain.rfind(":") > plain.rfind("/")
    tag = parsed.tag if named else "" if digest else DEFAULT_TAG
    return RemoteImage(domain=parsed.domain, path=parsed.path, tag=tag, digest=digest)
