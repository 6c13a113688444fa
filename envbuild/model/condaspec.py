"""Conda match specs (`numpy=1.26.4=py311_0`) in the words of PEP 440."""

from __future__ import annotations

import re

from ..patterns import pattern

# The channel in front of a name, which may be an address: `conda-forge::`, `file:///srv/channel::`.
CHANNEL = r"(?:(?P<channel>[^\s\[]+)::)?"
_FRONT = pattern(CHANNEL + r"(?P<rest>.*)", re.DOTALL)
_KEY = pattern(
    r"(?P<before>[\[,])\s*channel\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^,\]\s'\"]+))\s*"
    r"(?P<after>[,\]])"
)
_CONDA = pattern(CHANNEL + r"[A-Za-z0-9_.-]+?\s*(?P<version>[=<>!~\s].*)", re.DOTALL)
# What both conda and PEP 440 take for one version; `2023c` is none, which PEP 440 would read as a pre-release.
_VERSION = r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
_PLAIN = pattern(_VERSION)
_CLAUSE = pattern(rf"(?:>=|<=|>|<|!=|~=)\s*{_VERSION}(?:\.\*)?")
_ZONES = pattern(r"(?<![\w.])([0-9]{4})([a-z])(?![\w.])")


def conda_range(text: str) -> str:
    """The version part of a conda match spec as PEP 440 writes it; empty where there is none or it has no equal."""
    found = _CONDA.fullmatch(text.strip())
    version = re.split(r"[\s=](?=[A-Za-z_])", found["version"].strip())[0].strip() if found else ""
    if not version or "|" in version or "[" in version or "(" in version:
        return ""
    clauses = []
    for clause in (c.strip() for c in version.split(",")):
        exact = re.fullmatch(r"==\s*([0-9][\w.]*)", clause)
        loose = re.fullmatch(r"=?\s*([0-9][\w.]*?)(?:\.\*|\*)?(?:=.*|\s+\S+)?", clause)
        single = exact or loose
        if single and not _PLAIN.fullmatch(single[1]):
            return ""
        if exact:
            clauses.append("==" + exact[1])
        elif loose:
            # Nothing but a release has others below it.
            clauses.append(f"=={loose[1]}" + (".*" if re.fullmatch(r"[0-9.]+", loose[1]) else ""))
        elif _CLAUSE.fullmatch(clause):
            clauses.append(re.sub(r"\s", "", clause).removesuffix(".*") if clause[:1] in "<>" else clause)
        else:
            return ""
    return ",".join(clauses)


def split_channel(text: str) -> tuple[str, str]:
    """The channel that a conda match spec names, and the spec without it: of `mine::gdal`, and `gdal[channel=mine]`.

    The channel is empty where it names none.
    """
    front = _FRONT.fullmatch(text.strip())
    channel, rest = (front["channel"] or "", front["rest"]) if front else ("", text.strip())
    key = _KEY.search(rest)
    if key is None:
        return channel, rest
    named = next(value for value in (key["single"], key["double"], key["bare"]) if value is not None)
    ends = {"[]": "", "[,": "[", ",]": "]", ",,": ","}[key["before"] + key["after"]]
    return channel or named.strip(), rest[: key.start()] + ends + rest[key.end() :]


def has_version(text: str) -> bool:
    """Whether a conda match spec asks for a version at all."""
    found = _CONDA.fullmatch(text.strip())
    return bool(found and found["version"].strip(" =*"))


def pip_requirement(name: str, text: str) -> str:
    """The conda match spec `text` as a requirement of the package `name`; empty where it has no equal.

    A version of three numbers or more, which conda's single `=` takes with all that begins like it, is pinned. That of
    tzdata is written with a letter for conda (`2023c`), and with a number on PyPI (`2023.3`).
    """
    if name == "tzdata":
        text = _ZONES.sub(lambda zones: f"{zones[1]}.{ord(zones[2]) - ord('a') + 1}", text)
    range_ = conda_range(text)
    if not range_ and (has_version(text) or "[" in text):
        return ""
    whole = re.fullmatch(r"(==[0-9]+(?:\.[0-9]+){2,})\.\*", range_)
    return name + (whole[1] if whole else range_)
