"""How the values of the options are read: one `Options` of what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..patterns import pattern

if TYPE_CHECKING:
    from ..linter.render import Format
    from ..options import DockerOptions, Options

_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_PACKAGE = pattern(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_DEBIAN_NAME = pattern(r"[a-z0-9][a-z0-9+.-]+\Z")
# The flags that are the Dockerfile backend's alone, and what each is there.
_DOCKER = {
    "builder": "builder",
    "build_arg": "build_args",
    "secret": "secrets",
    "build_network": "network",
    "build_progress": "output",
    "templates": "templates",
    "wheels": "wheels",
}


def make_options(
    *,
    fix: bool = False,
    unsafe_fixes: bool = False,
    inject: bool = False,
    locked: bool = False,
    upgrade: bool = False,
    lock: Path | None = None,
    upgrade_package: Iterable[str] = (),
    scoring_script: Path | None = None,
    code: Path | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    requirement: Iterable[str] = (),
    index_url: str | None = None,
    extra_index_url: Iterable[str] = (),
    find_links: Iterable[str] = (),
    allow_build: Iterable[str] = (),
    apt: Iterable[str] = (),
    python: str | None = None,
    platform: str = "",
    target: str | None = None,
    accelerator: str | None = None,
    env: Iterable[str] = (),
    label: Iterable[str] = (),
    **rest: Any,
) -> Options:
    """The options as one value. Raises UsageError for a value or a combination that makes no sense."""
    from ..options import Options
    from ..platforms import canonical

    # Not --unsafe-fixes alone, which asks for fixes without --fix: --no-fix was typed.
    if unsafe_fixes and not fix and typed("fix"):
        if typed("unsafe_fixes"):
            raise UsageError("--no-fix and --unsafe-fixes exclude each other", hint="leave one of them out")
        unsafe_fixes = False
    if rest.get("base") is not None and not rest["base"].strip():
        raise UsageError(
            "--base: the name of an image is missing",
            hint="`envbuild bases` lists what it takes; without --base one is chosen",
        )
    if (fix or unsafe_fixes) and inject:
        raise UsageError(
            f"{'--fix' if fix else '--unsafe-fixes'} and --inject exclude each other",
            hint="--fix writes missing packages into the model's files, --inject adds them to this build",
        )
    if code is not None and scoring_script is None:
        raise UsageError("--code needs --scoring-script", hint="name the script that imports from that folder")
    renewed = package_names(upgrade_package)
    check_lock_options(locked=locked, upgrade=upgrade, lock=lock, renewed=renewed)
    if python is not None and not re.fullmatch(r"3\.\d{1,2}", python):
        raise UsageError(
            f"--python {python}: a minor version is wanted",
            hint="for example --python 3.11; the base has the patch",
        )
    return Options(
        # Whoever asks for the unsafe ones wants fixes.
        fix=fix or unsafe_fixes,
        unsafe_fixes=unsafe_fixes,
        inject=inject,
        locked=locked,
        upgrade=upgrade,
        lock=lock,
        upgrade_packages=renewed,
        scoring_script=scoring_script,
        code=code,
        select=codes(select),
        ignore=codes(ignore),
        requirements=tuple(requirement),
        index_url=index_address("--index-url", index_url) if index_url is not None else "",
        extra_index_urls=tuple(index_address("--extra-index-url", address) for address in extra_index_url),
        find_links=tuple(map(links_place, find_links)),
        allow_build=buildable(allow_build),
        apt=debian_names(apt),
        python=python or "",
        platform=canonical(platform) if platform else "",
        target=target or "",
        accelerator=accelerator or "",
        env=pairs("--env", env),
        labels=pairs("--label", label),
        docker=docker_options({name: rest.pop(name, None) for name in _DOCKER}, rest.get("backend", "docker")),
        **rest,
    )


def typed(name: str) -> bool:
    """Whether a parameter was given on the command line, and neither by a configuration file nor by default."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def format_of(as_json: bool, output_format: Format) -> Format:
    """The format of the findings, of --json and --output-format. Raises UsageError where both were typed.

    What was typed comes before what a file says. A file that says both means JSON.
    """
    if as_json and typed("output_format"):
        if typed("as_json"):
            raise UsageError("--json and --output-format exclude each other", hint="leave one of them out")
        return output_format
    return "json" if as_json else output_format


