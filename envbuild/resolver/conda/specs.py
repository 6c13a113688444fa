"""From the lines of a conda.yaml to what rattler is asked: match specs, channels, the platform."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import ResolveError
from ...model.condaspec import split_channel
from ...model.types import CondaDependency, Environment, Line
from ...patterns import pattern
from ..refusals import place
from .addresses import has_secrets, without_secrets
from .channels import shown
from .depending import split_need
from .extras import extras
from .types import CondaAsk, CondaPackage, CondaSpec

if TYPE_CHECKING:
    from rattler import MatchSpec, PackageRecord

_SUBDIRS = {"amd64": "linux-64", "x86_64": "linux-64", "arm64": "linux-aarch64", "aarch64": "linux-aarch64"}
_CHANNEL_NAME = pattern(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)*", re.ASCII)
# What a line may name behind its channel: `conda-forge/linux-64::gdal`.
_SUBDIR = pattern(r"/(?:noarch|(?:linux|osx|win)-\w+)/?$", re.ASCII)
OPTION = "--python"
"""Where the version of Python was said, if not in the file that names another one."""
_WITHOUT_DEFAULTS = "nodefaults"
# What conda itself takes these names for: no channels of anaconda.org.
_ANACONDA = "https://repo.anaconda.com/pkgs"
_NAMED = {
    "defaults": (f"{_ANACONDA}/main", f"{_ANACONDA}/r"),
    **{f"pkgs/{name}": (f"{_ANACONDA}/{name}",) for name in ("main", "r", "msys2", "free", "pro")},
}


def ask_of(
    environment: Environment,
    *,
    python: str,
    glibc: str,
    architecture: str,
    root: Path | None = None,
    accelerator: str = "",
    as_of: str = "",
) -> CondaAsk:
    """What `environment` asks of its channels, for a base with that glibc and architecture.

    `python` is the version that is wanted, `3.11.7` or `3.11`; `accelerator` and `as_of` are those of CondaAsk. Raises
    ResolveError for a line that conda cannot read, and for a base without glibc.
    """
    if not re.fullmatch(r"\d+\.\d+", glibc):
        raise ResolveError(
            "the base image has no glibc, which conda's packages need",
            hint="use a base with glibc, such as debian:bookworm",
        )
    specs = [
        CondaSpec(
            name=dependency.name,
            text=dependency.text.strip(),
            where=place(dependency.span, root),
            line=place(dependency.span),
        )
        for dependency in environment.conda
    ]
    pin = environment.python
    specs = [spec for spec in specs if spec.name != "python"]
    if pin is None:
        where = line = "the base's Python, as nothing names another"
    elif (pin.exact or pin.minor) in (python, "") or python.startswith(f"{pin.minor}."):
        where, line = place(pin.span, root), place(pin.span)
    else:
        where = line = OPTION
    text = f"python={python}"
    if pin is not None and pin.exact in (python, "") and (pin.channel or pin.build):
        # Where another version is wanted than the file's, nothing of that one holds.
        text = f"{pin.channel}::{text}" if pin.channel else text
        # Behind a build, two numbers alone would be the whole version.
        star = ".*" if python.count(".") == 1 else ""
        text = f"{text}{star}={pin.build}" if pin.build else text
    specs.insert(0, CondaSpec(name="python", text=text, where=where, line=line))
    for dependency in environment.conda:
        _check_spec(dependency, root)
    return CondaAsk(
        specs=tuple(specs),
        channels=channels_of(environment, root),
        unlisted=not _listed(environment, root),
        subdir=subdir_of(architecture),
        glibc=glibc,
        accelerator=accelerator,
        as_of=as_of,
    )


def _listed(environment: Environment, root: Path | None) -> tuple[str, ...]:
    named = [_channel(line, root) for line in environment.channels if line.text != _WITHOUT_DEFAULTS]
    return tuple(dict.fromkeys(_addresses(named)))


def _addresses(names: Iterable[str]) -> list[str]:
    """The channels that conda itself takes `names` for."""
    return [channel for name in names for channel in _NAMED.get(name, (name,))]


def channels_of(environment: Environment, root: Path | None = None) -> tuple[str, ...]:
    """All channels that packages of `environment` may come from: those listed, then those that a line names.

    So conda has it with `mine::gdal`. conda-forge stands for a list that names none. Raises ResolveError for what is no
    channel.
    """
    pin = environment.python
    lines = [(pin.channel, pin.span)] if pin is not None else []
    lines += [(split_channel(dependency.text)[0], dependency.span) for dependency in environment.conda]
    named = [_channel(Line(text=_SUBDIR.sub("", name), span=span), root) for name, span in lines if name]
    found = {shown(channel): channel for channel in _listed(environment, root) or ("conda-forge",)}
    for channel in _addresses(named):
        found.setdefault(shown(channel), channel)
    return tuple(found.values())


_PYTHON = pattern(r"(?P<channel>.*::)?python=(?P<version>(?P<minor>\d+\.\d+)(?:\.\d+)?)(?:\.\*)?(?:=(?P<build>.+))?")


def loosened(ask: CondaAsk) -> list[CondaAsk]:
    """The same with any build of the Python that is wanted, then with any patch version; none where it names neither.

    What a model was logged with is what its machine happened to have, and channels drop what is old.
    """
    wanted = ask.specs[0]
    found = _PYTHON.fullmatch(wanted.text)
    if found is None:
        return []
    texts = dict.fromkeys(f"{found['channel'] or ''}python={found[part]}" for part in ("version", "minor"))
    looser = [text for text in texts if text != wanted.text]
    return [replace(ask, specs=(replace(wanted, text=text), *ask.specs[1:])) for text in looser]


def gave_way(ask: CondaAsk, packages: Iterable[CondaPackage]) -> tuple[str, ...]:
    """What to say where another version or build of Python is among the packages than the one that is wanted."""
    wanted = ask.specs[0]
    found = _PYTHON.fullmatch(wanted.text)
    python = next((package for package in packages if package.name == "python"), None)
    if found is None or python is None:
        return ()
    if f"{python.version}.".startswith(f"{found['version']}.") and fnmatchcase(python.build, found["build"] or "*"):
        return ()
    what = "goes with none of the channels' packages" if ask.lock is None else f"is not what {ask.lock.name} has"
    taken = f"{python.version} {python.build}" if found["build"] else python.version
    return (f"{wanted.line or wanted.where}: {wanted.text} {what}: {taken} is taken",)


def subdir_of(architecture: str) -> str:
    """Conda's name of a platform: `linux-64` for `amd64`. Raises ResolveError for one that no image is made for."""
    subdir = _SUBDIRS.get(architecture, "")
    if not subdir:
        raise ResolveError(
            f"conda packages cannot be chosen for the architecture {architecture!r}",
            hint="use a base for linux/amd64 or linux/arm64",
        )
    return subdir


