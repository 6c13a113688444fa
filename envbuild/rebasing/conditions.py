"""Whether an image can be put on another base as it is: what of Python, the C library and libraries it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..bases.types import Base
from ..facts import load_json
from ..model.java import JAVA
from ..records import dataclass
from .types import Needs, Part, Venv

_GLIBC = ("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1")
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A condition that does not hold: what it is about, and what is in the way."""

    about: str
    message: str


def python_failures(venv: Venv, base: Base) -> list[Failed]:
    """What is wrong with the base's Python: packages lie in the folder of a minor version, and are built for it."""
    theirs = base.interpreter
    if venv.minor != theirs.minor:
        message = f"the image's packages are for Python {venv.minor}, and {base.name} has {theirs.version}"
        return [Failed(about="Python", message=message)]
    if venv.version != theirs.version and not (venv.version + theirs.version).replace(".", "").isdecimal():
        # Only what is released keeps the format of its bytecode, and of what compiled modules ask for.
        message = f"{venv.version} and {theirs.version} are not both released versions"
        return [Failed(about="Python", message=message)]
    return []


def bytecode_failures(own: Sequence[Part], venv: Venv, base: Base) -> list[Failed]:
    """What is wrong where conda packages bring Python: the base's own has compiled for it, and nothing else can."""
    theirs = base.interpreter
    if not any(part.title.startswith("bytecode (") for part in own) or venv.minor == theirs.minor:
        return []
    message = (
        f"the image's bytecode is for conda's Python {venv.minor}, and {base.name}, with {theirs.version}, can neither "
        "compile nor verify that"
    )
    return [Failed(about="bytecode", message=message)]


def failures(
    needs: Needs, base: Base, apt: Sequence[str], there: frozenset[str], before: Callable[[], frozenset[str]]
) -> Iterator[Failed]:
    """What the base lacks that the image's own base has.

    `apt` are the Debian packages that somebody wanted in that; `there` are the libraries of the base, `before` gives
    those of the image's own: what that has not either is missed by nobody.
    """
    major, _, minor = base.glibc.partition(".")
    if needs.glibc and (major != "2" or not minor.isdecimal() or int(minor) < needs.glibc):
        yield Failed(
            about="glibc",
            message=f"{needs.glibc_asker} needs glibc 2.{needs.glibc}, and {base.name} has {base.glibc or 'none'}",
        )
    present = {package.name for package in base.packages}
    lacking = [name for name in apt if name not in present]
    if lacking:
        options = " ".join(f"--apt {name}" for name in lacking)
        yield Failed(
            about="packages",
            message=f"the image's base was given {_listed(lacking)} by --apt, and {base.name} is without"
            + (f": add {options}" if base.assembled else ""),
        )
    asked = _asked(needs)
    missing = sorted(name for name in asked.keys() - needs.provided - there if not _is_elsewhere(name))
    missing = [name for name in missing if name in before()] if missing else []
    if missing:
        yield Failed(
            about="libraries",
            message=f"{asked[missing[0]]} needs {_listed(missing)}, which the image's base has and {base.name} has "
            f"not{_way_to(missing, base)}",
        )


def _asked(needs: Needs) -> dict[str, str]:
    """The libraries that are asked for, by files and by packages that open them by their names, with who asks."""
    asked = dict(needs.needed)
    opened = load_json("system_libraries.json")["opened_at_import"]
    for package in sorted(needs.packages):
        for library in (*opened.get(package, ()), *((JAVA,) if package == "pyspark" else ())):
            asked.setdefault(library, package)
    return asked


def _is_elsewhere(library: str) -> bool:
    """Whether a library comes with glibc, or from the machine that the container runs on."""
    host: list[str] = load_json("system_libraries.json")["host"]
    return library in _GLIBC or library.startswith("ld-linux") or library in host


def _way_to(libraries: Sequence[str], base: Base) -> str:
    """The Debian packages that have the libraries, as options for an assembled base; empty where none is known."""
    from ..linter.debian import packages_for

    packages, _ = packages_for(libraries, base)
    return f": add {' '.join(f'--apt {name}' for name in packages)}" if packages and base.assembled else ""


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
