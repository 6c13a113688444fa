"""`envbuild inspect`: what an image is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from .images import clean, image_argument, looking_options, wrapped
from .options import json_option, quiet_option

if TYPE_CHECKING:
    from ..attesting.opened import Opened
    from ..attesting.summary import Package
    from .terminal import Terminal

_ATTACHED = (
    ("https://cyclonedx.org/bom", "bill of materials (CycloneDX)"),
    ("https://spdx.dev/Document", "bill of materials (SPDX)"),
    ("https://slsa.dev/provenance/", "provenance (SLSA)"),
)


@click.command("inspect")
@image_argument
@looking_options
@click.option("--packages", is_flag=True, help="Read the packages from a registry's layers too: they are fetched.")
@json_option
@quiet_option
def command(image: str, platform: str, insecure: bool, packages: bool, as_json: bool, quiet: bool) -> None:
    """Show what IMAGE is: model, server, base, Python, digests, layers, packages, labels.

    IMAGE is a name in the engine or in a registry, a layout's folder, an archive, or one of these with a prefix
    (docker-daemon:, docker://, oci:, oci-archive:, docker-archive:).
    """
    from ..attesting.summary import summary
    from ..job import open_store
    from ..looking import look
    from ..options import Options
    from .display import display
    from .result import say_json
    from .terminal import say, terminal

    with (
        display(terminal(), quiet=quiet) as shown,
        look(image, open_store(Options()), platform=platform, insecure=insecure, progress=shown) as opened,
    ):
        found = summary(opened, _packages(opened, packages))
    if as_json:
        say_json(found)
    else:
        say("\n".join(_lines(found, terminal(sys.stdout))))


def _packages(opened: Opened, wanted: bool) -> list[Package] | None:
    """Those that an attached document names, else those in the image's files; None where these would be fetched."""
    from ..attesting.summary import attached_packages, inventory_of, packages_of

    named = attached_packages(opened)
    if named is not None or (opened.remote and not wanted):
        return named
    return packages_of(inventory_of(opened).components)


def _lines(found: Mapping[str, Any], out: Terminal) -> Iterator[str]:
    from .text import size, table

    yield out.style("bold", clean(found["name"]))
    facts = list(_facts(found))
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        yield f"  {name.ljust(width)}  {clean(text)}"
    yield ""
    rows = [
        (str(number), size(layer["size"]), layer["digest"][:19], clean(layer["title"]))
        for number, layer in enumerate(found["layers"], start=1)
    ]
    head, *body = table(("#", "size", "digest", "layer"), rows, right=frozenset({0, 1}), width=out.width)
    yield out.style("dim", head)
    yield from body
    for kind, title in (("python", "Python packages"), ("debian", "Debian packages")):
        named = [f"{clean(p['name'])} {clean(p['version'])}" for p in found["packages"] or () if p["kind"] == kind]
        if named:
            yield ""
            yield out.style("dim", f"  {len(named)} {title if len(named) > 1 else title[:-1]}")
            yield from wrapped(named, out.width)
    if found["packages"] is None:
        yield ""
        yield "  The packages are in the layers, which are in the registry: --packages fetches them."
    others = {name: text for name, text in found["labels"].items() if not name.startswith("dev.envbuild.")}
    if others:
        yield ""
        head, *body = table(("label", "value"), [(clean(n), clean(t)) for n, t in others.items()], width=out.width)
        yield out.style("dim", head)
        yield from body
    for note in found["notes"]:
        yield ""
        yield f"  note: {clean(note)}"


def _facts(found: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """What there is to say of the image as a whole."""
    from .text import plural, size

    model, base, digests = found["model"], found["base"], found["digests"]
    told = [model["id"] or "", f"run {model['run']}" if model["run"] else ""]
    told += [f"written by MLflow {model['mlflow']}" if model["mlflow"] else ""]
    if any(told):
        yield "model", ", ".join(filter(None, told))
    for key in ("server", "python"):
        if found[key]:
            yield key, found[key]
    if base["name"] or base["digest"]:
        yield "base", "@".join(filter(None, (base["name"], base["digest"])))
    others = [name for name in found["platforms"] if name != found["platform"]]
    yield "platform", found["platform"] + (f" (also there for {', '.join(others)})" if others else "")
    yield "size", f"{size(found['size'])} in {plural(len(found['layers']), 'layers')}"
    start = [*found["entrypoint"], *found["cmd"]]
    if start:
        yield "starts", " ".join(map(str, start))
    if found["user"]:
        yield "user", found["user"]
    if found["ports"]:
        yield "ports", ", ".join(found["ports"])
    if found["lock"]:
        yield "lock", found["lock"]
    for key in ("index", "manifest", "config"):
        if digests[key]:
            yield f"{key} digest", digests[key]
    if found["attestations"]:
        names = [next((n for start, n in _ATTACHED if kind.startswith(start)), kind) for kind in found["attestations"]]
        yield "attached", ", ".join(names)
    if not found["made_by_envbuild"]:
        yield "made by", "something else: it has no label of envbuild"
