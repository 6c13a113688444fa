"""What a person can choose, in one frozen value, and where the cache lies."""

from __future__ import annotations

import os
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any

from .records import dataclass

INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
"""The variables of uv's that name places where packages are looked for."""


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

    `select` and `ignore` hold codes, names or beginnings of codes of rules (`EB301`, `EB3`); nothing selected is all.
    `strict` makes errors of warnings, `target` is `azure` where the model is judged for Azure ML's own no-code image.
    `apt` names distribution packages for the image. `requirements` are PEP 508 lines, `env` and `labels` pairs in the
    order given. `conda` (`auto`, `always`, `never`) says whether conda packages come from their channels. `platform` is
    one (`linux/amd64` or `linux/arm64`), or empty for the engine's, else this machine's; `backend` is `auto`,
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
    conda: str = "auto"
    upgrade: bool = False
    locked: bool = False
    backend: str = "auto"
    docker: DockerOptions = field(default_factory=DockerOptions)
    cache: Path | None = None


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
