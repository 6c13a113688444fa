"""Conda match specs (`numpy=1.26.4=py311_0`) in the words of PEP 440."""

from __future__ import annotations

import re

from ..patterns import pattern

_CONDA = pattern(r"(?:[^\s:\[]+::)?[A-Za-z0-9_.-]+?\s*(?P<version>[=<>!~\s].*)", re.DOTALL)


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
        if exact:
            clauses.append("==" + exact[1])
        elif loose:
            clauses.append(f"=={loose[1]}.*")
        elif re.fullmatch(r"(?:>=|<=|>|<|!=|~=)\s*[0-9][\w.]*(?:\.\*)?", clause):
            clauses.append(re.sub(r"\s", "", clause).removesuffix(".*") if clause[:1] in "<>" else clause)
        else:
            return ""
    return ",".join(clauses)


def has_version(text: str) -> bool:
    """Whether a conda match spec asks for a version at all."""
    found = _CONDA.fullmatch(text.strip())
    return bool(found and found["version"].strip(" =*"))


def pip_requirement(name: str, text: str) -> str:
    """The conda match spec `text` as a requirement of the package `name`; empty where it has no equal.

    A version of three numbers or more, which conda's single `=` takes with all that begins like it, is pinned.
    """
    range_ = conda_range(text)
    if not range_ and (has_version(text) or "[" in text):
        return ""
    whole = re.fullmatch(r"(==[0-9]+(?:\.[0-9]+){2,})\.\*", range_)
    return name + (whole[1] if whole else range_)
