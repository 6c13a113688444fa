"""The conda packages of a build context: an explicit list with hashes, what lays them down, and those that go along."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import UsageError
from ...oci.store import Store
from ...options import DockerOptions
from ...patterns import pattern
from ...planner.paths import PREFIX
from ...planner.types import Plan
from ...records import dataclass
from ...resolver.conda.types import CondaPackage
from ...resolver.indexes import without_credentials
from ...resolver.types import Lock
from .reading import blob
from .types import Entry

FOLDER = "conda"
"""The folder of the context; nothing else is in it, so that another list of wheels leaves these steps in the cache."""
_ADDRESS = pattern(r"https?://[!-\"$-~]+")  # printable, no space and no #


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaContext:
    """The packages that the build lays down: `along` lie in the context, `asked` are fetched from their channels."""

    along: tuple[CondaPackage, ...] = ()
    asked: tuple[CondaPackage, ...] = ()

    @property
    def packages(self) -> tuple[CondaPackage, ...]:
        """All of them, by name."""
        return tuple(sorted((*self.along, *self.asked), key=lambda package: package.name))


def conda_context(plan: Plan, lock: Lock, options: DockerOptions) -> CondaContext:
    """What becomes of the conda packages of `plan`, whose addresses `lock` knows. A file of this machine goes along."""
    wanted = {package.sha256 for layer in plan.layers for package in layer.conda}
    packages = [package for package in lock.conda if package.sha256 in wanted]
    along = [package for package in packages if goes_along(package, options.wheels)]
    return CondaContext(along=tuple(along), asked=tuple(package for package in packages if package not in along))


def goes_along(package: CondaPackage, wheels: str) -> bool:
    """Whether the package lies in the context, where `wheels` is what --wheels says."""
    return wheels == "context" or not package.url.startswith(("http://", "https://"))


def conda_entries(conda: CondaContext, store: Store) -> Iterator[Entry]:
    """The folder of the context, but for the tools; the packages that go along are in `store`.

    UsageError: an address would not stay one word of its line.
    """
    from ..conda import laying
    from .tools import script

    if not conda.packages:
        return
    yield Entry(path=f"{FOLDER}/{explicit_name(conda.packages)}", text=explicit_text(conda))
    yield Entry(path=f"{FOLDER}/conda.json", text=_json(conda.packages))
    yield Entry(path=f"{FOLDER}/laying.py", text=Path(laying.__file__).read_text(encoding="utf-8"))
    yield Entry(path=f"{FOLDER}/install.py", text=script("conda_install.py"))
    if conda.asked:
        yield Entry(path=f"{FOLDER}/fetch.py", text=script("conda_fetch.py"))
    for package in conda.along:
        yield blob(store, f"{FOLDER}/{_place(package)}", package.sha256)


def explicit_name(packages: Sequence[CondaPackage]) -> str:
    """`conda-linux-64.txt`, as conda-lock calls such a list."""
    return f"conda-{next((p.subdir for p in packages if p.subdir != 'noarch'), 'linux-64')}.txt"


def explicit_text(conda: CondaContext) -> str:
    """Conda's explicit list: conda, mamba and micromamba make an environment of it as well."""
    lines = ["# The locked conda packages: the build takes these files and no others.", "@EXPLICIT"]
    for package in conda.packages:
        address = f"file:///{FOLDER}/{_place(package)}"
        if package in conda.asked:
            address = without_credentials(package.url)
            if not _ADDRESS.fullmatch(address):
                raise UsageError(
                    f"{package.name} {package.version} is locked to {address!r}, which conda would misread"
                )
        lines.append(f"{address}#sha256:{package.sha256}")
    return "\n".join(lines) + "\n"


def _place(package: CondaPackage) -> str:
    return f"packages/{package.subdir}/{package.filename}"


def _json(packages: Sequence[CondaPackage]) -> str:
    rows = [
        {
            "file": package.filename,
            "sha256": package.sha256,
            "name": package.name,
            "version": package.version,
            "build": package.build,
            "subdir": package.subdir,
        }
        for package in packages
    ]
    return json.dumps({"prefix": f"/{PREFIX}", "packages": rows}, indent=1, sort_keys=True) + "\n"
