"""EB503: a version with a local label, which the package index does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.markers import may_hold
from ...model.types import Model, Requirement
from ..base import BaseRule
from ..editing import may_edit, replaced, requirements_of, spans_of
from ..pins import python_of
from ..sources import MOST
from ..types import Edit, Finding, Target

_LABEL = re.compile(r"(?P<clause>={2,3}\s*[0-9][^+,;\s]*)(?P<label>\+[A-Za-z0-9._-]+)")
# A build of one's own, which another rule knows.
_OWN_BUILDS = frozenset({"mlflow", "mlflow-skinny"})
# What `--accelerator` chooses the builds of.
BUILT = frozenset({"pytorch-triton", "torch", "torchaudio", "torchtext", "torchvision"})
_INDEX = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")


class LocalVersionLabel(BaseRule):
    """A package is pinned to a version with a local label, such as `+cu118`.

    *What it does*: looks for `==` with a local version label, on lines that count in the image. Where
    `--accelerator` or one of uv's own variables names another index (UV_INDEX and the like) this is a warning: the
    resolution shows what that index has. A label of torch that is the one of `--accelerator` is no finding.

    *Why it breaks*: PyPI takes no versions with a label, so there is no such version. PyTorch has them on an index of
    its own, and an index line inside a model is not honoured.

    *Example*: `- torch==2.1.0+cu118`, as `pip freeze` prints it.

    *Use instead*: `- torch==2.1.0`, and `--accelerator cpu` (or cuda118) when the image is built.
    `--unsafe-fixes` strips the label; the same version of another build may round differently.

    *Source*: PEP 440, local version identifiers; mlflow/mlflow issue 4340, `_strip_local_version_label`.
    """

    code = "EB503"
    name = "local-version-label"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each package."""
        told: set[str] = set()
        lines = model.environment.lines
        # Azure ML's build runs pip, which honours the index lines of the model.
        indexed = target.azure and any(line.text.startswith(_INDEX) for line in lines)
        python = python_of(model, target)
        here = (r for r in model.environment.pip if may_hold(r.marker, python, target.platform))
        for requirement in here:
            found = None if requirement.url or requirement.name in _OWN_BUILDS else _LABEL.search(_head(requirement))
            if found is None or indexed or requirement.name in told or _chosen(requirement, found["label"], target):
                continue
            if len(told) == MOST:
                return
            told.add(requirement.name)
            own = target.own_indexes and not target.azure
            shown = f"{requirement.name}{found[0]}".replace(" ", "")
            edits = _stripped(model, requirement.name)
            ways = [f"write {shown.partition('+')[0]}" + (", as --unsafe-fixes does" if edits else "")]
            if _of_torch(requirement):
                ways.append("build with --accelerator cpu, or the CUDA that you want")
            if own:
                ways.append("another index is named, and the resolution will show whether it has it")
            yield self.finding(
                f"{shown} asks for a build that the package index does not have: PyPI takes no versions with a label",
                hint="; ".join(ways),
                spans=spans_of(model, requirement.name),
                edits=edits,
                severity="warning" if own else "error",
                safe=False,
            )


def _stripped(model: Model, name: str) -> tuple[Edit, ...]:
    if not may_edit(model):
        return ()
    edits: list[Edit | None] = []
    for requirement in requirements_of(model, name):
        head = _head(requirement)
        new = _LABEL.sub(lambda found: found["clause"], head)
        if new != head and model.may_hold(requirement):
            edits.append(replaced(model, requirement.span, head, new, drops=(requirement.text,)))
    return tuple(edit for edit in edits if edit is not None) if None not in edits else ()


def _head(requirement: Requirement) -> str:
    return requirement.text.partition(";")[0].rstrip()


def _chosen(requirement: Requirement, label: str, target: Target) -> bool:
    """Whether `--accelerator` asks for just these builds."""
    own = requirement.name in BUILT and not target.azure
    return own and bool(target.accelerator) and label == f"+{target.accelerator.replace('cuda', 'cu')}"


def _of_torch(requirement: Requirement) -> bool:
    return requirement.name.startswith("torch") or requirement.name in ("pytorch-triton", "xformers")
