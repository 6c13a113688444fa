"""Image references: `diabetes`, `team/diabetes:2`, `registry.example:5000/team/diabetes:2`.

The grammar is that of the distribution project, which every engine and registry shares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import UsageError
from ..patterns import pattern
from ..records import dataclass

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = pattern(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = pattern(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX_ID = pattern(r"[a-f0-9]{64}")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A tagged image name in its parts: `docker.io`, `library/diabetes`, `latest`."""

    domain: str
    path: str
    tag: str

    @property
    def canonical(self) -> str:
        """The full name: `docker.io/library/diabetes:latest`."""
        return f"{self.domain}/{self.path}:{self.tag}"

    @property
    def name(self) -> str:
        """What a person types, without the tag: `diabetes`, `registry.example:5000/team/diabetes`."""
        if self.domain != DEFAULT_DOMAIN:
            return f"{self.domain}/{self.path}"
        short = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in short else short

    @property
    def familiar(self) -> str:
        """What a person types: `diabetes:latest`."""
        return f"{self.name}:{self.tag}"


def parse_reference(text: str) -> Reference:
    """The reference that `text` means; `latest` where it names no tag. UsageError for anything else."""
    if "@" in text:
        raise _wrong(text, "names a digest, and an image is tagged with a name", "leave out what follows the @")
    rest, tag = text, DEFAULT_TAG
    slash, colon = text.rfind("/"), text.rfind(":")
    if colon > slash:
        rest, tag = text[:colon], text[colon + 1 :]
        if not _TAG.fullmatch(tag):
            raise _wrong(
                text,
                f"has the tag {tag!r}",
                "a tag has 1 to 128 letters, digits, underscores, periods and hyphens, "
                "and starts with no period or hyphen",
            )
    domain, path = _split_domain(rest)
    if not _DOMAIN.fullmatch(domain):
        raise _wrong(text, f"has the registry {domain!r}", "a registry is HOST or HOST:PORT")
    if not _PATH.fullmatch(path):
        raise _wrong(text, f"has the name {path!r}", _name_hint(rest))
    if _HEX_ID.fullmatch(path):
        raise _wrong(text, "looks like an image id", "choose a name, such as diabetes:latest")
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = _OFFICIAL + path
    if len(domain) + 1 + len(path) > _MAX_NAME:
        raise _wrong(text, f"is longer than {_MAX_NAME} characters", "choose a shorter name")
    return Reference(domain=domain, path=path, tag=tag)


def as_references(names: Sequence[str | Reference]) -> list[Reference]:
    """Every name as a reference."""
    return [name if isinstance(name, Reference) else parse_reference(name) for name in names]


def _split_domain(rest: str) -> tuple[str, str]:
    """The registry and the repository: the first part is a registry only if it looks like a host."""
    first, slash, path = rest.partition("/")
    if not slash or not (set(first) & set(".:") or first == "localhost" or first != first.lower()):
        return DEFAULT_DOMAIN, rest
    return (DEFAULT_DOMAIN if first == "index.docker.io" else first), path


def _name_hint(rest: str) -> str:
    lower = re.sub(r"[^a-z0-9._/-]+", "-", rest.lower()).strip("-._/")
    if lower != rest and _PATH.fullmatch(lower):
        return f"names are lower case letters and digits, parted by . _ - or /; try {lower}"
    return "names are lower case letters and digits, parted by . _ - or /, such as team/diabetes:2"


def _wrong(text: str, what: str, hint: str) -> UsageError:
    return UsageError(f"the image reference {text!r} {what}", hint=hint)
