"""Conda packages as rattler lays them down for the prefix of an image, in a folder that is gone afterwards.

Everything comes from files of the store, so no network is asked; no script of a package is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import IntegrityError, StorageError
from ...oci.store import Store
from ...resolver.conda.extras import extras
from ...resolver.conda.files import by_name
from ...resolver.conda.types import CondaPackage
from ...resolver.conda.waiting import finished

if TYPE_CHECKING:
    from rattler import RepoDataRecord


@contextmanager
def staged(packages: Sequence[CondaPackage], store: Store, *, prefix: str) -> Iterator[Path]:
    """A folder with all of `packages`, which are in `store`, as they lie below `/prefix` in an image.

    Raises IntegrityError for a package that cannot be laid down, StorageError where the disk refuses.
    """
    with store.temporary() as work, by_name(store, packages) as files:
        root = work / "root"
        finished(lambda: _install(packages, files, root, work / "cache", f"/{prefix}"))
        yield root


async def _install(
    packages: Sequence[CondaPackage], files: dict[str, Path], root: Path, cache: Path, prefix: str
) -> None:
    with extras("laying down conda packages"):
        import rattler
        from rattler.exceptions import ExtractError, InstallerError, IoError, LinkError, TransactionError

    records = [await _record(package, files[package.name]) for package in packages]
    platform = next((package.subdir for package in packages if package.subdir != "noarch"), "linux-64")
    try:
        await rattler.install(
            records,
            root,
            cache_dir=cache,
            platform=rattler.Subdir("linux-aarch64" if platform == "linux-aarch64" else "linux-64"),
            execute_link_scripts=False,
            show_progress=False,
            alternative_target_prefix=prefix,
        )
    except (InstallerError, LinkError, TransactionError, ExtractError, IoError) as error:
        said = str(error).replace(str(cache.parent), "").strip()
        if "os error 28" in said or "os error 122" in said:
            raise StorageError(
                f"the disk filled up while conda packages were laid down: {said}",
                hint="free some space (`envbuild cache prune` removes what was not used lately)",
            ) from None
        raise IntegrityError(
            f"the conda packages cannot be laid down: {said}",
            hint="the package that is named is damaged or contradicts itself: take another build of it",
        ) from None


async def _record(package: CondaPackage, path: Path) -> RepoDataRecord:
    """What the file itself says of the package: nothing of where it was found."""
    import rattler

    try:
        record = await rattler.RepoDataRecord.from_package_archive(path)
    except Exception as error:
        raise IntegrityError(
            f"{package.filename} is no whole conda package: {str(error).replace(str(path), package.filename)}",
            hint="it has the hash that its channel names: tell whoever keeps the channel",
        ) from None
    if record.name.normalized != package.name or str(record.version) != package.version:
        raise IntegrityError(
            f"{package.filename} says that it is {record.name.normalized} {record.version}, "
            f"and its channel calls it {package.name} {package.version}",
            hint="tell whoever keeps the channel",
        )
    # rattler follows the link to the blob, whose name does not tell which kind of archive it is.
    record.url, record.file_name = path.as_uri(), package.filename
    return record
