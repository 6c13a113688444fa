"""What a person can choose, in one frozen value, and where the cache lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any

from .records import dataclass

INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
"""The variables of uv's that name places where packages are looked for."""

PYTORCH_INDEX = "ENVBUILD_PYTORCH_INDEX"
"""The variable that names a mirror of PyTorch's indexes: what `cpu`, `cu121` and so on lie below."""

ACCELERATORS = (
    "cpu",
    *("cuda132", "cuda130", "cuda129", "cuda128", "cuda126", "cuda125", "cuda124", "cuda123", "cuda122", "cuda121"),
    *("cuda120", "cuda118", "cuda117", "cuda116", "cuda115", "cuda114", "cuda113", "cuda112", "cuda111", "cuda110"),
    *("cuda102", "cuda101", "cuda100"),
)
"""What torch can be built for, as --accelerator takes it: uv's names, the newest CUDA first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerOptions:
    """The choices of the Dockerfile backend alone.

    `templates` is a folder whose templates come before the shipped ones; `wheels` is where the build takes packages
    from: `index`, or `context` for wheels that are sent along. `builder` is `auto`, `classic` or `buildkit`;
    `secrets` are BuildKit's own (`id=netrc,src=FILE`); `network` is the build's (`host`, `none`), empty for the
    engine's default; `output` is how BuildKit shows its progress (`auto`, `plain`, `tty`).
    """

    templates: Path | None = None
    wheels: str = "index"
    builder: str = "auto"
    build_args: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    network: str = ""
    output: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """How an image is pushed to the registries of its names.

    `compression` is `gzip`, `zstd` or `none`; `insecure` lets a registry speak plain http, or have a certificate that
    nobody vouches for, also where it is not on this machine. `cache_from` names images of these registries whose layers
    may be used without being seen, as those of the names themselves may. `sign_key` is the key that cosign signs with,
    a file or the address of one that a service keeps (`awskms://...`); empty for none.
    """

    compression: str = "gzip"
    insecure: bool = False
    cache_from: tuple[str, ...] = ()
    sign_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of one run; the defaults are those of the command line.

    `select` and `ignore` hold codes, names or beginnings of codes of rules (`EB301`, `EB3`); nothing selected is
    all. `strict` makes errors of warnings, `target` is `azure` where the model is judged for Azure ML's own no-code
    image. `apt` names distribution packages for the image. `requirements` are PEP 508 lines, `env` and `labels`
    pairs in the order given. `accelerator` is one of ACCELERATORS, or empty where nothing is asked. `conda`
    (`auto`, `always`, `never`) says whether conda packages come from their channels. `as_of` is a day, a time, or
    `model`. `index_url` and `extra_index_urls` are package indexes: the first that has a package gives it, the
    extra ones before the other. `find_links` are folders or pages with wheels. `allow_build` are the canonical
    names of packages that may be built from source, `all` for every one. `lock` is a lock file to take the packages
    from; `upgrade_packages` are the canonical names of those that are chosen anew while the others stay;
    `rewritten` is the conda-lock.yml that `envbuild lock` writes, which keeps what it has. `platform` is one
    (`linux/amd64` or `linux/arm64`), or empty for the engine's, else this machine's; `backend` is `auto`,
    `assemble` or `docker`; `cache` is the cache folder or None for the default.
    """

    server: str = "auto"
    fix: bool = False
    unsafe_fixes: bool = False
    inject: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    target: str = ""
    apt: tuple[str, ...] = ()
    scoring_script: Path | None = None
    code: Path | None = None
    environment: Path | None = None
    requirements: tuple[str, ...] = ()
    python: str = ""
    base: str = "auto"
    platform: str = ""
    bytecode: str = "auto"
    keep_tests: bool = False
    env: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    full_mlflow: bool = False
    accelerator: str = ""
    conda: str = "auto"
    upgrade: bool = False
    locked: bool = False
    as_of: str = ""
    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    allow_build: tuple[str, ...] = ()
    lock: Path | None = None
    upgrade_packages: tuple[str, ...] = ()
    rewritten: Path | None = None
    backend: str = "auto"
    docker: DockerOptions = field(default_factory=DockerOptions)
    cache: Path | None = None

    @property
    def conda_mode(self) -> str:
        """`conda`; a conda-lock.yml to take the packages from has Python and more, so `auto` is `always` then."""
        from .model.conda_way import is_conda_lock

        known = self.lock is not None and is_conda_lock(self.lock)
        return "always" if known and self.conda == "auto" else self.conda

    @property
    def environ(self) -> Mapping[str, str]:
        """The process's variables, with the places of packages that were chosen instead of those named there."""
        found = dict(os.environ)
        for variable, instead, value in (
            ("UV_DEFAULT_INDEX", "UV_INDEX_URL", self.index_url),
            ("UV_INDEX", "UV_EXTRA_INDEX_URL", " ".join(self.extra_index_urls)),
            ("UV_FIND_LINKS", "", ",".join(map(_link, self.find_links))),
        ):
            if value:
                found.pop(instead, None)
                found[variable] = value
        return found


def _link(place: str) -> str:
    """A folder as an address without what parts one from the next."""
    return place if "://" in place else Path(place).expanduser().absolute().as_uri().replace(",", "%2C")


def chosen(options: Options, **choices: Any) -> Options:
    """`options` with other choices, as a person writes them: one text for a list of one, a text for a path.

    Raises TypeError for a name or a kind of value that there is not.
    """
    known = {each.name: each for each in fields(Options)}
    values = {}
    for name, value in choices.items():
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            raise TypeError(f"there is no choice {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        kind = str(known[name].type)
        if kind.startswith("tuple[str"):
            value = (value,) if isinstance(value, str) else tuple(value)
        elif kind.startswith("Path") and isinstance(value, str):
            value = Path(value)
        elif kind in ("str", "bool") and type(value).__name__ != kind:
            raise TypeError(f"{name} is {type(value).__name__}, not {kind}")
        values[name] = value
    return replace(options, **values) if values else options


def cache_dir(options: Options | None = None) -> Path:
    """The cache folder: the option, else ENVBUILD_CACHE_DIR, else the platform's own place for caches."""
    if options is not None and options.cache is not None:
        return options.cache
    named = os.environ.get("ENVBUILD_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("envbuild")
