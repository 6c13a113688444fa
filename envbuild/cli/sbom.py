"""`envbuild sbom`: what an image consists of, for machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .images import image_argument, looking_options
from .options import quiet_option

if TYPE_CHECKING:
    from ..attesting.opened import Opened


@click.command("sbom")
@image_argument
@looking_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["cyclonedx", "spdx"]),
    default="cyclonedx",
    show_default=True,
    help="CycloneDX 1.6 or SPDX 2.3, as JSON.",
)
@click.option("--from-files", is_flag=True, help="Make it from the image's files, also where one is attached.")
@click.option(
    "-o",
    "--output-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it to FILE instead of stdout.",
)
@quiet_option
def command(
    image: str,
    platform: str,
    insecure: bool,
    form: str,
    from_files: bool,
    output_file: Path | None,
    quiet: bool,
) -> None:
    """Print the bill of materials of IMAGE.

    It is the attached one if there is one in that format, else it is made from what the image's files say. IMAGE is a
    name in the engine or in a registry, a layout's folder, an archive, or one of these with a prefix (docker-daemon:,
    docker://, oci:, oci-archive:, docker-archive:).
    """
    from ..job import open_store
    from ..looking import look
    from ..options import Options
    from .display import display
    from .files import check_target, is_stdout, write_atomically
    from .result import dumps
    from .terminal import say, terminal

    if output_file is not None and is_stdout(output_file):
        output_file = None
    if output_file is not None:
        check_target("--output-file", output_file)
    with (
        display(terminal(), quiet=quiet) as shown,
        look(image, open_store(Options()), platform=platform, insecure=insecure, progress=shown) as opened,
    ):
        for note in opened.notes:
            shown.note(note)
        document = None if from_files else _attached(opened, form)
        if document is None:
            shown.note(f"made from the image's files; {_why(opened, from_files)}")
            document = _made(opened, form)
    if output_file is not None:
        write_atomically(output_file, dumps(document))
        return
    # What an image says must not steer a terminal: there every character that is not plain is an escape.
    out = terminal(sys.stdout)
    say(dumps(document, only_ascii=out.tty or not out.unicode).rstrip("\n"))


def _why(opened: Opened, from_files: bool) -> str:
    return (
        "--from-files"
        if from_files
        else "none is attached"
        if not opened.statements
        else "none of this format is attached"
    )


def _attached(opened: Opened, form: str) -> dict[str, Any] | None:
    """The attached document of a format."""
    from ..attesting import cyclonedx, spdx

    wanted = {"cyclonedx": cyclonedx.PREDICATE, "spdx": spdx.PREDICATE}[form]
    for statement in opened.statements:
        # Some write the version of the format behind the type.
        if statement.predicate_type == wanted or statement.predicate_type.startswith(f"{wanted}/"):
            return dict(statement.predicate)
    return None


def _made(opened: Opened, form: str) -> dict[str, Any]:
    from ..attesting.cyclonedx import cyclonedx
    from ..attesting.spdx import spdx
    from ..attesting.summary import inventory_of

    return (spdx if form == "spdx" else cyclonedx)(inventory_of(opened))
