"""The assembled base for this machine that has the very Python of one for another architecture.

A .pyc has nothing of the processor in it: the same build of Python writes the same bytes everywhere, from 3.11 on.
(Before, a set among a function's constants was written in an order that could depend on addresses.)
"""

from __future__ import annotations

from ..oci.store import Store
from ..progress import SILENT, Progress
from .debian import open_debian, suite_of
from .rootfs import host_architecture
from .suites import ARCHITECTURES
from .types import Base

_OLDEST = (3, 11)


def twin_of(base: Base, store: Store, *, progress: Progress = SILENT) -> tuple[Base | None, str]:
    """The base whose Python runs here and writes the bytecode that `base`'s own would write; None, and why not.

    It is made like any other base where the store lacks it. Raises what that raises: NetworkError, IntegrityError,
    BaseImageError, StorageError.
    """
    suite = suite_of(base.name)
    if suite is None or not base.assembled:
        return None, f"{base.name} is an image, of which this machine has no other"
    own = next((debian for debian, (oci, *_) in ARCHITECTURES.items() if oci == host_architecture()), "")
    if not own:
        return None, f"{base.name} is not made for this machine"
    if tuple(map(int, suite.python.split("."))) < _OLDEST:
        return None, f"Python {suite.python} may write other bytecode on other machines"
    twin = open_debian(suite, store, architecture=own, refresh=False, progress=progress)
    theirs, ours = build_of(base), build_of(twin)
    if not theirs or theirs != ours:
        return None, f"{suite.name} has Python {theirs} for {base.architecture} and {ours} for {own}"
    return twin, ""


def build_of(base: Base) -> str:
    """The version of the package that has the interpreter of an assembled base, `3.11.2-6+deb12u9`, else empty."""
    name = f"python{base.interpreter.minor}-minimal"
    return next((package.version for package in base.packages if package.name == name), "")
