"""EB606: a requirement that is source code: a folder, an archive, an editable install."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.redact import redact
from ...model.types import Model
from ..base import BaseRule
from ..sources import Source, placed
from ..types import Finding, Target


class EditableOrDir(BaseRule):
    """A requirement is an editable install, a folder, or an archive of source.

    *What it does*: looks for `-e`, for paths, and for addresses that are no wheel.

    *Why it breaks*: an editable install points at a folder that the image does not have. A folder or an archive would
    have to be built, by build code of its own, and conda-lock drops such lines without a word.

    *Example*: `- -e .`, `- ./mylib`, `- https://example.com/mylib-1.2.tar.gz`.

    *Use instead*: a wheel (`pip wheel --no-deps ./mylib`) on an index or in a folder that UV_FIND_LINKS names, and
    `- mylib==1.2`; or `code_paths=["mylib"]` in `log_model`, which copies plain modules into the model.

    *Source*: pip, "Local project installs"; conda-lock, its parser of environment files.
    """

    code = "EB606"
    name = "editable-or-dir"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each such line."""
        for source, spans in placed(model, target, "editable", "source path", "source address"):
            yield self.finding(
                f"{redact(source.text)!r} {_what(source)}",
                hint="build a wheel of it (`pip wheel --no-deps`), put it on your index or into a folder that "
                "UV_FIND_LINKS names, and list it as name==version; plain modules can be logged with code_paths",
                spans=spans,
            )


def _what(source: Source) -> str:
    if source.kind == "editable":
        return "is an editable install, which an image cannot hold"
    if source.kind == "source address":
        return "is no wheel, and would have to be built"
    return "is a path to source, which would have to be built"
