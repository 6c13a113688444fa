"""Which mirrors of the Debian archive to ask: the environment's, else the machine's own, else a public one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ..errors import UsageError
from .suites import Archive

VARIABLE = "ENVBUILD_DEBIAN_MIRROR"
DEFAULT = "https://mirrors.edge.kernel.org/debian"
_SECURITY = "-security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Base URLs without a trailing slash, in the order to try them; `source` says where they come from."""

    debian: tuple[str, ...]
    security: tuple[str, ...]
    source: str

    def of(self, archive: Archive) -> tuple[str, ...]:
        """The mirrors of one archive."""
        return self.debian if archive == "debian" else self.security


def find_mirrors(environ: Mapping[str, str], root: Path = Path("/")) -> Mirrors:
    """The mirrors to use. `root` is the folder that holds `etc/apt`.

    ENVBUILD_DEBIAN_MIRROR is a base URL (`http://mirror.example/debian`, whose security archive is looked for at
    `...-security` beside it) or several with commas; one that ends in `-security` names a security archive.
    Raises UsageError for what is no http or https URL.
    """
    given = [item.strip().rstrip("/") for item in environ.get(VARIABLE, "").split(",") if item.strip()]
    if given:
        return _from_urls(given, VARIABLE)
    machine = list(dict.fromkeys(_apt_sources(root / "etc/apt")))
    if any(not url.endswith(_SECURITY) for url in machine):
        return _from_urls(machine, "this machine's apt sources")
    return _from_urls([DEFAULT], "the default")


def without_credentials(url: str) -> str:
    """`url` without the user and password that it may carry, fit for a message."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _from_urls(urls: list[str], source: str) -> Mirrors:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{source} names {without_credentials(url)}, which is no http or https URL",
                hint=f"set {VARIABLE} to the address of a Debian mirror, such as {DEFAULT}",
            )
    debian = [url for url in urls if not url.endswith(_SECURITY)]
    security = [url for url in urls if url.endswith(_SECURITY)]
    if not debian:
        debian = [url.removesuffix(_SECURITY) for url in security]
    security += [url + _SECURITY for url in debian if url + _SECURITY not in security]
    return Mirrors(debian=tuple(debian), security=tuple(security), source=source)


def _apt_sources(folder: Path) -> Iterator[str]:
    """The Debian mirrors in apt's configuration; files that cannot be read count for nothing."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        urls = _deb822(text) if file.suffix == ".sources" else _one_line(text) if file.suffix == ".list" else []
        for url in urls:
            parts = urlsplit(url)
            name = parts.path.rstrip("/").rsplit("/", 1)[-1]
            if parts.scheme in ("http", "https") and parts.hostname and name in ("debian", "debian-security"):
                yield url.rstrip("/")


def _deb822(text: str) -> Iterator[str]:
    """The URIs of the enabled binary sources of a deb822 file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in "\n".join(lines).split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += " " + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if (
            fields.get("enabled", "yes").lower() not in ("no", "false", "0")
            and "deb" in fields.get("types", "").split()
        ):
            yield from fields.get("uris", "").split()


def _one_line(text: str) -> Iterator[str]:
    """The URIs of `deb [options] URI suite component...` lines."""
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        rest = rest.strip()
        if rest.startswith("["):
            rest = rest.partition("]")[2].strip()
        if kind == "deb" and rest:
            yield rest.split()[0]
