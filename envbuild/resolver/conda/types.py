"""What is asked of conda channels, and what they gave."""

from __future__ import annotations

from pathlib import Path

from ...records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaSpec:
    """One package that is asked of the channels: a match spec (`conda-forge::numpy>=1.20,<2`), and where it was said.

    `name` is in lower case. `line` is the same place without a path of this machine, for what is kept or shown.
    """

    name: str
    text: str
    where: str
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaAsk:
    """Everything that determines which conda packages are chosen.

    `channels` are in their order, names (`conda-forge`) or addresses without credentials; `subdir` is the platform
    (`linux-64`), `glibc` the base's (`2.36`). `accelerator` is the person's (`cpu`, `cuda126`) or empty, `as_of` the
    moment after which nothing was published (`2023-12-21T00:00:00Z`) or empty. `lock` is a conda-lock.yml that has
    chosen already, `lock_sha256` the hash (hex) of its bytes, `named` that a person named it and no model has it.
    `unlisted` tells that the model lists no channel.
    """

    specs: tuple[CondaSpec, ...]
    channels: tuple[str, ...]
    subdir: str
    glibc: str
    accelerator: str = ""
    as_of: str = ""
    lock: Path | None = None
    lock_sha256: str = ""
    named: bool = False
    unlisted: bool = False

    @property
    def cuda(self) -> str:
        """The version of the CUDA that the image is to run on, `12.6` of `cuda126`; empty for none."""
        digits = self.accelerator.removeprefix("cuda") if self.accelerator.startswith("cuda") else ""
        return f"{digits[:-1]}.{digits[-1]}" if digits else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """One file of a channel. `sha256` and `md5` are hex, `md5` empty where the channel names none; `size` is in bytes.

    `url` is where it was found, without credentials; it takes no part in the digest of a lock. `depends` are its own
    match specs. `python` are the Python packages in it, each by canonical name and version, as pip would know them.
    `mixed` tells that another package of the same lock has a file at a path of this one's.
    """

    name: str
    version: str
    build: str
    subdir: str
    filename: str
    sha256: str
    size: int
    url: str = ""
    md5: str = ""
    depends: tuple[str, ...] = ()
    python: tuple[tuple[str, str], ...] = ()
    mixed: bool = False
