"""`envbuild verify`: whether an image is what it says it was made from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .images import clean, image_argument, looking_options
from .options import json_option, quiet_option, typed

if TYPE_CHECKING:
    from ..signing.verify import Signed
    from ..verifying.types import FileDifference, LayerVerdict, Verification
    from .terminal import Terminal

_STYLES = {"own": "yellow", "unchecked": "yellow"}
_FINE = ("same", *_STYLES)
_BASES = {
    "cache": "from this machine's cache, by its digest",
    "snapshot": "assembled anew from its Debian packages, out of a snapshot",
    "mirror": "assembled anew from its Debian packages, out of a mirror",
    "registry": "fetched from its registry, by its digest",
    "named": "the one that --base names, which has its digest",
    "image": "the image's own, not verified independently",
}


@click.command("verify")
@image_argument
@looking_options
@click.option(
    "--base",
    default="",
    metavar="BASE",
    help="Where the image's base is to be had, as for `envbuild image`. It must have the digest that the image names.",
)
@click.option(
    "--own-base",
    is_flag=True,
    help="Be content with a base that only the image itself has: nothing else vouches for it.",
)
@click.option(
    "--key",
    default="",
    metavar="KEY",
    help="First ask cosign for the signature in the registry: a public key's file, or an address as awskms://...",
)
@click.option("--signature-only", is_flag=True, help="With --key: leave it at the signature, and make nothing anew.")
@json_option
@quiet_option
def command(
    image: str,
    platform: str,
    insecure: bool,
    base: str,
    own_base: bool,
    key: str,
    signature_only: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make IMAGE anew from what it says that it was made from, and compare layer by layer.

    Exits with 0 if it is the same, with 1 if anything differs, and with another code for an error: with 5 where only
    the image itself has its base, unless --own-base says that this is enough. IMAGE is a name in
    the engine or in a registry, a layout's folder, an archive, or one of these with a prefix (docker-daemon:,
    docker://, oci:, oci-archive:, docker-archive:). Nothing of it is run.

    With --key IMAGE is one of a registry, and what is compared is the very image whose signature was good; a signature
    that is missing, by another key or of another image ends with 7.
    """
    from ..errors import BaseImageError
    from ..job import open_store
    from ..looking import look
    from ..options import Options, cache_dir
    from ..rebuilding import verify
    from .display import display
    from .result import say_json
    from .terminal import say, terminal

    signed = None
    if key or typed("key") or signature_only:
        signed = _signature(image, key, insecure=insecure)
        image = f"docker://{signed.image.canonical}"
    if signed is not None and signature_only:
        document = {"image": signed.image.canonical, "signature": _signed(signed)}
        say_json(document) if as_json else say(_signature_line(signed, terminal(sys.stdout)))
        return 0
    options = Options()
    store = open_store(options)
    with (
        display(terminal(), quiet=quiet) as shown,
        look(image, store, platform=platform, insecure=insecure, progress=shown) as opened,
    ):
        found = verify(opened, store, cache=cache_dir(options), base=base, progress=shown)
    if as_json:
        say_json({**_document(found, own_base=own_base), "signature": None if signed is None else _signed(signed)})
    else:
        out = terminal(sys.stdout)
        last = [] if signed is None else [_signature_line(signed, out)]
        say("\n".join([*_lines(found, out, own_base=own_base), *last]))
    if found.differs:
        return 1
    if found.unchecked:
        raise BaseImageError(
            f"the layer {found.unchecked[0].title} could not be made here: {found.unchecked[0].why}",
            hint="all else is the same; verify it on a machine that can make it",
        )
    if found.base_from == "image" and not own_base:
        raise BaseImageError(
            "the base is the image's own, and nothing else vouches for it",
            hint="all else is the same; say with --base where the base is to be had, or with --own-base that this is "
            "enough",
        )
    return 0


def _signature(image: str, key: str, *, insecure: bool) -> Signed:
    """The image in the registry whose signature by `key` is good."""
    from ..errors import UsageError
    from ..looking import registry_name
    from ..signing.verify import verify_signature

    if not key:
        raise UsageError("the signature of whom? --key names no key", hint="add --key cosign.pub")
    return verify_signature(registry_name(image), key, insecure=insecure)


def _signed(signed: Signed) -> dict[str, Any]:
    return {"digest": signed.image.digest, "key": signed.key, "key_id": signed.key_id or None}


