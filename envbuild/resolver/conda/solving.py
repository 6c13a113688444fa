"""rattler's solver: match specs and channels in, the files of packages out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import EnvbuildError, NetworkError, ResolveError
from ...progress import SILENT, Progress
from .addresses import CREDENTIALS, public, without_secrets
from .aging import aged, moment_of
from .channels import ask_channels, channels_at, look_again, shown
from .extras import extras
from .held import records_of
from .specs import gave_way, loosened, match_specs
from .types import CondaAsk, CondaPackage
from .virtual import CUDA, virtual_packages, way_to_cuda

if TYPE_CHECKING:
    from rattler import RepoDataRecord


def solve(
    ask: CondaAsk, cache: Path, progress: Progress = SILENT, *, held: Sequence[CondaPackage] = ()
) -> tuple[tuple[CondaPackage, ...], tuple[str, ...]]:
    """The packages that `ask` needs, sorted by name, and notes for the person.

    `cache` holds the channels' lists, each of which is asked for again.
    Those that are `held` stay where that goes and their channel still has them.
    A version or a build of Python that no channel has gives way to its minor version. Raises ResolveError,
    NetworkError or StorageError.
    """
    look_again(cache)
    try:
        records = _records(ask, cache, progress, held)
    except ResolveError as error:
        if not error.explanation:
            raise
        records = _loosely(ask, cache, progress, held, error)
    packages = sorted(map(_package, records), key=lambda package: package.name)
    return tuple(packages), gave_way(ask, packages)


def _loosely(
    ask: CondaAsk, cache: Path, progress: Progress, held: Sequence[CondaPackage], error: ResolveError
) -> list[RepoDataRecord]:
    """What is found with another Python than the one that is asked for; `error` itself where nothing is."""
    for loose in loosened(ask):
        with suppress(ResolveError):
            return _records(loose, cache, progress, held)
    raise error


def _records(ask: CondaAsk, cache: Path, progress: Progress, held: Sequence[CondaPackage]) -> list[RepoDataRecord]:
    with extras("choosing conda packages"):
        import rattler
        from rattler.exceptions import (
            FetchRepoDataError,
            GatewayError,
            InvalidChannelError,
            InvalidUrlError,
            IoError,
            SolverError,
        )

    specs = match_specs(ask.specs)
    try:
        sources = channels_at(ask.channels)
        locked = records_of(held, ask, sources, cache, progress)
        try:
            records: list[RepoDataRecord] = ask_channels(
                sources,
                cache,
                lambda gateway: rattler.solve(
                    sources,
                    specs,
                    gateway=gateway,
                    platforms=["linux-64" if ask.subdir == "linux-64" else "linux-aarch64", "noarch"],
                    virtual_packages=virtual_packages(ask),
                    locked_packages=locked,
                    # A channel does not add others to those that were named.
                    channel_relations="disabled",
                    exclude_newer=moment_of(ask.as_of),
                ),
                # Whoever waits no longer says so there.
                tick=lambda: progress.advance("resolve", 0),
            )
        except SolverError as error:
            said = str(error)
            raise unsolved(said, ask, aged(said, ask, sources, cache, progress)) from None
        return records
    except (InvalidChannelError, InvalidUrlError) as error:
        raise ResolveError(f"a channel cannot be used: {without_secrets(str(error))}") from None
    except (GatewayError, FetchRepoDataError, IoError) as error:
        raise unreachable(str(error), ask.channels) from None


def unsolved(said: str, ask: CondaAsk, instead: str = "") -> ResolveError:
    """The error for a solver that found nothing; `said` is its own explanation, `instead` a better hint, if any."""
    text = re.sub(r"^Cannot solve the request because of: ", "", without_secrets(said).strip())
    named = [spec for spec in ask.specs if re.search(rf"(?<![\w.-]){re.escape(spec.name)}(?![\w.-])", text)]
    rows = "".join(f"\n  {spec.where}: {spec.text}" for spec in named)
    hint = "loosen one of the pins named above, or add the channel that has the package"
    if instead:
        hint = instead
    elif CUDA in text:
        hint = way_to_cuda(ask)
    elif re.search(r"__glibc", text):
        hint = "the package needs a newer C library than the base has: choose a newer base with --base"
    elif re.fullmatch(r"No candidates were found for [^\n]+", text):
        hint = "check its spelling and version, and whether the channels listed have it for this platform"
    return ResolveError(
        "no set of conda packages satisfies the requirements:\n"
        + "\n".join(f"  {line}".rstrip() for line in text.splitlines())
        + (f"\nasked for by{rows}" if rows else ""),
        hint=hint,
        explanation=text,
        blamed=tuple(spec.name for spec in named),
    )


def unreachable(said: str, channels: Sequence[str]) -> EnvbuildError:
    """The error for a channel whose list of packages could not be had."""
    text = without_secrets(said).strip()
    lines = "\n".join(f"  {line}".rstrip() for line in text.splitlines())
    named = ", ".join(shown(channel) for channel in channels)
    if re.search(r"\b(401|403|407)\b", text):
        return NetworkError(
            f"a channel wants credentials, or does not take those that it got ({named}):\n{lines}",
            hint=f"put them into ~/.netrc, or the address with user and password into {CREDENTIALS}",
        )
    if re.search(r"could not find subdir|\b404\b", text):
        return NetworkError(
            f"there is no channel at one of the addresses ({named}):\n{lines}",
            hint="check the channels in conda.yaml: a channel is a folder with noarch/repodata.json",
        )
    if "Permission denied" in text:
        return NetworkError(
            f"a channel's list of packages may not be read ({named}):\n{lines}",
            hint="give the user who runs envbuild the rights to read the channel's files",
        )
    if re.search(
        r"pars|deserializ|decod|EOF|invalid|expected|missing field|corrupt", text, re.IGNORECASE
    ) and not re.search(r"[Cc]onnect|sending request|timed out", text):
        return NetworkError(
            f"a channel's list of packages is damaged ({named}):\n{lines}",
            hint="try again later, or tell whoever keeps the channel",
        )
    return NetworkError(
        f"a channel could not be reached ({named}):\n{lines}",
        hint="check the connection and HTTPS_PROXY; a cached lock needs no network",
    )


def _package(record: RepoDataRecord) -> CondaPackage:
    name = record.name.normalized
    if not record.sha256:
        raise ResolveError(
            f"the channel {shown(public(record.channel or ''))} names no sha256 hash for {record.file_name}",
            hint="ask who keeps the channel to index it anew: an md5 hash alone says nothing of who made a file",
        )
    return CondaPackage(
        name=name,
        version=str(record.version),
        build=str(record.build),
        subdir=record.subdir,
        filename=record.file_name,
        sha256=record.sha256.hex(),
        md5=record.md5.hex() if record.md5 else "",
        size=record.size or 0,
        url=public(record.url),
        depends=tuple(record.depends),
    )
