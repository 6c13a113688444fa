"""What a conda-lock.yml was made for: recorded in the `custom_metadata` that its format has for the one who writes it.

It holds texts by name, so a list is a text of lines. As in a pylock.toml there is no time in it, and no credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...errors import LockFileError
from ...oci.canonical import digest_of
from ...patterns import pattern
from ...records import dataclass
from ..asking import Wish
from ..indexes import without_credentials
from ..origin import CHANNELS, OWN, Origin, origin_of
from ..target import Platform, platform_named
from ..types import Lock
from .locking import key_of
from .lockrows import HINT, rows_of
from .part import CondaPart
from .types import CondaAsk

_PREFIX = "envbuild."
_PYTHON = pattern(r"3\.\d+\.\d+", re.ASCII)
_PROVIDED = pattern(r"(?P<name>[\w.-]+)==(?P<version>\S+)")
MISSING = "it does not say what it was made for: envbuild's rows of custom_metadata are missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFor:
    """What a conda-lock.yml says that it was made for.

    `origin` is what determined the choice, `provided` the Python packages in conda's, by name and version. `edited`
    tells that its packages are not those that were written.
    """

    platform: Platform
    origin: Origin
    provided: tuple[tuple[str, str], ...] = ()
    edited: bool = False


def conda_origin(wish: Wish, ask: CondaAsk) -> Origin:
    """What is asked for now, of channels and of indexes, before anything is solved. Raises as `origin_of`.

    The lock of `ask` is the model's own that has chosen, never the file that is written or compared.
    """
    pip = origin_of(wish)
    own = {OWN: f"sha256:{ask.lock_sha256}"[:19]} if ask.lock is not None else {}
    return replace(
        pip,
        digest=digest_of([pip.digest, key_of(ask)]),
        conda=tuple(sorted({spec.text for spec in ask.specs})),
        settings={**pip.settings, **own, CHANNELS: ", ".join(ask.channels)},
        places={**{spec.text: spec.line or spec.where for spec in ask.specs}, **pip.places},
    )


def metadata_of(lock: Lock, origin: Origin) -> dict[str, str]:
    """What is recorded in the file of `lock`, which `origin` determined."""
    found = {
        "python": lock.python,
        "platform": lock.platform,
        "server": origin.server,
        "base": origin.base,
        "base-digest": origin.base_digest,
        "inputs": origin.digest,
        "packages": _digest(_as_written(lock)),
        "provided": _lines(f"{name}=={version}" for name, version in CondaPart(packages=lock.conda).provided),
        "conda": _lines(origin.conda),
        "requirements": _lines(origin.requirements),
        "constraints": _lines(origin.constraints),
        "settings": _lines(f"{name}={value}" for name, value in sorted(origin.settings.items())),
    }
    return {_PREFIX + name: text for name, text in found.items() if text}


def made_for(path: Path) -> MadeFor | None:
    """What the conda-lock.yml at `path` was made for; None where it does not say.

    Raises LockFileError as `rows_of`, and for what is recorded and cannot be.
    """
    rows, whole = rows_of(path)
    about = whole.get("metadata")
    custom = about.get("custom_metadata") if isinstance(about, Mapping) else None
    if not isinstance(custom, Mapping):
        return None
    found = {str(k).removeprefix(_PREFIX): str(v) for k, v in custom.items() if str(k).startswith(_PREFIX)}
    if "inputs" not in found:
        return None
    tag, python = found.get("platform", ""), found.get("python", "")
    platform = platform_named(tag, python)
    settings = dict(line.partition("=")[::2] for line in _list(found, "settings"))
    provided = [_PROVIDED.fullmatch(line) for line in _list(found, "provided")]
    if platform is None or not _PYTHON.fullmatch(python) or "server" not in found or not all(provided):
        raise LockFileError(
            f"{path}: what custom_metadata says of envbuild is for {tag!r} and Python {python!r}, or is damaged",
            hint=HINT,
        )
    packages = _digest(
        [row.manager, row.name, row.version, row.sha256, row.platform, "main" if row.main else ""] for row in rows
    )
    return MadeFor(
        platform=platform,
        origin=Origin(
            digest=found["inputs"],
            server=found["server"],
            requirements=_list(found, "requirements"),
            constraints=_list(found, "constraints"),
            settings=settings,
            base=found.get("base", ""),
            base_digest=found.get("base-digest", ""),
            conda=_list(found, "conda"),
        ),
        provided=tuple((match["name"], match["version"]) for match in provided if match),
        edited=packages != found.get("packages", ""),
    )


def _as_written(lock: Lock) -> Iterator[list[str]]:
    """The rows of `lock`, as they are in its file: all of its platform, and all installed."""
    from .lockfile import subdir_of

    for manager, packages in (("conda", lock.conda), ("pip", lock.packages)):
        for package in packages:
            yield [manager, package.name, package.version, package.sha256, subdir_of(lock), "main"]


def _digest(rows: Iterable[list[str]]) -> str:
    return digest_of(sorted(rows))


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(without_credentials(text) for text in texts)


def _list(found: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(filter(None, found.get(key, "").split("\n")))