def match_specs(specs: Iterable[CondaSpec]) -> list[MatchSpec]:
    """The specs as rattler's. Raises ResolveError for one that conda cannot read."""
    with extras("choosing conda packages"):
        from rattler import MatchSpec
        from rattler.exceptions import InvalidMatchSpecError, PackageNameMatcherParseError

    found = []
    for spec in specs:
        try:
            channel, rest = split_channel(spec.text)
            text = f"{_NAMED[channel][0]}::{rest}" if channel in _NAMED else spec.text
            found.append(MatchSpec(text, strict=False))
        except (InvalidMatchSpecError, PackageNameMatcherParseError, ValueError) as error:
            raise ResolveError(
                f"{spec.where}: {spec.text!r} is no package that conda can look for: {str(error).strip()}",
                hint="write NAME, NAME=VERSION or NAME>=LOW,<HIGH",
            ) from None
    return found


def matching(text: str, records: Iterable[PackageRecord]) -> bool:
    """Whether one of the `records` is what the match spec `text` asks for; by its name alone, if it is none."""
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError, PackageNameMatcherParseError

    try:
        spec = MatchSpec(text, strict=False)
    except (InvalidMatchSpecError, PackageNameMatcherParseError, ValueError):
        return any(record.name.normalized == split_need(text)[0] for record in records)
    return any(spec.matches(record) for record in records)


def _check_spec(dependency: CondaDependency, root: Path | None) -> None:
    """Raise ResolveError for a line that names a file instead of a package, or has credentials in it."""
    text = dependency.text.strip()
    where = place(dependency.span, root)
    if has_secrets(text):
        raise ResolveError(
            f"{where}: {without_secrets(text)!r} has credentials in its address",
            hint="take them out of the file, and put them into ~/.netrc or ENVBUILD_CONDA_CREDENTIALS",
        )
    behind = split_channel(text)[1]
    if "://" in behind or behind.startswith(("/", ".", "~")) or behind.endswith((".conda", ".tar.bz2")):
        raise ResolveError(
            f"{where}: {text[:120]!r} is the address of one file, and packages are taken from channels by name",
            hint="list its channel under `channels:`, and write NAME=VERSION=BUILD here",
        )


def _channel(line: Line, root: Path | None) -> str:
    """A channel's name or address, as it may be written anywhere. Raises ResolveError for what is neither."""
    text = line.text.strip()
    where = place(line.span, root)
    if has_secrets(text):
        raise ResolveError(
            f"{where}: the channel {without_secrets(text)} has credentials in its address",
            hint="take them out of the file, and put them into ~/.netrc or ENVBUILD_CONDA_CREDENTIALS",
        )
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if (scheme in ("http", "https", "file") and text[len(scheme) :].startswith("://")) or _CHANNEL_NAME.fullmatch(text):
        return text.rstrip("/")
    raise ResolveError(
        f"{where}: {text[:80]!r} is no channel that packages can be taken from",
        hint="write conda-forge, another name, or an address that begins with https:// or file://",
    )
