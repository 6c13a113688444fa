"""What the model's files alone say of a package's version: the question of a rule before anything is resolved.

Only releases count: a pre-release is taken for its release. Ranges whose marker does not hold in the image are left
aside. All of this is arithmetic on a few numbers: nothing is imported for it, but where a line has a marker.
"""

from __future__ import annotations

from functools import lru_cache

from ..model.foreign import leaves_linux_out
from ..model.markers import may_hold
from ..model.python import python_wanted
from ..model.types import CondaDependency, Environment, Model, Requirement, Span
from ..patterns import pattern
from ..records import dataclass
from .editing import spans_of
from .types import Target

Release = tuple[int, ...]

_CLAUSE = pattern(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*v?(?:\d+!)?(\d+(?:\.\d+)*)([^,]*)")
_NUMBERS = pattern(r"(?:\d+!)?v?(\d+(?:\.\d+)*)")
_Lines = tuple[list[Requirement], list[Requirement], list[CondaDependency]]
_NOTHING: _Lines = ([], [], [])
_last: list[tuple[Environment, dict[str, _Lines]]] = []
_made: list[tuple[Model, tuple[str, str], dict[str, Pins]]] = []
_ENDLESS: Release = (1 << 30,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What the files that count ask of one package.

    `listed` tells that it is asked for, and not only held by a constraint. `specifiers` are the version ranges of all
    lines. `unknown` tells that the version cannot be told from them: it comes from conda or from an address.
    """

    name: str
    model: Model
    listed: bool = False
    specifiers: tuple[str, ...] = ()
    unknown: bool = False

    @property
    def spans(self) -> tuple[Span, ...]:
        """The places of the lines, of every file; of a constraint where nothing asks for the package."""
        found = spans_of(self.model, self.name)
        return found or tuple(r.span for r in self.model.environment.constraints if r.name == self.name)

    @property
    def exact(self) -> str:
        """The single version that is pinned, as written; empty where none is."""
        for specifier in self.specifiers:
            for operator, version, rest in _clauses(specifier):
                if operator in ("==", "===") and ".*" not in rest:
                    return version + rest.strip()
        return ""

    @property
    def text(self) -> str:
        """The ranges for people: `pandas==2.1.1`, or the bare name."""
        return self.name + ",".join(dict.fromkeys(s for s in self.specifiers if s))

    def allows(self, version: str) -> bool:
        """Whether all ranges take exactly this release."""
        wanted = release(version)
        return all(_holds(clause, wanted) for s in self.specifiers for clause in _clauses(s))

    def may_be(self, version: str) -> bool:
        """Whether this release may be the one that is chosen: it is pinned, or no range shuts it out."""
        return release(self.exact) == release(version) if self.exact else self.allows(version)

    def below(self, version: str) -> bool:
        """Whether the ranges take releases before `version` alone: an installer cannot choose it or a later one."""
        bound = release(version)
        return any(_ends_before(clause, bound) for s in self.specifiers for clause in _clauses(s))

    def from_on(self, version: str) -> bool:
        """Whether the ranges take `version` and later releases alone: an installer cannot choose an older one."""
        bound = release(version)
        return any(_begins_at(clause, bound) for s in self.specifiers for clause in _clauses(s))

    def above(self, version: str) -> bool:
        """Whether the ranges take releases after `version` alone."""
        bound = release(version)
        return any(_begins_after(clause, bound) for s in self.specifiers for clause in _clauses(s))


def pins_of(model: Model, target: Target, name: str) -> Pins:
    """What the model's files say of the package `name` (canonical)."""
    image = (python_of(model, target), target.platform)
    if not _made or _made[0][0] is not model or _made[0][1] != image:
        _made[:] = [(model, image, {})]
    known = _made[0][2]
    if name not in known:
        known[name] = _pins(model, name, *image)
    return known[name]


def _pins(model: Model, name: str, python: str, platform: str) -> Pins:
    asked, held, conda = _by_name(model.environment).get(name, _NOTHING)
    if not (asked or held or conda):
        return Pins(name=name, model=model)
    asked = [r for r in asked if _counts(r.marker, python, platform)]
    held = [r for r in held if _counts(r.marker, python, platform)]
    return Pins(
        name=name,
        model=model,
        listed=bool(asked or conda),
        specifiers=tuple(dict.fromkeys(r.specifier for r in (*asked, *held) if r.specifier)),
        unknown=bool(conda) or any(r.url for r in asked),
    )


def _by_name(environment: Environment) -> dict[str, _Lines]:
    """The lines of each package, made once for the environment that was asked about last: the rules ask often."""
    if not _last or _last[0][0] is not environment:
        found: dict[str, _Lines] = {}
        for requirement in environment.pip:
            found.setdefault(requirement.name, ([], [], []))[0].append(requirement)
        for constraint in environment.constraints:
            found.setdefault(constraint.name, ([], [], []))[1].append(constraint)
        for dependency in environment.conda:
            found.setdefault(dependency.name, ([], [], []))[2].append(dependency)
        _last[:] = [(environment, found)]
    return _last[0][1]


def python_of(model: Model, target: Target) -> str:
    """The minor version of Python that the image will have (`3.11`), as far as the files say it; else empty."""
    if target.python:
        return target.python
    pin = model.environment.python
    # There conda chooses from a range.
    return pin.minor if target.azure and pin is not None else python_wanted(model).minor


@lru_cache(maxsize=1024)
def _counts(marker: str, python: str, platform: str) -> bool:
    """Whether a marker may hold in the image; whatever is not known, one of another system does not."""
    return may_hold(marker, python, platform) and not leaves_linux_out(marker)


def release(version: str) -> Release:
    """The numbers of a version without trailing zeros: `(2, 1, 1)` of `2.1.1`, `(1,)` of `1.0.0b40`."""
    found = _NUMBERS.match(version.strip())
    numbers = [int(part[:18]) for part in found[1].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_below(version: str, bound: str) -> bool:
    """Whether a release is older than `bound`; False for an empty version."""
    return bool(version) and release(version) < release(bound)


def _clauses(specifier: str) -> list[tuple[str, str, str]]:
    return [(operator, version, rest) for operator, version, rest in _CLAUSE.findall(specifier)]


def _interval(clause: tuple[str, str, str]) -> tuple[Release, Release, bool]:
    """The first release that a clause takes, its end, and whether the end itself is still taken."""
    operator, version, rest = clause
    numbers = tuple(int(part[:18]) for part in version.split("."))
    value = release(version)
    if operator == "==" and rest.strip().startswith(".*"):
        return value, (*numbers[:-1], numbers[-1] + 1), False
    if operator == "~=" and len(numbers) > 1:
        return value, (*numbers[:-2], numbers[-2] + 1), False
    if operator in ("==", "==="):
        return value, value, True
    if operator in ("<", "<="):
        return (), value, operator == "<="
    if operator in (">", ">=", "~="):
        return value, _ENDLESS, False
    return (), _ENDLESS, False


def _holds(clause: tuple[str, str, str], wanted: Release) -> bool:
    operator, version, rest = clause
    if operator == "!=":
        return rest.strip().startswith(".*") or wanted != release(version)
    first, end, inclusive = _interval(clause)
    if operator == ">" and wanted == first:
        return False
    return first <= wanted and (wanted < end or (inclusive and wanted == end))


def _ends_before(clause: tuple[str, str, str], bound: Release) -> bool:
    _, end, inclusive = _interval(clause)
    return end < bound or (end == bound and not inclusive)


def _begins_at(clause: tuple[str, str, str], bound: Release) -> bool:
    return _interval(clause)[0] >= bound


def _begins_after(clause: tuple[str, str, str], bound: Release) -> bool:
    first = _interval(clause)[0]
    return first > bound or (first == bound and clause[0] == ">")
