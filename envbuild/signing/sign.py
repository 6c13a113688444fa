"""Signing what is pushed: checked before the work, done before the image gets a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvbuildError
from ..oci.patience import BrokenError
from ..oci.remote import RemoteImage
from .access import Access, access, trouble
from .cosign import PASSWORD, Cosign, find_cosign, key_trouble
from .keys import check_private, key_id
from .verify import Verdict, verdict

if TYPE_CHECKING:
    from ..oci.transport import Transport

OPTION = "--sign-key"


class Signer:
    """Signs manifests with one key. `key` is as a person named it, `key_id` the digest of its public half."""

    def __init__(self, key: str, cosign: Cosign, public: str) -> None:
        self.key = key
        self.key_id = key_id(public)
        self._cosign = cosign
        self._public = public

    def sign(self, image: RemoteImage, transport: Transport) -> bool:
        """Make the registry have a signature of `image`, which has a digest; False where it had one by this key.

        Raises UnreachableError, NetworkError, RegistryError, or EnvbuildError with cosign's own words.
        """
        patience = transport.patience(_unsigned(image))
        with access(image, transport) as way:
            public = way.folder / "cosign.pub"
            public.write_text(self._public)
            made = stored = False
            while True:
                try:
                    # Also after a failure: the answer may have been lost, and not the signature.
                    if self._is_signed(public, way, image):
                        return made
                    if stored:
                        # It comes late; or another build that signs was as fast, and it is lost.
                        stored = False
                        raise BrokenError("it took the signature, and does not have it")
                    self._sign(way, image)
                    made = stored = True
                except BrokenError as error:
                    patience.failed(error.message, wait=error.wait, hint=error.hint)

    def _is_signed(self, public: Path, way: Access, image: RemoteImage) -> bool:
        found, done = verdict(self._cosign, str(public), way)
        if found is Verdict.UNKNOWN:
            raise trouble(done, _unsigned(image), image)
        return found is Verdict.SIGNED

    def _sign(self, way: Access, image: RemoteImage) -> None:
        arguments = [f"--key={self.key}", "--yes", *self._cosign.without_log(way.folder), *way.arguments]
        done = self._cosign.run("sign", *arguments, way.reference, environ=way.environ, secrets=way.secrets)
        if done.code:
            raise trouble(done, _unsigned(image), image)


def _unsigned(image: RemoteImage) -> str:
    return f"{image.canonical} is not signed, and its names stay as they were"


def check_signing(key: str, environ: Mapping[str, str] | None = None) -> Cosign:
    """What signs, if `key` can be a key. UsageError; the key is not used, and nobody is asked for it."""
    check_private(key, OPTION)
    return find_cosign(environ)


def signer_for(key: str, environ: Mapping[str, str] | None = None) -> Signer:
    """What signs with `key`, a file of cosign's or an address that it knows; its password is in COSIGN_PASSWORD.

    Finds out before any work whether it can: UsageError, and EnvbuildError with what cosign says of the key.
    """
    environ = os.environ if environ is None else environ
    cosign = check_signing(key, environ)
    done = cosign.run("public-key", f"--key={key}", environ=environ, secrets=(environ.get(PASSWORD, ""),))
    if done.code:
        raise key_trouble(done, f"{OPTION} {key}", environ)
    if not key_id(done.output):
        raise EnvbuildError(f"cosign gives no public key for {OPTION} {key}", hint="check the key")
    return Signer(key, cosign, done.output)
