"""`envbuild lint`: the rules, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EnvbuildError, UsageError
from .options import json_option, lint_options, quiet_option
from .values import format_of, make_options

if TYPE_CHECKING:
    from ..linter.render import Checked, Format, Unread
    from ..options import Options
    from ..progress import Progress
    from .models import Named


@click.command("lint")
@click.argument("models", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="MODEL...")
@lint_options
@json_option
@quiet_option
def command(
    models: tuple[str, ...],
    as_json: bool,
    output_format: Format,
    output_file: Path | None,
    resolve: bool,
    diff: bool,
    only_models: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Find what would break the image of each MODEL, before building anything.

    A MODEL is a folder, a file inside of one, an address such as models:/name/1, or - for a conda.yaml on standard
    input. Exits with 0 if there is no error among the findings, with 1 if there is one, with 2 for a wrong option, and
    with the code of docs/errors.md if a model cannot be read.
    """
    from .models import STDIN, named

    form = format_of(as_json, output_format)
    options = make_options(**flags)
    wanted = named(models, skip=only_models)
    _check(options, form, output_file, diff=diff, alone=any(one.source == STDIN for one in wanted))
    from .display import display
    from .terminal import terminal

    # A local folder is read before anybody could look; a download and a resolution are worth a line.
    slow = resolve or any(one.remote for one in wanted)
    with display(terminal(), quiet=quiet or not slow) as shown:
        if diff:
            from .lint_diff import show_diff

            return show_diff(wanted, options, shown, resolve=resolve, quiet=quiet)
        results = [_look(one, options, shown, resolve=resolve, quiet=quiet, several=len(wanted) > 1) for one in wanted]
    return _tell(results, form, output_file, quiet=quiet)


def _check(options: Options, form: Format, file: Path | None, *, diff: bool, alone: bool) -> None:
    """Refuse what makes no sense before anything is read."""
    from ..linter import rules_of
    from ..linting import check_options, choice
    from .models import NOT_ALONE

    check_options(options)
    if alone:
        for name, given in (("--diff", diff), ("--unsafe-fixes", options.unsafe_fixes), ("--fix", options.fix)):
            if given:
                raise UsageError(
                    f"{name} cannot change standard input", hint="name the model folder instead of -, or leave it out"
                )
        # Those that cannot be left out say nothing of what nobody asked about.
        asked = [rule for rule in rules_of(choice(options)) if rule.ignorable]
        if options.select and all(rule.code.startswith(NOT_ALONE) for rule in asked):
            raise UsageError(
                f"--select {','.join(options.select)} leaves no rule for standard input: those of {NOT_ALONE} look at "
                "MLmodel and the files beside it",
                hint="name the model folder instead of -, or select other rules",
            )
        if options.environment is not None:
            raise UsageError("- and --environment exclude each other", hint="both name the environment to look at")
    if diff and (form != "text" or file is not None):
        raise UsageError("--diff has a format of its own", hint="leave --output-format and --output-file out")
    if file is not None:
        from .files import check_target

        check_target("--output-file", file)


def _look(
    one: Named, options: Options, shown: Progress, *, resolve: bool, quiet: bool, several: bool
) -> Checked | Unread:
    """The findings on a model. An error is told at once, and does not keep the other models from being looked at.

    Nor does one of --fix or --resolve, where there is no network say, keep anybody from what the model's files show.
    """
    from .. import api
    from ..linter.render import Checked
    from .models import load, unread

    try:
        model, options = load(one, options, shown)
    except EnvbuildError as error:
        return unread(one, error, several=several)
    cut_short, said, findings = None, "", None
    if options.fix:
        try:
            model, changed = api.fix(model, options=options, resolve=resolve, progress=shown)
            _tell_fixed(one, changed, quiet=quiet)
        except EnvbuildError as error:
            said, cut_short = error.message, unread(one, error, several=several)
    for deep in (True, False) if resolve else (False,):
        try:
            findings = tuple(api.lint(model, options=options, resolve=deep, progress=shown))
            break
        except EnvbuildError as error:
            # What kept the fixes from being found is told once.
            if error.message != said:
                said, told = error.message, unread(one, error, several=several)
                cut_short = cut_short or told
    if findings is None:
        assert cut_short is not None
        return cut_short
    return Checked(
        name=one.name,
        model=model,
        findings=findings,
        base=one.base,
        outside=_script(options),
        cut_short=cut_short,
    )


def _script(options: Options) -> dict[str, str]:
    """The text of the scoring script by its path, as far as frames need it."""
    script = options.scoring_script
    if script is None:
        return {}
    with script.open("rb") as stream:
        return {str(script): stream.read(1 << 20).decode("utf-8-sig", "replace")}


def _tell_fixed(one: Named, files: Sequence[str], *, quiet: bool) -> None:
    from .terminal import printable, terminal

    out = terminal()
    for file in files if not quiet else ():
        path = f"{one.base}/{file}" if one.base else file
        out.line(f"{out.style('bold green', '     Fixed')} {printable(path)}")


def _tell(results: Sequence[Checked | Unread], form: Format, file: Path | None, *, quiet: bool) -> int:
    """Show the findings of all models and say how it went: the exit code."""
    from .. import __version__
    from ..linter.render import Report
    from .findings import save, show
    from .terminal import printable, terminal

    found = Report(results=tuple(results), version=__version__)
    if file is not None:
        save(found, form, file)
        form = "text"
    if file is None or not quiet:
        show(found, form)
    if not quiet and not any(found.counts().values()):
        out = terminal()
        names = [result.name for result in found.checked if result.cut_short is None]
        what = printable(names[0]) if len(names) == 1 else f"{len(names)} models"
        if names or not results:
            out.line(f"{out.style('bold green', '   Checked')} {what}: no findings")
    return found.exit_code