def _signature_line(signed: Signed, out: Terminal) -> str:
    return out.style("bold green", f"{clean(signed.image.canonical)} is signed by {clean(signed.key)}")


def _document(found: Verification, *, own_base: bool) -> dict[str, Any]:
    return {
        "image": found.name,
        "platform": found.platform,
        "digests": {"config": found.config_digest, "manifest": found.manifest_digest or None},
        "same": not found.differs and not found.unchecked and (own_base or found.base_from != "image"),
        "made_by": found.made_by or None,
        "checked_by": found.checked_by,
        "base": {
            "name": found.base or None,
            "digest": found.base_digest,
            "from": found.base_from,
            "independent": found.base_from != "image",
        },
        "layers": [
            {
                "title": layer.title,
                "kind": layer.kind,
                "state": layer.state,
                "image": layer.image or None,
                "rebuilt": layer.rebuilt or None,
                "first": _file(layer.first),
                "why": layer.why or None,
            }
            for layer in found.layers
        ],
        "settings": [{"name": x.name, "image": x.image, "rebuilt": x.rebuilt} for x in found.settings],
        "reasons": list(found.reasons),
    }


def _file(first: FileDifference | None) -> dict[str, Any] | None:
    if first is None:
        return None
    return {
        "path": f"/{first.path}" if first.path else None,
        "what": list(first.what),
        "image": f"sha256:{first.image}" if first.image else None,
        "rebuilt": f"sha256:{first.rebuilt}" if first.rebuilt else None,
        "detail": first.detail or None,
    }


def _lines(found: Verification, out: Terminal, *, own_base: bool) -> Iterator[str]:
    from .text import table

    differing = [layer for layer in found.layers if layer.state not in _FINE]
    rows = [
        (str(number), clean(layer.kind), layer.state, (layer.image or layer.rebuilt)[:19], clean(layer.title))
        for number, layer in enumerate(found.layers, start=1)
    ]
    head, *body = table(("#", "kind", "state", "diffID", "layer"), rows, right=frozenset({0}), width=out.width)
    yield out.style("dim", head)
    for layer, line in zip(found.layers, body, strict=True):
        style = _STYLES.get(layer.state, "red")
        yield line if layer.state == "same" else out.style(style, line)
    yield ""
    name = "@".join(filter(None, (found.base, found.base_digest)))
    yield f"base: {clean(name)}: {_BASES[found.base_from]}"
    for layer in differing:
        yield from _layer(layer, out)
    for setting in found.settings:
        yield out.style("red", f"setting {clean(setting.name)} differs")
        yield f"  image    {clean(_value(setting.image))}"
        yield f"  rebuilt  {clean(_value(setting.rebuilt))}"
    for reason in found.reasons:
        yield f"note: {clean(reason)}"
    yield _verdict(found, len(differing), out, own_base=own_base)


def _layer(layer: LayerVerdict, out: Terminal) -> Iterator[str]:
    yield out.style("red", f"layer {clean(layer.title)}: {layer.state}") + (
        f", {clean(layer.why)}" if layer.why else ""
    )
    first = layer.first
    if first is None:
        return
    what = ", ".join(first.what)
    yield f"  first: {clean('/' + first.path) if first.path else 'the tar itself'} ({what})" + (
        f": {clean(first.detail)}" if first.detail else ""
    )
    if first.image:
        yield f"  image    sha256:{first.image}"
    if first.rebuilt:
        yield f"  rebuilt  sha256:{first.rebuilt}"


def _value(value: str | None) -> str:
    return "(none)" if value is None else value or '""'


def _verdict(found: Verification, differing: int, out: Terminal, *, own_base: bool) -> str:
    from .text import plural

    if found.differs:
        told = [plural(differing, "layers")] * bool(differing) + [plural(len(found.settings), "settings")] * bool(
            found.settings
        )
        return out.style("bold red", f"{clean(found.name)} differs from what it says it was made from: ") + ", ".join(
            told
        )
    if found.unchecked:
        return out.style("yellow", f"{clean(found.name)} is the same as far as it could be made here")
    if found.base_from == "image" and not own_base:
        return out.style("yellow", f"{clean(found.name)} is the same but for its base, which is its own")
    return out.style("bold green", f"{clean(found.name)} is what it says it was made from")
