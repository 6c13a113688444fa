"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..options import ACCELERATORS
from .filled import Filled, text_of

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

model_argument = click.argument("model", type=click.Path())
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors on stderr.")


def _no_stdout(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """The file, None for `-` and /dev/stdout: findings go there in their format where there is no file."""
    from .files import is_stdout

    return None if value is None or is_stdout(value) else value


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
    click.option(
        "--conda",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Take conda packages from their channels: where PyPI lacks one of them, always, or never.",
    ),
    click.option("--python", metavar="X.Y", help="Python to build for, whatever the model asks for."),
)
_BUILD: tuple[Decorator[Any], ...] = (
    click.option("--inject", is_flag=True, help="Add the packages that the server needs to this build alone."),
    click.option("--code", type=_FOLDER, help="Folder that the scoring script imports from."),
    click.option("--base", default="auto", show_default=True, help="Base image; see `envbuild bases`."),
    click.option(
        "--platform",
        type=Filled("linux/amd64 or linux/arm64"),
        callback=text_of,
        metavar="OS/ARCH",
        help="Platform of the image: linux/amd64 or linux/arm64. Default: the engine's, else this machine's.",
    ),
    click.option(
        "--accelerator",
        type=click.Choice(ACCELERATORS),
        metavar="cpu|cuda121|...",
        help="What the packages run on: torch's build, and for CUDA an image that sees NVIDIA GPUs.",
    ),
    click.option("--full-mlflow", is_flag=True, help="Keep mlflow where mlflow-skinny would do."),
    click.option(
        "--as-of",
        type=Filled("a day, a time or `model`"),
        callback=text_of,
        metavar="DAY|model",
        help="Choose packages as they were then: a day in UTC, a time, or when the model was logged.",
    ),
    click.option("--index-url", metavar="URL", help="Package index, in place of UV_DEFAULT_INDEX."),
    click.option(
        "--extra-index-url",
        metavar="[NAME=]URL",
        multiple=True,
        help="Package index that is asked before it; the first that has a package gives it. May be repeated.",
    ),
    click.option(
        "--find-links", metavar="PLACE", multiple=True, help="Folder or page with further wheels. May be repeated."
    ),
    click.option(
        "--allow-build",
        metavar="NAME|all",
        multiple=True,
        help="Build this package from source, in a sandbox of the base, where there is no wheel. May be repeated.",
    ),
    click.option(
        "--lock",
        type=_FILE,
        metavar="FILE",
        help="Take the packages from this pylock.toml or conda-lock.yml; nothing is resolved.",
    ),
    click.option("--upgrade", is_flag=True, help="Resolve anew instead of taking the cached lock."),
    click.option(
        "--upgrade-package",
        metavar="NAME",
        multiple=True,
        help="Choose this package anew and keep the others of the lock where that goes. May be repeated.",
    ),
    click.option(
        "--locked",
        is_flag=True,
        help="Fail if no lock of the same inputs is cached; with --lock, if FILE would change.",
    ),
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
_RUN: tuple[Decorator[Any], ...] = (
    click.option("--env", metavar="K=V", multiple=True, help="Environment variable of the server. May be repeated."),
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
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        callback=_no_stdout,
        metavar="FILE",
        help="Write the findings to FILE in that format, and show them as text. - is stdout.",
    ),
    click.option("--only-models", is_flag=True, help="Pass over files and folders that are no part of a model."),
)


def lint_options(command: Command) -> Command:
    """Those of `lock_options`, and how findings are made and shown."""
    return applied((*_LINT, *_BUILD, *_FINDINGS), command)


def lock_options(command: Command) -> Command:
    """The options that the rules look at, and what decides on packages and base."""
    return applied((*_LINT, *_BUILD), command)


def run_options(command: Command) -> Command:
    """Those of `lock_options`, and what decides on a server of this machine."""
    return applied((*_LINT, *_BUILD, *_RUN), command)


def image_options(command: Command) -> Command:
    """Everything that decides on the image."""
    return applied((*_LINT, *_BUILD, *_IMAGE), command)


def backend_options(command: Command) -> Command:
    """What chooses the backend, and what the Dockerfile backend alone knows."""
    return applied(_BACKEND, command)


def typed(name: str) -> bool:
    """Whether an option of the running command stands on its command line, be it empty."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def applied(decorators: Sequence[Decorator[Any]], command: Command) -> Command:
    """`command` with the options of `decorators`, in their order."""
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
