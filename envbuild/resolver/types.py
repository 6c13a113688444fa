"""The outcome of a resolution: one wheel a package, named by hash."""

from __future__ import annotations

from dataclasses import field

from ..oci.canonical import digest_of
from ..patterns import pattern
from ..records import dataclass
from .conda.types import CondaPackage

_RELEASE = pattern(r"v?(\d+(?:\.\d+)+(?:(?:a|b|rc|\.post)\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a wheel was built from on this machine: a source distribution, or a commit of a git repository.

    Of a source distribution `filename` and `sha256` (hex) are set, of a commit `commit`, `subdirectory` (may be empty)
    and `ref`, the branch or tag that was asked for (may be empty). `url` has no credentials.
    """

    url: str = ""
    filename: str = ""
    sha256: str = ""
    commit: str = ""
    subdirectory: str = ""
    ref: str = ""

    @property
    def title(self) -> str:
        """`alpha-1.0.tar.gz`, or `https://example.org/alpha.git at 1a2b3c4d5e6f`; no path of this machine."""
        place = "a git repository of this machine" if self.url.startswith("file:") else self.url
        return self.filename or f"{place or 'a git repository'} at {self.commit[:12]}"

    @property
    def identity(self) -> list[str]:
        """What determines its content, to be part of a key."""
        url = "" if self.url.startswith("file:") else self.url
        return [self.sha256] if self.sha256 else [url, self.commit, self.subdirectory, self.tagged]

    @property
    def tagged(self) -> str:
        """The version that a tag of the usual form names, `1.2` of `v1.2`; empty for any other `ref`."""
        found = _RELEASE.fullmatch(self.ref)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One package. `name` is canonical, `sha256` hex of the wheel, `size` its bytes (0 before it is fetched).

    `url` is where it was found, without credentials; it takes no part in the digest. `source` is what the wheel was
    built from, None for one that was published as a wheel: then it has no `url`, and lies in the cache alone.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    url: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """A requirement that was laid down as another: `mlflow==2.9.2` as `mlflow-skinny==2.9.2`, and why."""

    old: str
    new: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All packages of an image, sorted by name, for one Python and one platform tag.

    `conda` are those of conda channels, with the Python itself among them; empty where Python is the base's.
    `created` is an ISO 8601 time in UTC; `from_cache` tells that nothing was resolved in this run. `server`
    names the profile that it was resolved for. `entry` is where the cache keeps it, so that sizes which are
    learned later can be remembered there; it is no part of the value.
    """

    packages: tuple[LockedPackage, ...]
    python: str
    platform: str
    requirements: tuple[str, ...]
    substitutions: tuple[Substitution, ...] = ()
    notes: tuple[str, ...] = ()
    created: str = ""
    from_cache: bool = False
    server: str = ""
    conda: tuple[CondaPackage, ...] = ()
    entry: str = field(default="", compare=False, repr=False)

    @property
    def digest(self) -> str:
        """Over name, version, file and hash of each package, Python and platform; no address."""
        rows = [[p.name, p.version, p.filename, p.sha256] for p in self.packages]
        whole: dict[str, object] = {"python": self.python, "platform": self.platform, "packages": rows}
        if self.conda:
            whole["conda"] = [[p.name, p.version, p.build, p.subdir, p.filename, p.sha256] for p in self.conda]
        return digest_of(whole)

    @property
    def mlflow(self) -> str:
        """The version of mlflow, whole or skinny; empty where neither is among the packages."""
        every = [*((p.name, p.version) for p in self.packages), *self.from_conda]
        found = {name: version for name, version in every if name in ("mlflow", "mlflow-skinny")}
        return found.get("mlflow") or found.get("mlflow-skinny") or ""

    @property
    def from_conda(self) -> tuple[tuple[str, str], ...]:
        """The Python packages that conda packages bring: canonical name and version."""
        return tuple(pair for package in self.conda for pair in package.python)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelContents:
    """What is inside a locked wheel, by its RECORD, its METADATA and the heads of its ELF files.

    `size` is the wheel's own, in bytes.
    `modules` are all modules that it provides, dotted, compiled ones too; a folder without `__init__` is none.
    `requires` are the Requires-Dist lines as written. `needed` are the shared libraries (`libgomp.so.1`) that its ELF
    files ask for and the wheel itself does not carry, `provided` those that it carries. `askers` are the pairs of a
    needed library, glibc's own aside, and a file of the wheel that cannot be loaded without it, sorted: a compiled
    module, or a library that none of the wheel's others asks for (a plugin, or what is opened by ctypes).
    """

    name: str
    version: str
    modules: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()
    provided: frozenset[str] = frozenset()
    askers: tuple[tuple[str, str], ...] = ()
    size: int = 0
