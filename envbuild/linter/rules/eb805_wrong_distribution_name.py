"""EB805: a module's name in the place of the distribution that brings it."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model, Requirement
from ...patterns import pattern
from ..base import BaseRule
from ..editing import may_edit, removed, renamed, requirements_of, spans_of
from ..types import Edit, Finding, Target

_PINNED = pattern(r"[=!]=\s*[0-9]+(?:\.[0-9]+)*")


class WrongDistributionName(BaseRule):
    """A requirement names a module, where the package that brings it has another name.

    *What it does*: looks for the names of modules that people often list, such as sklearn, cv2, PIL and yaml.

    *Why it breaks*: PyPI has nothing of that name, or a package that stops with a message: "The 'sklearn' PyPI package
    is deprecated, use 'scikit-learn'".

    *Example*: `- sklearn==1.3.2`.

    *Use instead*: `- scikit-learn==1.3.2`; `--fix` writes the right name. A version that only the wrong name had
    (`sklearn==0.0`) gives way to the one that MLmodel records; without one, the version is for a person to choose.
    `cv2==4.8.0` becomes `opencv-python-headless==4.8.0.*`, whose versions have a fourth number.

    *Source*: PyPI, sklearn, "brownout"; mlflow/mlflow, requirements inference (module to distribution).
    """

    code = "EB805"
    name = "wrong-distribution-name"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each wrong name."""
        names = load_json("wrong_names.json")["names"]
        for name in dict.fromkeys(r.name for r in model.environment.pip if not r.url):
            if name in names:
                yield self.finding(
                    f"{name} is the name of a module: the package that brings it is {names[name]}",
                    hint=f"list {names[name]} instead",
                    spans=spans_of(model, name),
                    edits=_edits(model, name, names[name]),
                )


def _edits(model: Model, name: str, right: str) -> tuple[Edit, ...]:
    """The right name in every file; where it is listed already, the wrong line goes."""
    if requirements_of(model, right):
        edits = [removed(model, requirement) for requirement in requirements_of(model, name)] if may_edit(model) else []
        return tuple(edit for edit in edits if edit is not None) if None not in edits else ()
    facts, lines = load_json("wrong_names.json"), requirements_of(model, name)
    if any(_pins(requirement, alias) for alias in facts["aliases"].get(name, ()) for requirement in lines):
        recorded = _recorded(model, right)
        return renamed(model, name, right, specifier=recorded) if recorded else ()
    asked = {requirement.specifier for requirement in lines}
    whole = {_completed(specifier, facts["parts"].get(right, 0)) for specifier in asked}
    if whole == asked:
        return renamed(model, name, right)
    # Files that disagree get no version from here.
    return renamed(model, name, right, specifier=whole.pop()) if len(asked) == 1 else ()


def _pins(requirement: Requirement, alias: str) -> bool:
    """Whether the version is one of the wrong name's own: `==0.0`, `==0.0.post1`."""
    version = requirement.specifier.removeprefix("==").strip()
    return requirement.specifier.startswith("==") and (
        version == alias or version.startswith((f"{alias}.", f"{alias}-"))
    )


def _completed(specifier: str, parts: int) -> str:
    """The specifier, with `.*` behind each pinned version that has fewer than so many numbers."""
    return ",".join(
        f"{clause}.*" if _PINNED.fullmatch(clause) and clause.count(".") + 1 < parts else clause
        for clause in specifier.replace("===", "==").split(",")
    )


def _recorded(model: Model, right: str) -> str:
    """The version of the package that the model's flavor records, as a pin; empty where none does."""
    flavors = model.mlmodel.flavors if model.mlmodel is not None else {}
    flavor = flavors.get({"scikit-learn": "sklearn", "torch": "pytorch"}.get(right, ""), {})
    version = flavor.get({"scikit-learn": "sklearn_version", "torch": "pytorch_version"}.get(right, ""), "")
    return f"=={version}" if isinstance(version, str) and version[:1].isdecimal() and "+" not in version else ""
