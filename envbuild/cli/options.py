"""The options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError
from ..patterns import pattern

if TYPE_CHECKING:
    from ..options import DockerOptions, Options

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_DEBIAN_NAME = pattern(r"[a-z0-9][a-z0-9+.-]+\Z")

model_argument = click.argument("model", type=click.Path())
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors on stderr.")


def _rule_codes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    from .completion import rule_codes

    return list(rule_codes(ctx, parameter, incomplete))


# Every default stands in its option, and nowhere else: a configuration file takes its place through click's
# `default_map`, by the option's long name.
_LINT: tuple[Decorator[Any], ...] = (
    click.option(
        "--server",
        type=click.Choice(["auto", "azureml", "envbuild", "mlflow"]),
        default="auto",
        show_default=True,
        help="What serves the model.",
    ),
    click.option("--fix", is_flag=True, help="Apply the safe fixes to the model's files first."),
    click.option("--unsafe-fixes", is_flag=True, help="Apply also the fixes that may change what the model answers."),
    click.option(
        "--select",
        metavar="CODE",
        multiple=True,
        shell_complete=_rule_codes,
        help="Look for these rules alone: codes (EB301), their beginnings (EB3) or names. May be repeated.",
    ),
    click.option(
        "--ignore",
        metavar="CODE",
        multiple=True,
        shell_complete=_rule_codes,
        help="Leave these rules out. May be repeated.",
    ),
    click.option("--strict", is_flag=True, help="Take warnings for errors."),
    click.option("--scoring-script", type=_FILE, help="Your own script with init() and run()."),
    click.option("--environment", type=_FILE, help="conda.yaml or requirements file to use for the model's own."),
    click.option("--requirement", metavar="SPEC", multiple=True, help="One more package. May be repeated."),
    click.option(
        "--apt", metavar="NAME", multiple=True, help="Debian package to add to an assembled base. May be repeated."
    ),
    click.option("--python", metavar="X.Y", default="", help="Python to build for, whatever the model asks for."),
)
_BUILD: tuple[Decorator[Any], ...] = (
    click.option("--inject", is_flag=True, help="Add the packages that the server needs to this build alone."),
    click.option("--code", type=_FOLDER, help="Folder that the scoring script imports from."),
    click.option("--base", default="auto", show_default=True, help="Base image; see `envbuild bases`."),
    click.option("--platform", default="", metavar="linux/amd64", help="Platform of the image."),
    click.option("--full-mlflow", is_flag=True, help="Keep mlflow where mlflow-skinny would do."),
    click.option("--upgrade", is_flag=True, help="Resolve anew instead of taking the cached lock."),
    click.option("--locked", is_flag=True, help="Fail if no lock of the same inputs is cached."),
)
_IMAGE: tuple[Decorator[Any], ...] = (
    click.option(
        "--bytecode",
        type=click.Choice(["auto", "startup", "on", "off"]),
        default="auto",
        show_default=True,
        help="What to compile for a faster start.",
    ),
    click.option("--keep-tests", is_flag=True, help="Keep the test folders of the big scientific packages."),
    click.option("--env", metavar="K=V", multiple=True, help="Environment variable of the image. May be repeated."),
    click.option("--label", metavar="K=V", multiple=True, help="Label of the image. May be repeated."),
)
_BACKEND: tuple[Decorator[Any], ...] = (
    click.option(
        "--backend",
        type=click.Choice(["auto", "assemble", "docker"]),
        default="auto",
        show_default=True,
        help="What makes the image: envbuild itself, or an engine from a Dockerfile. auto is assemble.",
    ),
    click.option(
        "--builder",
        type=click.Choice(["auto", "classic", "buildkit"]),
        help="With --backend docker: the engine's builder. Default: auto, BuildKit where it can be had.",
    ),
    click.option(
        "--build-arg", metavar="K=V", multiple=True, help="With --backend docker: build argument. May be repeated."
    ),
    click.option(
        "--secret",
        metavar="id=ID,src=FILE",
        multiple=True,
        help="With --backend docker and BuildKit: secret of the build. May be repeated.",
    ),
    click.option("--build-network", metavar="MODE", help="With --backend docker: network of the build's steps."),
    click.option(
        "--build-progress",
        type=click.Choice(["auto", "plain", "tty"]),
        help="With --backend docker: plain shows all output, tty BuildKit's own display. Default: auto.",
    ),
    click.option(
        "--templates", type=_FOLDER, help="With --backend docker: folder whose Dockerfile.j2 replaces blocks."
    ),
    click.option(
        "--wheels",
        type=click.Choice(["index", "context"]),
        help="With --backend docker: packages from the index, or sent along. Default: index.",
    ),
)
_FINDINGS: tuple[Decorator[Any], ...] = (
    click.option(
        "--target",
        type=click.Choice(["azure"]),
        help="Judge for Azure ML's own no-code image, which puts nothing right. Default: envbuild's image.",
    ),
    click.option(
        "--resolve", is_flag=True, help="Resolve the packages too, and look at what they bring. Needs an index."
    ),
    click.option(
        "--diff", is_flag=True, help="Show what --fix would change, and change nothing. Exits with 1 if anything."
    ),
    click.option(
        "--output-format",
        type=click.Choice(["text", "concise", "json", "github", "sarif", "junit"]),
        default="text",
        show_default=True,
        help="How to write the findings.",
    ),
    click.option(
        "-o",
        "--output-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the findings to FILE in that format, and show them as text.",
    ),
    click.option("--only-models", is_flag=True, help="Pass over files and folders that are no part of a model."),
)
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


def lint_options(command: Command) -> Command:
    """Those of `lock_options`, and how findings are made and shown."""
    return _apply((*_LINT, *_BUILD, *_FINDINGS), command)


def lock_options(command: Command) -> Command:
    """The options that the rules look at, and what decides on packages and base."""
    return _apply((*_LINT, *_BUILD), command)


def image_options(command: Command) -> Command:
    """Everything that decides on the image."""
    return _apply((*_LINT, *_BUILD, *_IMAGE), command)


def backend_options(command: Command) -> Command:
    """What chooses the backend, and what the Dockerfile backend alone knows."""
    return _apply(_BACKEND, command)


def _apply(decorators: Sequence[Decorator[Any]], command: Command) -> Command:
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def make_options(
    *,
    fix: bool = False,
    unsafe_fixes: bool = False,
    inject: bool = False,
    locked: bool = False,
    upgrade: bool = False,
    scoring_script: Path | None = None,
    code: Path | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    requirement: Iterable[str] = (),
    apt: Iterable[str] = (),
    python: str = "",
    target: str | None = None,
    env: Iterable[str] = (),
    label: Iterable[str] = (),
    **rest: Any,
) -> Options:
    """The options as one value. Raises UsageError for a value or a combination that makes no sense."""
    from ..options import Options

    if (fix or unsafe_fixes) and inject:
        raise UsageError(
            f"{'--fix' if fix else '--unsafe-fixes'} and --inject exclude each other",
            hint="--fix writes missing packages into the model's files, --inject adds them to this build",
        )
    if code is not None and scoring_script is None:
        raise UsageError("--code needs --scoring-script", hint="name the script that imports from that folder")
    if locked and upgrade:
        raise UsageError(
            "--locked and --upgrade exclude each other",
            hint="--locked takes the lock as it is, --upgrade resolves anew",
        )
    if python and not re.fullmatch(r"3\.\d{1,2}", python):
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
        scoring_script=scoring_script,
        code=code,
        select=codes(select),
        ignore=codes(ignore),
        requirements=tuple(requirement),
        apt=debian_names(apt),
        python=python,
        target=target or "",
        env=pairs("--env", env),
        labels=pairs("--label", label),
        docker=docker_options({name: rest.pop(name, None) for name in _DOCKER}, rest.get("backend", "docker")),
        **rest,
    )


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


def codes(values: Iterable[str]) -> tuple[str, ...]:
    """What names rules (`EB301`, `EB3`, `server-missing`), split at commas."""
    return tuple(code.strip() for value in values for code in value.split(",") if code.strip())


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
