"""Everything the planner looks at. Whoever fills it has done all reading, hashing and choosing of files."""

from __future__ import annotations

from collections.abc import Mapping

from ..bases.types import Base
from ..model.types import Model
from ..records import dataclass
from ..resolver.types import Lock
from ..servers.types import Server
from .types import Bytecode, Decision, FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A scoring script of the user: its path relative to the code folder, and all files, placed and hashed."""

    entry: str
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a plan is made of.

    `hashes` gives the sha256 (hex) of every model file by its path; `runtime` are the server's own files, placed
    and hashed; `roots` the modules that start-up imports; `decisions` what was chosen before the planner;
    `revisions` the digests of the rules for `wheels` and `bytecode` layers. `version` is envbuild's own, empty where
    nobody knows it.
    """

    model: Model
    hashes: Mapping[str, str]
    server: Server
    base: Base
    lock: Lock
    runtime: tuple[FileEntry, ...]
    script: Script | None
    bytecode: Bytecode
    roots: tuple[str, ...]
    keep_tests: bool
    environment: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    revisions: Mapping[str, str]
    version: str = ""
