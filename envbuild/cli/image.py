"""`envbuild image`: from a model to an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from .delivery import delivery_options
from .options import backend_options, image_options, json_option, model_argument, quiet_option, typed
from .values import make_options

if TYPE_CHECKING:
    from ..describing import Wanted


@click.command("image")
@model_argument
@delivery_options
@image_options
@backend_options
@click.option(
    "--cache-from",
    metavar="REF",
    multiple=True,
    help="With --push: image of the same registry whose layers may be used unseen. May be repeated.",
)
@click.option(
    "--insecure", is_flag=True, help="With --push: take plain http, or a certificate that nobody vouches for."
)
@click.option(
    "--sbom", is_flag=True, help="Attach bills of materials: CycloneDX and SPDX. Needs --push or an OCI --output."
)
@click.option(
    "--provenance", is_flag=True, help="Attach SLSA provenance: how it was made. Needs --push or an OCI --output."
)
@click.option("--test", is_flag=True, help="Run the image as a container first; it gets its name if that goes well.")
@json_option
@click.option(
    "--metadata-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the JSON of --json to FILE as well.",
)
@quiet_option
def command(
    model: str,
    tags: tuple[str, ...],
    output: str,
    push: bool,
    compression: str,
    sign_key: str,
    insecure: bool,
    cache_from: tuple[str, ...],
    sbom: bool,
    provenance: bool,
    test: bool,
    as_json: bool,
    metadata_file: Path | None,
    quiet: bool,
    **flags: Any,
) -> None:
    """Build the image of MODEL, a model folder or an address such as models:/name/1.

    Prints the image's name and its config digest on stdout, for several platforms the digest of their index.
    """
    from ..deliver import check_backend, check_output
    from ..options import PushOptions
    from ..platforms import several
    from . import result
    from .baked import env_notes, secret_warnings
    from .display import Display, display
    from .files import write_atomically
    from .next_steps import next_steps
    from .terminal import say, terminal

    check_output(output, tags)
    platforms = several(flags["platform"] or "")
    options = make_options(**{**flags, "platform": platforms[0]} if platforms else flags)
    check_backend(options.backend, output, push=push)
    pushing = None
    if push:
        pushing = PushOptions(
            compression=compression, insecure=insecure, cache_from=cache_from, sign_key=_sign_key(sign_key)
        )
    elif sign_key and typed("sign_key"):
        raise UsageError(
            "--sign-key without --push: a signature lies beside the image in its registry", hint="add --push"
        )
    if metadata_file is not None:
        result.check_metadata_path(metadata_file)
    from .. import api  # not before a wrong option has been told

    # A terminal has room for one display: BuildKit's own, where that was asked for.
    live = options.docker.output == "auto"
    with display(terminal(), quiet=quiet) if live else Display(terminal(), quiet=quiet) as shown:
        for note in env_notes(options.env):
            shown.note(note)
        given = {"--env": options.env, "--label": options.labels, "--build-arg": options.docker.build_args}
        for warning in (warning for option, values in given.items() for warning in secret_warnings(option, values)):
            shown.warn(warning)
        found = api.load(model, options=options, progress=shown)
        built = api.build(
            found,
            tags=tags,
            output=output,
            push=pushing,
            attach=_attach(sbom, provenance),
            test=test,
            platforms=platforms,
            options=options,
            progress=shown,
        )
        metadata = result.as_json(built, notes=shown.notes, warnings=shown.warnings)
        if metadata_file is not None:
            write_atomically(metadata_file, result.dumps(metadata))
        if not quiet:
            steps = next_steps(built, found, own_script=options.scoring_script is not None)
            result.show(built, shown, steps)
    if as_json:
        result.say_json(metadata)
    else:
        say("\n".join(result.result_lines(built)))


def _sign_key(key: str) -> str:
    """The key, looked at as far as that costs nothing: a model may have to be fetched first. UsageError."""
    if not key and typed("sign_key"):
        raise UsageError("--sign-key names no key", hint="is the variable empty that it comes from?")
    if key:
        from ..signing.sign import check_signing

        check_signing(key)
    return key


def _attach(sbom: bool, provenance: bool) -> Wanted | None:
    """What is to be attached; most builds attach nothing, and load nothing for it."""
    if not (sbom or provenance):
        return None
    from ..describing import Wanted

    return Wanted(sbom=sbom, provenance=provenance)
