"""Which bases there are, and which one a build takes."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BaseImageError, UsageError
from .debian import python_version, suite_of
from .lock import shipped, upstream_version
from .suites import SUITES, Suite
from .types import Choice

# What an image base is named by: prefix, and what stands behind it.
IMAGE_KINDS: dict[str, str] = {
    "docker-daemon": "REF",
    "docker-archive": "FILE",
    "oci": "DIR[:TAG]",
    "oci-archive": "FILE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A base that needs no image: `python` is its full version, `locked` the day of its packages (2026-11-20)."""

    name: str
    python: str
    glibc: str
    packages: int
    locked: str
    note: str
    automatic: bool = True


def catalogue() -> tuple[CatalogueEntry, ...]:
    """The assembled bases as shipped, in the order in which `auto` looks at them. Reads only the shipped locks."""
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
    return tuple(entries)


def choose(requested: str, python: str, *, python_source: str) -> Choice:
    """The base to open for `requested`, which is `auto`, `debian:SUITE` or an image (`docker-daemon:REF`...).

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
    raise _unknown(requested)


def _automatic(python: str, minor: str, python_source: str) -> Choice:
    fitting = [suite for suite in SUITES.values() if suite.automatic and (not minor or suite.python == minor)]
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


def _patch_note(suite: Suite, python: str, python_source: str) -> tuple[str, ...]:
    lock = shipped(suite.codename, "amd64")
    full = python_version(suite, lock) if lock else suite.python
    if python.count(".") < 2 or python == full:
        return ()
    who = python_source or "the model"
    return (f"{suite.name} brings Python {full}, {who} names {python}: the patch version differs",)


def _ways_on(minor: str) -> str:
    for suite in SUITES.values():
        if suite.python == minor:
            return f"--base {suite.name} has it ({suite.note})"
    there = " or ".join(f"--python {suite.python} ({suite.name})" for suite in SUITES.values() if suite.automatic)
    return (
        f"try {there}; or bring an image that has Python {minor}: --base docker-daemon:python:{minor}-slim, "
        "--base oci-archive:FILE"
    )


def _unknown(requested: str) -> UsageError:
    names = ", ".join(suite.name for suite in SUITES.values())
    kinds = ", ".join(f"{kind}:{what}" for kind, what in IMAGE_KINDS.items())
    possible = f"possible are auto, {names}, {kinds}"
    kind, _, rest = requested.partition(":")
    if kind == "debian" and not rest.partition("-")[2]:
        return UsageError(f"there is no base {requested}", hint=possible)
    if requested in SUITES:
        return UsageError(f"there is no base {requested}", hint=f"write debian:{requested}; {possible}")
    if requested and not any(c.isspace() for c in requested) and ("/" in requested or ":" in requested):
        reference = requested.removeprefix("docker://").removeprefix("registry:")
        return UsageError(
            f"the base {requested} is in a registry, and this version reads no registry",
            hint=f"`docker pull {reference}` and --base docker-daemon:{reference}; or `skopeo copy "
            f"docker://{reference} oci-archive:base.tar` and --base oci-archive:base.tar",
        )
    return UsageError(f"there is no base {requested!r}", hint=possible)
