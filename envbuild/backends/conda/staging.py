"""Conda packages as rattler lays them down for a prefix: that of an image, or a folder of this machine.

Everything comes from files of the store, so no network is asked; no script of a package is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import IntegrityError, StorageError
from ...oci.store import Store
from ...resolver.conda.extras import extras
from ...resolver.conda.files import by_name
from ...resolver.conda.types import CondaPackage
from ...resolver.conda.waiting import finished
from .laying import Damaged, NoSpace, Package, Refused, lay_down

# rattler's own words.
_TOO_LONG = "longer than the placeholder prefix"


@contextmanager
def staged(packages: Sequence[CondaPackage], store: Store, *, prefix: str) -> Iterator[Path]:
    """A folder with all of `packages` as they lie below `/prefix` in an image; it goes afterwards. Raises as `lay`."""
    with store.temporary() as work:
        root = work / "root"
        lay(packages, store, root, prefix=f"/{prefix}")
        yield root


def lay(packages: Sequence[CondaPackage], store: Store, root: Path, *, prefix: str) -> None:
    """Lay `packages`, which are in `store`, down in the new or empty folder `root`, as they lie at `prefix`.

    Raises CorruptBlobError for a file that is missing or damaged, IntegrityError for a package that cannot be laid
    down, StorageError where the disk refuses or `prefix` is too long.
    """
    with store.temporary() as work, by_name(store, packages) as files:
        here = [as_file(package, files[package.name]) for package in packages]
        try:
            with extras("laying down conda packages"):
                finished(lambda: lay_down(here, root, work / "cache", prefix))
        except NoSpace as error:
            raise StorageError(
                f"the disk filled up while conda packages were laid down: {error}",
                hint="free some space (`envbuild cache prune` removes what was not used lately)",
            ) from None
        except Damaged as error:
            raise IntegrityError(
                str(error), hint="it has the hash that its channel names: tell whoever keeps the channel"
            ) from None
        except Refused as error:
            if _TOO_LONG in str(error):
                # A compiled file has room for a path as long as that which its package was built for.
                raise StorageError(
                    f"the path {prefix} is longer than a conda package leaves room for: {str(error).splitlines()[0]}",
                    hint="choose a cache with a shorter path: ENVBUILD_CACHE_DIR names it",
                ) from None
            raise IntegrityError(
                f"the conda packages cannot be laid down: {error}",
                hint="the package that is named is damaged or contradicts itself: take another build of it",
            ) from None


def as_file(package: CondaPackage, path: Path = Path()) -> Package:
    """`package` as the file at `path`."""
    return Package(
        path=path,
        name=package.name,
        version=package.version,
        build=package.build,
        subdir=package.subdir,
        filename=package.filename,
    )
