"""The options that say where an image goes, for the commands that make one."""

from __future__ import annotations

import click

from .options import Command, applied

_DELIVERY = (
    click.option(
        "-t", "--tag", "tags", metavar="NAME[:TAG]", multiple=True, help="Name of the image. May be repeated."
    ),
    click.option(
        "--output",
        default="",
        metavar="OUT",
        help="docker, oci-dir=PATH, oci-archive=PATH or docker-archive=PATH. Default: docker if an engine "
        "answers, else oci-archive=NAME.tar.",
    ),
    click.option("--push", is_flag=True, help="Push to the registries of the names, and elsewhere only with --output."),
    click.option(
        "--compression",
        type=click.Choice(["gzip", "zstd", "none"]),
        default="gzip",
        show_default=True,
        help="With --push: how layers are compressed. zstd needs containerd 1.5, Docker 23 or podman.",
    ),
    click.option(
        "--sign-key",
        default="",
        metavar="KEY",
        help="With --push: sign with cosign before a name is given. A key file, or an address as awskms://... Its "
        "password is in COSIGN_PASSWORD.",
    ),
)


def delivery_options(command: Command) -> Command:
    """Add `tags`, `output`, `push`, `compression` and `sign_key`."""
    return applied(_DELIVERY, command)
