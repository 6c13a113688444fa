"""Which bases there are, and which one a build takes."""

from __future__ import annotations

from ..errors import BaseImageError, UsageError
from ..oci.remote import parse_remote
from ..records import dataclass
from .debian import python_version, suite_of
from .lock import shipped, upstream_version
from .suites import SUITES, Suite
from .types import Base, Choice

# What an image base is named by: prefix, and what stands behind it.
IMAGE_KINDS: dict[str, str] = {
    "docker-daemon": "REF",
    "docker-archive": "FILE",
    "oci": "DIR[:TAG]",
    "oci-archive": "FILE",
}

# Python versions that no assembled base has and `auto` takes from a registry: the official images.
REGISTRY_PYTHONS = ("3.8", "3.10", "3.12", "3.14")
_OFFICIAL = "docker.io/library/python"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A base that needs no choosing of an image: `python` is its full version, `locked` the day of its packages.

    Of an official image in a registry only the minor version is known before it is opened; `packages` is 0 then.
    """

    name: str
    python: str
    glibc: str
    packages: int
    locked: str
    note: str
    automatic: bool = True


def catalogue() -> tuple[CatalogueEntry, ...]:
    """All that `auto` may take, in its order: the assembled bases as shipped, then the official images.

    Reads only the shipped locks.
    """
    entries = []
    for suite in SUITES.values():
        lock = shipped(suite.codename, "amd64")
        entries.append(
            CatalogueEntry(
                name=suite.name,
                python=python_version(suite, lock) if lock else suite.python,
                glibc=upstream_version(lock.version("libc6")) if lock else "",
                packages=len(lock.packages) if lock else 0,
                locked=lock.date if lock else "",
                note=suite.note,
                automatic=suite.automatic,
            )
        )
    for python in REGISTRY_PYTHONS:
        name = official_image(python)
        entries.append(
            CatalogueEntry(name=name, python=python, glibc="", packages=0, locked="", note="from a registry")
        )
    return tuple(entries)


def official_image(minor: str) -> str:
    """The official image of Python `minor`: `docker.io/library/python:3.12-slim`."""
    return f"{_OFFICIAL}:{minor}-slim"


def is_assembled(minor: str) -> bool:
    """Whether `auto` has an assembled base with the Python `minor`."""
    return any(suite.automatic and suite.python == minor for suite in SUITES.values())


def choose(requested: str, python: str, *, python_source: str) -> Choice:
    """The base to open for `requested`: `auto`, `debian:SUITE`, an image in a registry or elsewhere (`oci:DIR`...).

    `python` is the version that is wanted, `3.11` or `3.11.7`, empty if nothing says; `python_source` is who says
    so (`conda.yaml, line 6`). Raises UsageError for a name that is none, BaseImageError when none fits.
    """
    minor = ".".join(python.split(".")[:2])
    if requested == "auto":
        return _automatic(python, minor, python_source)
    suite = suite_of(requested)
    if suite is not None:
        notes: tuple[str, ...] = ()
        if minor and suite.python != minor:
            notes = (f"{suite.name} has Python {suite.python}, {python_source} asks for {python}",)
        elif minor:
            notes = _patch_note(suite, python, python_source)
        return Choice(name=suite.name, why=f"{suite.name} was asked for", notes=notes)
    kind, colon, rest = requested.partition(":")
    if colon and kind in IMAGE_KINDS:
        if not rest:
            raise UsageError(f"the base {requested} names nothing", hint=f"write {kind}:{IMAGE_KINDS[kind]}")
        return Choice(name=requested, why=f"{requested} was asked for")
    return Choice(name=_remote(requested), why=f"{requested} was asked for")


def _automatic(python: str, minor: str, python_source: str) -> Choice:
    fitting = [suite for suite in SUITES.values() if suite.automatic and (not minor or suite.python == minor)]
    if not fitting and minor in REGISTRY_PYTHONS:
        who = f" ({python_source})" if python_source else ""
        return Choice(name=official_image(minor), why=f"Python {minor}{who}, which no assembled base has")
    if not fitting:
        raise BaseImageError(
            f"no base of the catalogue has Python {minor}, which {python_source or 'the model'} asks for",
            hint=_ways_on(minor),
        )
    suite = fitting[0]
    if not minor:
        why = "nothing says which Python the model wants, and this is the first of the catalogue"
        note = f"the model names no Python version: {suite.name} brings Python {suite.python}; --python chooses"
        return Choice(name=suite.name, why=why, notes=(note,))
    return Choice(
        name=suite.name,
        why=f"Python {minor}" + (f" ({python_source})" if python_source else ""),
        notes=_patch_note(suite, python, python_source),
    )


def python_notes(base: Base, python: str, python_source: str) -> tuple[str, ...]:
    """What is to say of an image's Python, which nobody knew before the image was opened."""
    theirs = base.interpreter.version
    minor = ".".join(python.split(".")[:2])
    if not python or theirs == python or (python == minor and base.interpreter.minor == minor):
        return ()
    who = python_source or "the model"
    tail = ": the patch version differs" if base.interpreter.minor == minor else ""
    return (f"{base.name} brings Python {theirs}, {who} names {python}{tail}",)


def _patch_note(suite: Suite, python: str, python_source: str) -> tuple[str, ...]:
    lock = shipped(suite.codename, "amd64")
    full = python_version(suite, lock) if lock else suite.python
    if python.count(".") < 2 or python == full:
        return ()
    who = python_source or "the model"
    return (f"{suite.name} brings Python {full}, {who} names {python}: the patch version differs",)


def other_pythons() -> str:
    """The versions that need no registry, as options: `--python 3.11 (debian:bookworm) or ...`."""
    return " or ".join(f"--python {suite.python} ({suite.name})" for suite in SUITES.values() if suite.automatic)


def _ways_on(minor: str) -> str:
    for suite in SUITES.values():
        if suite.python == minor:
            return f"--base {suite.name} has it ({suite.note})"
    return (
        f"try {other_pythons()}; or name an image that has Python {minor}: --base REGISTRY/NAME:TAG, "
        "--base docker-daemon:REF, --base oci-archive:FILE"
    )


def _remote(requested: str) -> str:
    """The name of an image in a registry as it was asked for; UsageError for a name that is none."""
    plain = requested.removeprefix("docker://")
    if plain == requested and requested.startswith((".", "/", "~")):
        raise UsageError(
            f"the base {requested} is a path, and nothing says of what",
            hint="write oci:DIR, oci-archive:FILE or docker-archive:FILE",
        )
    if not plain or any(c.isspace() for c in plain) or (plain == requested and not set(plain) & set("/:@")):
        raise _unknown(requested)
    if plain == requested and plain.startswith("debian:"):
        raise _unknown(requested)
    parse_remote(plain)
    return plain


def _unknown(requested: str) -> UsageError:
    names = ", ".join(suite.name for suite in SUITES.values())
    kinds = ", ".join(f"{kind}:{what}" for kind, what in IMAGE_KINDS.items())
    possible = f"possible are auto, {names}, REGISTRY/NAME:TAG, {kinds}"
    kind, _, tag = requested.partition(":")
    if kind == "debian" and tag:
        hint = f"{possible}; for Docker Hub's image write docker.io/library/{requested}"
        return UsageError(f"there is no base {requested}", hint=hint)
    if requested in SUITES:
        return UsageError(f"there is no base {requested}", hint=f"write debian:{requested}; {possible}")
    if requested.isidentifier():
        possible += f"; an image of Docker Hub is written {requested}:TAG"
    return UsageError(f"there is no base {requested!r}", hint=possible)
