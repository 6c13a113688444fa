"""EB607: a wheel at an address that promises nothing of its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.redact import redact
from ...model.types import Model
from ..base import BaseRule
from ..hashes import hashed
from ..sources import placed
from ..types import Finding, Target


class DirectUrlWithoutHash(BaseRule):
    """A wheel is named by its address, without a hash of its bytes.

    *What it does*: looks for addresses of wheels without `#sha256=...`. An address without `name @` in front, which
    only pip understands, is an error.

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
            elif "#sha256=" not in source.address and source.span not in with_hash:
                yield self.finding(
                    f"{shown!r} is taken as it is found: nothing tells whether it has changed",
                    hint="write #sha256= and the hash of the wheel behind it; `sha256sum FILE` prints it",
                    spans=spans,
                )
