"""EB404: requirements that take any later version."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ..base import BaseRule
from ..conda_lines import takes_later
from ..editing import requirements_of, respecified
from ..pins import pins_of
from ..types import Edit, Finding, Locked, Target

# What envbuild's own fixes write without a version: the resolver chooses what fits the rest.
_ITS_OWN = frozenset(
    {
        "azureml-ai-monitoring",
        "azureml-contrib-services",
        "azureml-inference-server-http",
    }
)
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
_MLFLOW = frozenset({"mlflow", "mlflow-skinny"})
_SHOWN = 8


class UnpinnedDependency(BaseRule):
    """Requirements without a version, or without an upper bound: the image of tomorrow gets other packages.

    *What it does*: looks for direct requirements, of pip and of conda, that have neither an exact version nor an upper
    bound. What the server needs and the fixes of other rules add is no finding by itself, since each build chooses the
    server that fits the rest; where other packages are unpinned, its lines are named with them.

    *Why it breaks*: the model is the same, and one day a new release does not load it. Deployments that listed `mlflow`
    alone broke at its versions 2.16 and 3.7.

    *Example*: `- mlflow` and `- scikit-learn>=1.0` in conda.yaml.

    *Use instead*: the versions that logged the model, `==`. With the lock at hand the fix writes the versions that were
    chosen now; `envbuild lock` keeps all of them in a file.

    *Source*: mlflow/mlflow issues 7369, 3043 and 2979; Azure/azureml-examples issues 3377, 3873 and 3885.
    """

    code = "EB404"
    name = "unpinned-dependency"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding, which names all lines."""
        names = _unpinned(model, target)
        if names:
            logged = model.mlmodel.mlflow_version if model.mlmodel is not None else ""
            hint = "write `==` and the version that logged the model"
            if _MLFLOW & set(names) and logged:
                hint += f", such as mlflow=={logged}, which MLmodel names"
            yield self._unpinned(model, target, names, hint, ())

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """The same, with the chosen versions as the fix."""
        names = _unpinned(model, target)
        if not names:
            return
        chosen = {name: locked.version(name) or (locked.lock.mlflow if name in _MLFLOW else "") for name in names}
        pinned = [f"{name}=={version}" for name, version in chosen.items() if version]
        # A line for pip beside that of conda would list the package twice.
        of_conda = {dependency.name for dependency in model.environment.conda}
        edits = [
            edit
            for name, version in chosen.items()
            if version and name not in of_conda
            for edit in respecified(model, name, f"=={version}")
        ]
        shown = ", ".join(pinned[:_SHOWN]) + (" …" if len(pinned) > _SHOWN else "")
        yield self._unpinned(model, target, names, f"what was chosen now: {shown}", tuple(edits))

    def _unpinned(self, model: Model, target: Target, names: list[str], hint: str, edits: tuple[Edit, ...]) -> Finding:
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        message = f"{shown} {_have(names)} no exact version"
        servers = [name for name in _open_ended(model, target) if name in _of_server(target) - _TOOLS]
        if servers:
            message += f", nor {_have(servers)} {', '.join(servers)}, which a server needs"
        message += ": the next build may get another"
        if _MLFLOW & set(names):
            message += "; unpinned mlflow broke deployments at 2.16 and at 3.7"
        return self.finding(message, hint=hint, spans=_spans(model, names + servers), edits=edits)


def _unpinned(model: Model, target: Target) -> list[str]:
    """The names of the packages that make a finding, in the order of their lines."""
    return [name for name in _open_ended(model, target) if name not in _of_server(target) | _TOOLS]


def _of_server(target: Target) -> frozenset[str]:
    return _ITS_OWN | {package.name for package in target.server.packages if package.listed}


def _open_ended(model: Model, target: Target) -> list[str]:
    """The names of all packages that take any later version, in the order of their lines."""
    open_ended = [d.name for d in model.environment.conda if takes_later(d.text)]
    for requirement in model.environment.pip:
        if not requirement.url and _has_no_end(requirement.specifier):
            pins = pins_of(model, target, requirement.name)
            if pins.listed and not pins.unknown and all(_has_no_end(s) for s in pins.specifiers):
                open_ended.append(requirement.name)
    return list(dict.fromkeys(open_ended))


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _has_no_end(specifier: str) -> bool:
    return not any(sign in specifier for sign in ("==", "~=", "<"))


def _spans(model: Model, names: list[str]) -> list[Span]:
    spans = [d.span for d in model.environment.conda if d.name in names]
    for name in names:
        spans += [r.span for r in requirements_of(model, name) if not r.url and _has_no_end(r.specifier)]
    return spans
