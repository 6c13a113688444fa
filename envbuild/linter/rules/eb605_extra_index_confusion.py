"""EB605: two indexes, and packages that either may give."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..base import BaseRule
from ..types import Finding, Target


class ExtraIndexConfusion(BaseRule):
    """The model names an extra package index, and lists packages without an exact version.

    *What it does*: looks for `--extra-index-url` beside requirements that are not pinned with `==`.

    *Why it breaks*: pip takes the highest version that any of the indexes offers. Whoever puts a higher version of your
    internal package on the public index gets it into the image. envbuild itself honours no index line of a model.

    *Example*: `--extra-index-url https://pypi.example.com/simple` and `- mylib`.

    *Use instead*: `mylib==1.2`, and for the build UV_INDEX=internal=https://pypi.example.com/simple: uv takes each
    package from the first index that has it.

    *Source*: uv, "Searching across multiple indexes"; mlflow/mlflow issue 22881 and pull request 22921.
    """

    code = "EB605"
    name = "extra-index-confusion"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, at the index lines and the loose requirements."""
        lines = [line for line in model.environment.lines if line.text.startswith("--extra-index-url")]
        loose = [r for r in model.environment.pip if not r.url and not _exact(r.specifier) and r.name != "pip"]
        if not lines or not loose:
            return
        names = list(dict.fromkeys(requirement.name for requirement in loose))
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield self.finding(
            f"pip takes {shown} from whichever of the indexes has the highest version",
            hint="pin them with ==, and name the index in UV_INDEX for the build: there the first index that has a "
            "package wins; envbuild passes this line over",
            spans=[*(line.span for line in lines), *(requirement.span for requirement in loose[:5])],
        )


def _exact(specifier: str) -> bool:
    return any(clause.startswith("==") and not clause.endswith(".*") for clause in specifier.split(","))
