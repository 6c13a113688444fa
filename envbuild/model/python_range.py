"""Ranges of Python versions, as conda and PEP 440 write them: which minor versions they allow.

All of this is arithmetic on a few numbers. A pre-release as a bound counts as its release.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..patterns import pattern

Version = tuple[int, int, int]

_PLAIN = pattern(r"={0,3}\s*(\d{1,4})\.(\d{1,4})(?:\.[0-9A-Za-z.+]*)?(?:\.?\*)?", re.ASCII)
_CLAUSE = pattern(
    r"(?P<operator>===|==|!=|~=|<=|>=|<|>|=)?\s*v?(?P<numbers>\d{1,4}(?:\.\d{1,4}){0,2})"
    r"(?P<star>\.?\*)?(?P<early>[._-]?(?:a|b|c|rc|alpha|beta|dev)\.?\d*)?",
    re.ASCII | re.IGNORECASE,
)
# Python had 2.7, and has a minor version each year. Of those behind the last none is ever the only one.
_MINORS = ("2.7", *(f"3.{minor}" for minor in range(40)), "4.0", "4.1")
_LONGEST, _MOST = 200, 16
_ENDLESS = 9999

# Operator, numbers, and whether all that begins with the numbers is meant.
_Clause = tuple[str, tuple[int, ...], bool]


@lru_cache(maxsize=64)
def only_minor(text: str) -> str:
    """`3.11` of `3.11.7`, `3.11` or `>=3.11,<3.12`; empty where no single minor version is named or allowed."""
    plain = _PLAIN.fullmatch(text.strip())
    if plain is not None:
        return f"{int(plain[1])}.{int(plain[2])}"
    allowed = allowed_minors(text)
    return allowed[0] if len(allowed) == 1 else ""


def allowed_minors(text: str) -> tuple[str, ...]:
    """The minor versions that a range allows, those to come included, the oldest first; all for what is no range."""
    return tuple(minor for minor in _MINORS if allows(text, minor))


def is_range(text: str) -> bool:
    """Whether a text can be read as a range, or as a version."""
    return _parsed(text) is not None


@lru_cache(maxsize=256)
def allows(text: str, version: str) -> bool:
    """Whether a range allows a version (`3.11.7`), or a version of a minor one (`3.11`).

    True for a text that is no range: nothing is known to be left out.
    """
    found = _parsed(text)
    if found is None:
        return True
    numbers = [int(part) for part in version.split(".")[:3]]
    if len(numbers) > 2:
        patches = {numbers[2]}
    else:
        bounds = {clause[1][2] for clauses in found for clause in clauses if len(clause[1]) > 2}
        patches = {0, _ENDLESS, *bounds, *(bound + 1 for bound in bounds), *(bound - 1 for bound in bounds if bound)}
    return any(
        all(_holds(clause, (numbers[0], numbers[1], patch)) for clause in clauses)
        for patch in patches
        for clauses in found
    )


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[tuple[_Clause, ...], ...] | None:
    """The alternatives of a range, each with all that has to hold; None for what cannot be read."""
    parts = [[part.strip() for part in clauses.split(",")] for clauses in text.split("|")]
    if len(text) > _LONGEST or sum(len(clauses) for clauses in parts) > _MOST:
        return None
    found: list[tuple[_Clause, ...]] = []
    for clauses in parts:
        read = [_clause(part) for part in clauses if part != "*"]
        if None in read:
            return None
        found.append(tuple(clause for clause in read if clause is not None))
    return tuple(found)


def _clause(text: str) -> _Clause | None:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found["numbers"].split("."))
    operator = found["operator"] or "="
    if operator == "~=":
        return (operator, numbers, False) if len(numbers) > 1 else None
    if found["early"]:
        operator = {"<=": "<", ">": ">="}.get(operator, operator)
    if operator in ("=", "==", "===", "!="):
        kind = "!=" if operator == "!=" else "=="
        return kind, numbers, operator == "=" or bool(found["star"])
    return operator, numbers, False


def _holds(clause: _Clause, version: Version) -> bool:
    operator, numbers, prefix = clause
    bound = (*numbers, 0, 0)[:3]
    same = version[: len(numbers)] == numbers if prefix else version == bound
    if operator == "~=":
        return version >= bound and version[: len(numbers) - 1] == numbers[:-1]
    return {
        "==": same,
        "!=": not same,
        "<": version < bound,
        "<=": version <= bound,
        ">": version > bound,
        ">=": version >= bound,
    }[operator]
