"""What a conda package depends on, by name: match specs are written in many ways, all of which channels have."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...patterns import pattern

# `python>=3.6`, `conda-forge::python =3`, `numpy[version='>=1']`: a channel, the name, and what is asked of it.
_SPEC = pattern(r"(?:[^\s\[]*:)?\s*(?P<name>[A-Za-z0-9_.-]+)(?P<rest>.*)", re.ASCII | re.DOTALL)
_KEYS = pattern(r"\b(?P<key>version|build)\s*=\s*(?P<quote>['\"])(?P<value>.*?)(?P=quote)")
_AFTER_A_SIGN = pattern(r"(?<=[<>=~!,|])\s+")
# Before a build, a version is the whole of it, however many signs it has.
_WITH_BUILD = pattern(r"={0,2}(?P<version>[^\s<>=~!,|]+)=(?P<build>[^\s<>=~!,|]+)")


def split_need(spec: str) -> tuple[str, str]:
    """The name that a match spec is for, as packages have it, and what it asks of it; its channel is left out."""
    found = _SPEC.fullmatch(spec.strip())
    if found is None:
        return spec.partition(" ")[0], ""
    return found["name"].lower(), " ".join(found["rest"].split())


def dependencies_of(depends: Iterable[str]) -> dict[str, str]:
    """Match specs by name; of several for one name all versions count, and the first build."""
    found: dict[str, list[str]] = {}
    for spec in depends:
        name, rest = split_need(spec)
        found.setdefault(name, []).append(rest)
    return {name: rests[0] if len(rests) == 1 else _joined(rests) for name, rests in found.items()}


def _joined(rests: Iterable[str]) -> str:
    parts = [_version_and_build(rest) for rest in rests]
    versions = ",".join(filter(None, (version for version, _ in parts)))
    build = next(filter(None, (build for _, build in parts)), "")
    return " ".join(filter(None, (versions or ("*" if build else ""), build)))


def _version_and_build(rest: str) -> tuple[str, str]:
    bare, _, keys = rest.partition("[")
    bare = _AFTER_A_SIGN.sub("", bare.strip())
    version, _, build = bare.partition(" ")
    if both := _WITH_BUILD.fullmatch(bare):
        version, build = f"=={both['version']}", both["build"]
    named = {match["key"]: match["value"] for match in _KEYS.finditer(keys)}
    return named.get("version", version), named.get("build", build)
