"""The general names that maintainer scripts give to programs and libraries through update-alternatives.

The scripts are read and not run: what they say in plain words, `update-alternatives --install LINK NAME PATH PRIORITY`,
is done. What they compute, as Java's do, is known here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_PATH = r"/[A-Za-z0-9_./+@:-]+"
_INSTALL = re.compile(
    rf"--install\s+({_PATH})\s+\S+\s+({_PATH})\s+(\d{{1,6}})((?:\s+--slave\s+{_PATH}\s+\S+\s+{_PATH})*)"
)
_SLAVE = re.compile(rf"--slave\s+({_PATH})\s+\S+\s+({_PATH})")
_SHELLS = ("usr/bin/dash", "usr/bin/bash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """`link` shall lead to `target` (paths without a leading slash) unless another has a higher `priority`."""

    link: str
    target: str
    priority: int


def declared(script: str) -> list[Alternative]:
    """What a postinst says in plain words, in its order."""
    found = []
    for link, target, priority, slaves in _INSTALL.findall(script.replace("\\\n", " ")):
        for one, other in [(link, target), *_SLAVE.findall(slaves)]:
            found.append(Alternative(link=one[1:], target=other[1:], priority=int(priority)))
    return found


def general_names(alternatives: Iterable[Alternative], paths: Collection[str]) -> dict[str, str]:
    """Targets by path of the links to make among `paths`, those of files and links that are there.

    Of several the highest priority counts, then the name; Java has the newest runtime. What is there is not replaced.
    """
    best: dict[str, Alternative] = {}
    for one in sorted(alternatives, key=lambda one: (one.priority, one.target)):
        if one.target in paths:
            best[one.link] = one
    found = {link: one.target for link, one in best.items()}
    runtimes = [path for path in paths if fnmatchcase(path, "usr/lib/jvm/*/bin/java")]
    if runtimes:
        found["usr/bin/java"] = max(runtimes, key=lambda path: ([int(n) for n in re.findall(r"\d+", path)], path))
    shell = next((path for path in _SHELLS if path in paths), "")
    if shell:
        found["usr/bin/sh"] = shell
    return {link: target for link, target in sorted(found.items()) if link not in paths}