def docker_options(flags: dict[str, Any], backend: str) -> DockerOptions:
    """The Dockerfile backend's own choices. UsageError where it is not the backend, or for a wrong value."""
    from ..options import DockerOptions

    given = {name: value for name, value in flags.items() if value}
    if given and backend != "docker":
        option = "--" + next(iter(given)).replace("_", "-")
        raise UsageError(f"{option} is the Dockerfile backend's", hint=f"add --backend docker, or leave {option} out")
    if "build_arg" in given:
        given["build_arg"] = pairs("--build-arg", given["build_arg"])
    if "secret" in given:
        from ..backends.dockerfile.secrets import check_secrets

        given["secret"] = tuple(given["secret"])
        check_secrets(given["secret"])
        if given.get("builder") == "classic":
            raise UsageError("--secret needs BuildKit, and --builder classic has none", hint="leave --builder out")
    return DockerOptions(**{_DOCKER[name]: value for name, value in given.items()})


def index_address(option: str, text: str) -> str:
    """The address of an index, before it a name for its credentials or none. UsageError for what is none."""
    from ..resolver.named import check_index

    check_index(option, text, named=option != "--index-url")
    return text


def links_place(text: str) -> str:
    """A folder that is there, or the address of a page with wheels. UsageError for what is neither."""
    from ..resolver.named import check_links

    check_links("--find-links", text)
    return text


def codes(values: Iterable[str]) -> tuple[str, ...]:
    """What names rules (`EB301`, `EB3`, `server-missing`), split at commas."""
    return tuple(code.strip() for value in values for code in value.split(",") if code.strip())


def check_lock_options(*, locked: bool, upgrade: bool, lock: Path | None, renewed: tuple[str, ...]) -> None:
    """Refuse to take a lock as it is and to make another one at once. Raises UsageError."""
    if locked and upgrade:
        raise UsageError(
            "--locked and --upgrade exclude each other",
            hint="--locked takes the lock as it is, --upgrade resolves anew",
        )
    if lock is not None and upgrade:
        raise UsageError(
            "--lock and --upgrade exclude each other",
            hint="--lock takes the packages of a file as they are, --upgrade resolves anew",
        )
    if renewed and (locked or upgrade):
        raise UsageError(
            f"--upgrade-package and {'--locked' if locked else '--upgrade'} exclude each other",
            hint="--upgrade-package chooses some packages anew and keeps the others",
        )


def package_names(values: Iterable[str]) -> tuple[str, ...]:
    """Names of packages, canonical, each once, sorted. UsageError for what is none."""
    found = set()
    for name in values:
        if not _PACKAGE.match(name):
            raise UsageError(
                f"--upgrade-package {name}: not the name of a package",
                hint="write the name alone; a version belongs into the requirements",
            )
        found.add(re.sub(r"[-_.]+", "-", name).lower())
    return tuple(sorted(found))


def buildable(values: Iterable[str]) -> tuple[str, ...]:
    """The packages that may be built from source, canonical, sorted, and `all`. UsageError for what names none."""
    given = tuple(values)
    if not given:
        return ()
    from ..resolver.source.links import allowed_names

    return allowed_names(given)


def debian_names(values: Iterable[str]) -> tuple[str, ...]:
    """Names of Debian packages, each once, sorted. UsageError for what is none."""
    found = {name for value in values for name in value.replace(",", " ").split()}
    for name in sorted(found):
        if not _DEBIAN_NAME.match(name):
            raise UsageError(
                f"--apt {name}: not a package name",
                hint="write the name alone, like libgl1: lower case, without version, release or architecture",
            )
    return tuple(sorted(found))


def pairs(option: str, values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`K=V` texts as pairs in the order given; of a key that comes twice the last value holds."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, content = value.partition("=")
        if not equals:
            raise UsageError(
                f"{option} {value}: a value is missing",
                hint=f"write {option} {value}=VALUE; nothing is taken over from your own environment",
            )
        if not (_NAME.match(key) if option == "--env" else key.strip() == key != "" and key.isprintable()):
            raise UsageError(f"{option} {value.split('=')[0]!r}: not a name", hint=f"write {option} NAME=VALUE")
        if "\0" in content:
            raise UsageError(f"{option} {key}: the value holds a null character", hint="leave it out")
        found.pop(key, None)
        found[key] = content
    return tuple(found.items())
