"""From the lines of a conda.yaml to what rattler is asked: match specs, channels, the platform, what the base has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import ResolveError, UsageError
from ...model.types import Environment, Line
from ...patterns import pattern
from ..indexes import without_credentials
from ..refusals import place
from .extras import extras
from .types import CondaAsk, CondaSpec

if TYPE_CHECKING:
    from rattler import GenericVirtualPackage, MatchSpec

_SUBDIRS = {"amd64": "linux-64", "x86_64": "linux-64", "arm64": "linux-aarch64", "aarch64": "linux-aarch64"}
_MACHINES = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
# A kernel that every node has today: packages ask for no newer one.
_LINUX = "5.10"
_CHANNEL_NAME = pattern(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)*", re.ASCII)
_WITHOUT_DEFAULTS = "nodefaults"


def ask_of(
    environment: Environment, *, python: str, glibc: str, architecture: str, root: Path | None = None
) -> CondaAsk:
    """What `environment` asks of its channels, for a base with that glibc and architecture.

    `python` is the version that is wanted, `3.11.7` or `3.11`. Raises ResolveError for a line that conda cannot read,
    and for a base without glibc.
    """
    if not re.fullmatch(r"\d+\.\d+", glibc):
        raise ResolveError(
            "the base image has no glibc, which conda's packages need",
            hint="use a base with glibc, such as debian:bookworm",
        )
    specs = [
        CondaSpec(name=dependency.name, text=dependency.text.strip(), where=place(dependency.span, root))
        for dependency in environment.conda
    ]
    pin = environment.python
    where = place(pin.span, root) if pin is not None else "the base's Python, as nothing names another"
    specs = [spec for spec in specs if spec.name != "python"]
    specs.insert(0, CondaSpec(name="python", text=f"python={python}", where=where))
    return CondaAsk(
        specs=tuple(specs),
        channels=_listed(environment, root),
        subdir=subdir_of(architecture),
        glibc=glibc,
    )


def _listed(environment: Environment, root: Path | None) -> tuple[str, ...]:
    channels = [_channel(line, root) for line in environment.channels if line.text != _WITHOUT_DEFAULTS]
    return tuple(dict.fromkeys(channels)) or ("conda-forge",)


def channels_of(environment: Environment) -> tuple[str, ...]:
    """All channels that packages of `environment` may come from, those that a line names (`mine::gdal`) among them."""
    named = [d.text.strip().rpartition("::")[0] for d in environment.conda]
    return tuple(dict.fromkeys([*_listed(environment, None), *filter(None, named)]))


def subdir_of(architecture: str) -> str:
    """Conda's name of a platform: `linux-64` for `amd64`. Raises ResolveError for one that no image is made for."""
    subdir = _SUBDIRS.get(architecture, "")
    if not subdir:
        raise ResolveError(
            f"conda packages cannot be chosen for the architecture {architecture!r}",
            hint="use a base for linux/amd64 or linux/arm64",
        )
    return subdir


def machine_of(subdir: str) -> str:
    """`x86_64` of `linux-64`."""
    return _MACHINES[subdir]


def match_specs(specs: Iterable[CondaSpec]) -> list[MatchSpec]:
    """The specs as rattler's. Raises ResolveError for one that conda cannot read."""
    with extras("choosing conda packages"):
        from rattler import MatchSpec
        from rattler.exceptions import InvalidMatchSpecError, PackageNameMatcherParseError

    found = []
    for spec in specs:
        try:
            found.append(MatchSpec(spec.text, strict=False))
        except (InvalidMatchSpecError, PackageNameMatcherParseError, ValueError) as error:
            raise ResolveError(
                f"{spec.where}: {spec.text!r} is no package that conda can look for: {str(error).strip()}",
                hint="write NAME, NAME=VERSION or NAME>=LOW,<HIGH",
            ) from None
    return found


def virtual_packages(ask: CondaAsk) -> list[GenericVirtualPackage]:
    """What the base has that packages may ask for: Linux, its glibc, its kind of processor; no GPU."""
    with extras("choosing conda packages"):
        from rattler import GenericVirtualPackage, PackageName, Version
        from rattler.package import BuildString

    has: list[tuple[str, str, Any]] = [
        ("__unix", "0", "0"),
        ("__linux", _LINUX, "0"),
        ("__glibc", ask.glibc, "0"),
        ("__archspec", "1", machine_of(ask.subdir)),
    ]
    return [GenericVirtualPackage(PackageName(name), Version(version), BuildString(b)) for name, version, b in has]


def _channel(line: Line, root: Path | None) -> str:
    """A channel's name or address, as it may be written anywhere. Raises ResolveError for what is neither."""
    text = line.text.strip()
    where = place(line.span, root)
    if without_credentials(text) != text or re.search(r"/t/[^/]+", text):
        raise ResolveError(
            f"{where}: the channel {without_credentials(text).partition('/t/')[0]} has credentials in its address",
            hint="take them out of the file, and put them into ~/.netrc or ENVBUILD_CONDA_CREDENTIALS",
        )
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme in ("http", "https", "file") or _CHANNEL_NAME.fullmatch(text):
        return text.rstrip("/")
    raise ResolveError(
        f"{where}: {text[:80]!r} is no channel that packages can be taken from",
        hint="write conda-forge, another name, or an address that begins with https:// or file://",
    )


def check_mode(mode: str) -> None:
    """Raise UsageError for a mode that there is not."""
    if mode not in ("auto", "always", "never"):
        raise UsageError(f"--conda {mode}: there is no such choice", hint="possible are auto, always and never")
