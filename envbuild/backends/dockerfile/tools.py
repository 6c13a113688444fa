"""What runs inside the build: our scripts, pip to fetch and installer to unpack. The final image has none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bases.types import Base
from ...errors import IntegrityError, ResolveError, UsageError
from ...facts import load_json
from ...oci.store import Store
from ...progress import SILENT, Progress
from ...resolver.types import Lock, LockedPackage

_SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A wheel that the build uses, by hash; the package index of the person has it."""

    name: str
    version: str
    filename: str
    sha256: str


def script(name: str) -> str:
    """The text of a script of the folder `scripts`."""
    return (_SCRIPTS / name).read_text(encoding="utf-8")


def tools_for(python: str, *, fetching: bool) -> tuple[Tool, ...]:
    """installer, and pip where an index is asked, for the minor version `python` (`3.11`)."""
    minor = int(python.partition(".")[2])
    found = []
    for name in ("installer", *(["pip"] if fetching else [])):
        fitting = [row for row in load_json("build_tools.json")[name] if minor >= row["python"]]
        if not fitting:
            raise ResolveError(
                f"no {name} is known for Python {python}", hint="build with --backend assemble, which needs none"
            )
        best = max(fitting, key=lambda row: int(row["python"]))
        filename = f"{name}-{best['version']}-py3-none-any.whl"
        found.append(Tool(name=name, version=best["version"], filename=filename, sha256=best["sha256"]))
    return tuple(found)


def conda_tools(base: Base) -> tuple[Tool, ...]:
    """rattler, for the base's own Python, which lays down conda packages. UsageError where there is none for it."""
    python = base.own or base.interpreter
    minor = int(python.minor.partition(".")[2])
    for row in load_json("build_tools.json")["py-rattler"]:
        if minor >= row["python"] and row["architecture"] == base.architecture:
            return (Tool(name="py-rattler", version=row["version"], filename=row["file"], sha256=row["sha256"]),)
    raise UsageError(
        f"inside a build conda packages are laid down by rattler, which the base's own Python {python.version} on "
        f"{base.architecture} cannot run",
        hint="choose a base with Python 3.10 or later; or build with --backend assemble, which needs none",
    )


def bring_tools(
    tools: Sequence[Tool],
    *,
    store: Store,
    cache: Path,
    python: str,
    glibc: str,
    architecture: str = "amd64",
    environ: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> None:
    """Bring `tools` into `store` from the index that `environ` names, as packages of a model are.

    `python` (a full version) and `architecture` are those that run them, `cache` is the cache folder, `environ` by
    default the process's. Raises ResolveError, NetworkError, StorageError, and IntegrityError where the index has
    another file under the name.
    """
    from ...resolver import fetch
    from ...resolver.pylock import select
    from ...resolver.target import platform_of
    from ...resolver.uv import compile_lock

    platform = platform_of(python, glibc, architecture)
    answer = compile_lock([f"{t.name}=={t.version}" for t in tools], (), platform, cache=cache / "uv", environ=environ)
    if not answer.solved:
        names = " and ".join(f"{tool.name} {tool.version}" for tool in tools)
        raise ResolveError(
            f"the package index does not give {names}, which the Dockerfile's build needs: {answer.explanation}",
            hint="have the index carry them; or build with --backend assemble, which needs neither",
        )
    found = {package.name: package for package in select(answer.lock, platform)}
    chosen: list[LockedPackage] = []
    for tool in tools:
        package = found.get(tool.name)
        if package is None or package.sha256 != tool.sha256:
            raise IntegrityError(
                f"the package index has another file for {tool.name} {tool.version} than was published",
                hint="it cannot be trusted: ask who runs the index, or build with --backend assemble",
            )
        chosen.append(package)
    lock = Lock(packages=tuple(chosen), python=python, platform=platform.tag, requirements=())
    fetch(lock, store, progress, environ=environ)
