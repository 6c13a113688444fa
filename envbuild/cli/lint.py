"""`envbuild lint`: the rules, and nothing else."""

from __future__ import annotations

from typing import Any

import click

from .options import json_option, lint_options, make_options, model_argument, quiet_option


@click.command("lint")
@model_argument
@lint_options
@json_option
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", help="Same as --json for json.")
@quiet_option
def command(model: str, as_json: bool, output_format: str, quiet: bool, **flags: Any) -> int:
    """Find what would break the image of MODEL, before building anything.

    Exits with 0 if there is no error among the findings, else with 1.
    """
    from .display import display
    from .findings import write_json, write_text
    from .terminal import printable, terminal

    options = make_options(**flags)
    from .. import api

    # A folder is read before anybody could look; only a download is worth a line.
    with display(terminal(), quiet=quiet or ":" not in model) as shown:
        found = api.load(model, options=options, progress=shown)
    out = terminal()
    if options.fix:
        found, changed = api.fix(found, options=options)
        for file in changed if not quiet else ():
            out.line(f"{out.style('bold green', '     Fixed')} {printable(file)}")
    findings = api.lint(found, options=options)
    if as_json or output_format == "json":
        write_json(findings)
    else:
        write_text(findings, found)
    errors = sum(finding.severity == "error" for finding in findings)
    if not findings and not quiet:
        out.line(f"{out.style('bold green', '   Checked')} {printable(model)}: no findings")
    return 1 if errors else 0
