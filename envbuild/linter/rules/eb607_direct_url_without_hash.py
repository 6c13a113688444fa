"""EB607: a wheel at an address that promises nothing of its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.redact import redact
from ...model.types import Model
from ...patterns import pattern
from ..base import BaseRule
from ..hashes import hashed
from ..sources import placed
from ..types import Finding, Target

_HASH = pattern(r"[#&](sha(?:256|384|512))=[0-9a-f]+", re.IGNORECASE)


class DirectUrlWithoutHash(BaseRule):
    """A wheel is named by its address, without a hash of its bytes.

    *What it does*: looks for addresses of wheels without `#sha256=...`, `#sha384=...` or `#sha512=...`. An address
    without `name @` in front, which only pip understands, is an error, and so is one with another hash than sha256, by
    which wheels are locked; `--target azure`, where pip installs them, takes both.

    *Why it breaks*: what lies at the address can change, or go, between two builds of the same model.

    *Example*: `en-core-web-sm @ https://github.com/.../en_core_web_sm-3.7.1-py3-none-any.whl`.

    *Use instead*: the same with `#sha256=` and the hash behind it (`sha256sum FILE` prints it).

    *Source*: PEP 508; pip, "Secure installs"; spaCy, "Models & Languages".
    """

    code = "EB607"
    name = "direct-url-without-hash"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such address."""
        with_hash = hashed(model.environment)
        for source, spans in placed(model, target, "wheel address"):
            shown = redact(source.address)
            if source.requirement is None and not target.azure:
                name, _ = source.wheel
                yield self.finding(
                    f"{shown!r} is the address of a wheel without the name of its package",
                    hint=f"write `{name or 'name'} @ {shown}`, best with #sha256= and its hash behind it",
                    spans=spans,
                    severity="error",
                )
                continue
            kinds = {found[1].lower() for found in _HASH.finditer(source.address)}
            if kinds and "sha256" not in kinds and not target.azure:
                yield self.finding(
                    f"{shown!r} tells the {min(kinds)} of the wheel, which is locked by its sha256: nothing is built",
                    hint="write #sha256= and that hash in its place; `sha256sum FILE` prints it",
                    spans=spans,
                    severity="error",
                )
            elif not kinds and source.span not in with_hash:
                yield self.finding(
                    f"{shown!r} is taken as it is found: nothing tells whether it has changed",
                    hint="write #sha256= and the hash of the wheel behind it; `sha256sum FILE` prints it",
                    spans=spans,
                )
