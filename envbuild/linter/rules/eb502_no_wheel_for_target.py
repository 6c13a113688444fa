"""EB502: a package without a wheel for the image's Python and platform."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.foreign import foreign
from ...model.requirement import canonical_name
from ...model.types import Model
from ..base import BaseRule
from ..editing import requirements_of, spans_of
from ..types import Failure, Finding, Target

_NAME = r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)"
_SOURCE = re.compile(
    rf"Wheels are required for `{_NAME}`|\b{_NAME.replace('name', 'other')}[=<>!~][^\s]* has no usable wh"
)
_TAG = re.compile(rf"\b{_NAME}(?P<pin>[=<>!~][^\s]*)? has no wheels with a matching (?P<kind>[\w ]+?) tag")
_FOUND = re.compile(r"hint: [^\n]*`(?P<name>[^`]+)` \(v[^)]*\)[^\n]*: (?P<tags>`[^\n]+)")
_BUILD = "; --allow-build {} builds it from source, in a sandbox of the base"
_OTHER_PYTHON = "with --python the Python that it has wheels for"


class NoWheelForTarget(BaseRule):
    """A listed package has no wheel for the Python and the platform of the image.

    *What it does*: reads the resolver's words when it finds no set of packages: which of the packages listed are
    published as source alone, or as wheels for other versions of Python or other platforms.

    *Why it breaks*: an image is laid down from wheels. Source would have to be compiled, with a compiler, headers and
    the package's own build code.

    *Example*: `numpy==1.23.5` with Python 3.12, which has wheels up to Python 3.11.

    *Use instead*: the Python that logged the model (`--python 3.11`), or a version of the package that has a wheel; or
    `--allow-build NAME`, which builds it in a sandbox of the base. There is no compiler in it: what is Python alone
    comes out as a wheel, and what has C in it does not.

    *Source*: PEP 425; mlflow/mlflow issue 8935.
    """

    code = "EB502"
    name = "no-wheel-for-target"

    def check_failure(self, model: Model, target: Target, failure: Failure) -> Iterator[Finding]:
        """One finding for each listed package that the explanation names so."""
        from ...resolver.target import platform_with_wheels  # the room is slow to load, and no rule needs it at first

        said = failure.explanation
        kinds = {canonical_name(found["name"]): found["kind"] for found in _TAG.finditer(said)}
        for found in _SOURCE.finditer(said):
            kinds.setdefault(canonical_name(found["name"] or found["other"]), "")
        tags = {canonical_name(found["name"]): found["tags"].replace("`", "") for found in _FOUND.finditer(said)}
        listed = [name for name in kinds if requirements_of(model, name) and foreign(name) is None]
        # A package deep inside is named for want of a better one: alone, it is the reason.
        for name in listed or [name for name in kinds if len(kinds) == 1 and foreign(name) is None]:
            kind = kinds[name]
            minor = ".".join(failure.python.split(".")[:2])
            if kind.startswith("Python"):
                where = f"Python {minor}"
            elif kind:
                where = failure.platform
            else:
                where = f"Python {minor} on {failure.platform}"
            has = f"; it has wheels for {tags[name]}" if name in tags else ""
            other = platform_with_wheels(tags.get(name, ""), failure.platform)
            way = f"build for {other}, which has them, with --platform" if other else _OTHER_PYTHON
            yield self.finding(
                f"{_shown(model, name)} has no wheel for {where}{has}",
                hint=f"choose a version that has a wheel, or {way}{'' if kind else _BUILD.format(name)}",
                spans=spans_of(model, name),
            )


def _shown(model: Model, name: str) -> str:
    return next((name + r.specifier for r in requirements_of(model, name)), name)
