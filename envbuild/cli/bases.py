"""`envbuild bases`: what an image can stand on."""

from __future__ import annotations

import sys

import click

from .options import json_option

_OTHERS = (
    ("REGISTRY/NAME:TAG", "an image in a registry, by tag or by digest"),
    ("oci:DIR[:TAG]", "an OCI image layout"),
    ("oci-archive:FILE", "an OCI image layout in a tar"),
    ("docker-archive:FILE", "what `docker save` writes"),
    ("docker-daemon:REF", "an image of the container engine"),
)


@click.command("bases")
@json_option
def command(as_json: bool) -> None:
    """List the base images of the catalogue, and what else --base takes."""
    from ..bases import catalogue
    from .result import say_json
    from .terminal import say, terminal
    from .text import table

    fields = ("name", "python", "glibc", "packages", "locked", "note")
    entries = [{field: getattr(entry, field) for field in fields} for entry in catalogue()]
    if as_json:
        others = [{"form": form, "what": what} for form, what in _OTHERS]
        say_json({"catalogue": entries, "others": others})
        return
    out = terminal(sys.stdout)
    rows = [[str(value or "") for value in entry.values()] for entry in entries]
    head, *body = table(fields, rows, right=frozenset({3}), width=out.width)
    say("\n".join([out.style("dim", head), *body, "", "--base also takes"]))
    say("\n".join(f"  {form:<20} {what}" for form, what in _OTHERS))
