"""Whether an image in a registry is signed by a key: asked of cosign, by the digest that the name stands for."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import EnvbuildError, IntegrityError
from ..oci.patience import BrokenError
from ..oci.remote import RemoteImage, parse_remote
from ..records import dataclass
from .access import Access, access, trouble
from .cosign import Cosign, Done, find_cosign
from .keys import check_public

if TYPE_CHECKING:
    from ..oci.registry import Registry

OPTION = "--key"
_NO_SIGNATURE = 10  # cosign's exit codes; version 3 gives 1 for a bundle that does not match
_NO_MATCH = 12
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_MOST_REFERRERS = 32


class Verdict(enum.Enum):
    """What cosign found: a signature by the key, none at all, none by the key, none of the image; or it cannot tell."""

    SIGNED = enum.auto()
    NONE = enum.auto()
    OTHER_KEY = enum.auto()
    OTHER_IMAGE = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An image whose signature is good. `image` has the digest that was signed; `key_id` is empty for an address."""

    image: RemoteImage
    key: str
    key_id: str


def verify_signature(
    name: str, key: str, *, insecure: bool = False, environ: Mapping[str, str] | None = None
) -> Signed:
    """The image that `name` (REGISTRY/NAME[:TAG|@DIGEST]) stands for, signed by `key`: a public one, or an address.

    What is checked is the signature of the very digest that comes back: the name may mean another image a moment later.
    IntegrityError where there is no such signature; UsageError, BaseImageError, RegistryError, NetworkError.
    """
    from ..oci.registry import Registry
    from ..oci.transport import Transport

    identity = check_public(key, OPTION)
    cosign = find_cosign(environ)
    wanted = parse_remote(name)
    hosts = frozenset({wanted.domain}) if insecure else frozenset[str]()
    with Transport(os.environ if environ is None else environ, insecure=hosts) as transport:
        registry = Registry(wanted, transport)
        digest = registry.manifest(wanted.wanted).digest
        image = RemoteImage(domain=wanted.domain, path=wanted.path, tag=wanted.tag, digest=digest)
        patience = transport.patience(f"the signature of {image.canonical}")
        with access(image, transport, mirror=True) as way:
            while True:
                found, done = verdict(cosign, key, way)
                if found is not Verdict.UNKNOWN:
                    break
                error = trouble(done, f"the signature of {image.canonical} cannot be checked", image)
                if not isinstance(error, BrokenError):
                    raise error
                patience.failed(error.message)
        if found is not Verdict.SIGNED:
            raise _refusal(found, image, key, registry, cosign)
    return Signed(image=image, key=key, key_id=identity)


def verdict(cosign: Cosign, key: str, way: Access) -> tuple[Verdict, Done]:
    """What cosign says of the image's signatures and `key`."""
    # No log is asked: signatures by a key of one's own are in none.
    arguments = [f"--key={key}", "--insecure-ignore-tlog=true", *way.arguments, way.reference]
    done = cosign.run("verify", *arguments, environ=way.environ, secrets=way.secrets)
    if not done.code:
        # Only what cosign prints is what it has checked.
        return (Verdict.SIGNED if way.reference.rpartition("@")[2] in done.output else Verdict.UNKNOWN), done
    if done.code == _NO_SIGNATURE or "no signatures found" in done.reason:
        return Verdict.NONE, done
    if done.code == _NO_MATCH or "no matching" in done.reason:
        # The words of version 2, and those of version 3 for a bundle.
        other = re.search(r"missing digest in claim|does not match any digest", done.reason)
        return (Verdict.OTHER_IMAGE if other else Verdict.OTHER_KEY), done
    return Verdict.UNKNOWN, done


def _refusal(found: Verdict, image: RemoteImage, key: str, registry: Registry, cosign: Cosign) -> IntegrityError:
    if found is Verdict.OTHER_IMAGE:
        return IntegrityError(
            f"the signature that is with {image.canonical} is of another image",
            hint="someone put it there: do not run the image",
        )
    if found is Verdict.OTHER_KEY:
        return IntegrityError(
            f"{image.canonical} is signed, but not by {key}", hint="is it the key of whoever pushed the image?"
        )
    if not cosign.bundles and _has_bundle(registry, image.digest):
        return IntegrityError(
            f"{image.canonical} has a signature that cosign 2 cannot read", hint="cosign 3 can: it made the signature"
        )
    hint = "`envbuild image --push --sign-key KEY` signs what it pushes"
    if image.tag:
        hint = f"was {image.tag} put on another image since? {hint}"
    return IntegrityError(f"{image.canonical} has no signature", hint=hint)


def _has_bundle(registry: Registry, digest: str) -> bool:
    """Whether a sigstore bundle refers to the manifest."""
    for entry in registry.referrers(digest)[:_MOST_REFERRERS]:
        if not isinstance(entry.get("digest"), str):
            continue
        with suppress(EnvbuildError):
            listed = registry.manifest(entry["digest"]).content.get("layers")
            layers = listed if isinstance(listed, list) else []
            kinds = [layer.get("mediaType") for layer in layers if isinstance(layer, dict)]
            if any(isinstance(kind, str) and kind.startswith(_BUNDLE) for kind in kinds):
                return True
    return False
