"""EB801: a compiled module asks for a shared library that neither the wheels nor the base have."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ...model.types import Model
from ..base import BaseRule
from ..debian import facts, packages_for, way_to
from ..editing import renamed, requirements_of, spans_of
from ..types import Edit, Finding, Locked, Severity, Target

if TYPE_CHECKING:
    from ...resolver.types import WheelContents

_MOST_SHOWN = 4
# Stands for the file where a package opens a library by its name as it is imported.
_OPENED = "ctypes"


class MissingSharedLibrary(BaseRule):
    """A wheel's compiled code needs a shared library that the image will not have.

    *What it does*: reads the names of the libraries that the compiled files of every locked wheel ask for, follows them
    through the wheel's own libraries, and looks for the rest in the other wheels and in the base. Some packages that
    open a library by its name are known, too. An error where the
    package cannot be imported without it and the model lists the package or its pickles name it; a warning where it is
    not known who imports the file; information where only a plugin asks for it.

    *Why it breaks*: "ImportError: libGL.so.1: cannot open shared object file" when the module is imported, which for
    a model is the start of the server.

    *Example*: `opencv-python`, which draws windows and so needs libGL.so.1; `lightgbm` on an image without libgomp1.

    *Use instead*: `opencv-python-headless`, which is the same without windows; `--apt libgl1` adds a Debian package to
    an assembled base; another image as `--base` where the base is an image.

    *Source*: ELF, DT_NEEDED; microsoft/LightGBM issue 2223; opencv/opencv-python issues 370 and 373.
    """

    code = "EB801"
    name = "missing-shared-library"

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """One finding for each package, naming all that it lacks. Silent where the base's libraries are not known."""
        if not locked.libraries or target.azure:
            return
        there = locked.libraries.union(facts()["host"], *(wheel.provided for wheel in locked.contents.values()))
        for name, wheel in sorted(locked.contents.items()):
            opened = [(library, _OPENED) for library in facts()["opened_at_import"].get(name, ())]
            asked = [(library, file) for library, file in (*opened, *wheel.askers) if library not in there]
            asked = [pair for pair in asked if not _matches(pair[1], facts()["for_extras"].get(name, ()))]
            if asked:
                finding = self._judged(model, locked, wheel, asked)
                if finding is not None:
                    yield finding

    def _judged(
        self, model: Model, locked: Locked, wheel: WheelContents, asked: list[tuple[str, str]]
    ) -> Finding | None:
        """The finding on the most telling files: those that break the import, else modules, else other libraries."""
        breaking = [pair for pair in asked if _breaks_import(wheel, pair[1])]
        modules = [pair for pair in asked if not pair[1].rpartition("/")[2].startswith("lib")]
        others = [pair for pair in asked if "/plugins/" not in pair[1]]
        chosen = breaking or modules or others
        if not chosen:
            return None
        severity: Severity = "warning" if modules else "info"
        if breaking:
            severity = "error" if _is_imported(model, locked, wheel) else "warning"
        libraries = tuple(dict.fromkeys(library for library, _ in chosen))
        instead, edits = self._instead(model, locked, wheel)
        file = chosen[0][1]
        what = "it cannot be imported" if breaking else f"{file} cannot be loaded"
        return self.finding(
            f"{wheel.name} {wheel.version} needs {_listed(libraries)}, which neither a package nor {locked.base.name} "
            f"has: {what}",
            hint=_hint(locked, libraries, instead),
            spans=spans_of(model, wheel.name),
            edits=edits if severity == "error" else (),
            severity=severity,
        )

    def _instead(self, model: Model, locked: Locked, wheel: WheelContents) -> tuple[str, tuple[Edit, ...]]:
        """The distribution that does without, and the edits that write it; neither where another package wants this."""
        instead = facts()["instead"].get(wheel.name, "")
        wanted = any(_asks_for(line, wheel.name) for other in locked.contents.values() for line in other.requires)
        if not instead or wanted or instead in locked.contents or not requirements_of(model, wheel.name):
            return "", ()
        return instead, renamed(model, wheel.name, instead)


def _breaks_import(wheel: WheelContents, file: str) -> bool:
    """Whether the package cannot be imported without `file`: that is known of it, or the file is all there is."""
    if file == _OPENED or _matches(file, facts()["at_import"].get(wheel.name, ())):
        return True
    return "/" not in file and not file.startswith(("_", "lib")) and file.partition(".")[0] in wheel.modules


def _is_imported(model: Model, locked: Locked, wheel: WheelContents) -> bool:
    """Whether the model is known to use the package: it lists it, or its pickles name one of its modules."""
    if requirements_of(model, wheel.name):
        return True
    named = {module.partition(".")[0] for pickle in locked.pickles for module in pickle.modules}
    return any(module in named for module in wheel.modules if "." not in module)


def _hint(locked: Locked, libraries: tuple[str, ...], instead: str) -> str:
    packages, unknown = packages_for(libraries, locked.base)
    ways = [f"list {instead}, which is the same without windows" if instead else "", way_to(packages, locked.base)]
    if unknown:
        ways.append(f"Debian's package search finds what has {_listed(unknown)}, if it is not another wheel's")
    return "; or ".join(way for way in ways if way)


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _matches(file: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(file, wanted) for wanted in patterns)


def _asks_for(requirement: str, name: str) -> bool:
    """Whether a Requires-Dist line asks for the package `name` without an extra's marker."""
    text, _, marker = requirement.partition(";")
    bare = text.strip().lower().replace("_", "-")
    return (
        bare.startswith(name)
        and not bare[len(name) :][:1].isalnum()
        and not bare[len(name) :].startswith("-")
        and ("extra" not in marker)
    )
