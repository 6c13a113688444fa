"""A build that failed, told by the last of what it said, and what would help."""

from __future__ import annotations

import re

from ...errors import SourceBuildError
from ..indexes import without_credentials
from .sandbox import Ended

_LINES = 15
_WIDTH = 300
_COMPILER = re.compile(
    r"(?:No such file or directory|not found|command)[^\n]*['\"`: ](?:[\w-]*-)?(?:gcc|g\+\+|cc|c\+\+|clang|gfortran|"
    r"cargo|rustc|make|cmake)\b|error: command '[^']*(?:gcc|g\+\+|cc)' failed|unable to execute '?[\w-]*(?:gcc|cc)|"
    r"(?:gcc|g\+\+|cc|clang|gfortran|cargo|rustc|cmake)['\"]?: (?:not found|No such file|command not found)|"
    r"(?:Unknown|no acceptable) [^\n]*compiler|can't find Rust compiler|Python\.h",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"Temporary failure in name resolution|Network is unreachable|Name or service not known|URLError")
_MEMORY = re.compile(
    r"\bMemoryError\b|Cannot allocate memory|std::bad_alloc|virtual memory exhausted|[Kk]illed (?:signal|process)|"
    r"signal: 9, SIGKILL"
)
_TASKS = re.compile(r"Resource temporarily unavailable|can't start new thread|[Cc]annot fork")
_NO_PROJECT = re.compile(r"^it has neither a pyproject\.toml nor a setup\.py$", re.MULTILINE)
_GIT = re.compile(r"setuptools[-_]scm|hatch[-_]vcs|No such file or directory: 'git'|git: not found")


def failed(what: str, asked: str, ended: Ended, base: str) -> SourceBuildError:
    """The error of a build that ended so. `asked` is what pip takes, `base` the name of the base that it ran in."""
    rows = [_clean(line) for line in ended.said.splitlines()]
    rows = [row for row in rows if row.strip()][-_LINES:]
    shown = "".join(f"\n  {row}" for row in rows)
    elsewhere = (
        f"build the wheel on another machine (`pip wheel --no-deps {asked}`) and put it into the model's folder, or "
        "into one that --find-links names"
    )
    why = ended.why or (f"signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}")
    if ended.why:
        hint = elsewhere
    elif _NO_PROJECT.search(ended.said):
        hint = "it is no package that can be built: name another version, or for a link the folder in #subdirectory="
    elif _MEMORY.search(ended.said) or ended.code in (-9, 137):
        hint = f"it takes more memory than there is here: {elsewhere}"
    elif _TASKS.search(ended.said):
        hint = f"it starts more processes or threads than a build may have: {elsewhere}"
    elif _COMPILER.search(ended.said):
        hint = f"{base} has no compiler and no headers, and an image needs none: {elsewhere}"
    elif _GIT.search(ended.said):
        hint = (
            "it takes its version from git, which a sandbox does not have: name a tag that is a version (@v1.2), or a "
            f"release that has a source archive; or {elsewhere}"
        )
    elif _NETWORK.search(ended.said):
        hint = f"it looks for something in the network, and a sandbox has none: {elsewhere}"
    else:
        hint = f"{elsewhere}; or choose a version that has one"
    return SourceBuildError(f"{what}: it could not be built: {why}{shown}", hint=hint)


def _clean(line: str) -> str:
    """One line of foreign output, without what a terminal would obey."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line.rpartition("\r")[2] if "\r" in line.rstrip("\r") else line)
    return "".join(char for char in without_credentials(plain) if char.isprintable() or char == "\t")[:_WIDTH]
