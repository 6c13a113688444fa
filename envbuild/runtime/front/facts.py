"""What there is to tell of the model or script that is served: for /docs and /openapi.json."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import StartError
from ..protocols.outline import outline, version
from .context import Context
from .example import is_unified, specs_of
from .samples import samples

FLAVORS = ("python_function",)
"""What every model has beside its own."""


@dataclass(frozen=True)
class Facts:
    """A model's name, origin, signature and example. Of a script only its name and example are known."""

    name: str
    version: str = "1"
    """The version by which the Open Inference protocol calls it."""
    script: bool = False
    inputs: Sequence[Mapping[str, Any]] = ()
    """The signature's entries, as MLmodel writes them."""
    outputs: Sequence[Mapping[str, Any]] = ()
    params: Sequence[Mapping[str, Any]] = ()
    typed: bool = False
    """The signature comes from Python type hints."""
    tensors: Sequence[Mapping[str, Any]] = ()
    """The inputs as the Open Inference protocol names them."""
    origin: tuple[tuple[str, str], ...] = ()
    """Flavor, versions and date: titles and texts."""
    samples: Mapping[str, Any] = field(default_factory=dict)
    """A request's body by kind: `score`, `invocations`, `infer`."""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    """Of a script with decorators: `ScoreRequest` and `ScoreAnswer`."""

    compat: str = ""
    """The server whose errors are imitated: `azureml`, `mlflow` or none."""

    @property
    def unified(self) -> bool:
        """Whether /invocations may take a chat, a prompt or a text to embed: the model's input as a whole."""
        named = {spec["name"]: spec for spec in self.inputs if spec.get("name") is not None}
        return not self.typed and (not self.inputs or is_unified(named))


def facts_of(context: Context) -> Facts:
    """Read the facts of what `context` serves; what cannot be read is left out."""
    name = context.settings.model_name
    if context.script:
        return script_facts(name, context.pool.about)
    try:
        found = model_facts(name, context.mlmodel, context.folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StartError):
        # The worker says what is wrong with the model.
        found = Facts(name)
    return replace(found, compat=context.settings.compat)


def script_facts(name: str, about: Mapping[str, Any]) -> Facts:
    """Return the facts of a scoring script by what its worker says: the schemas of its decorators, if it has any."""
    swagger = about.get("swagger") or {}
    said = next((swagger[version] for version in ("3.1", "3", "2") if swagger.get(version)), None)
    if said is None:
        return Facts(name, script=True)
    schemas = {"ScoreRequest": said["input"], "ScoreAnswer": said["output"]}
    example = said["input"].get("example")
    return Facts(name, script=True, schemas=schemas, samples={} if example is None else {"score": example})


def model_facts(name: str, mlmodel: Mapping[str, Any], folder: Any) -> Facts:
    """Return the facts of a model by its MLmodel and the folder with its example; ValueError and such for a bad one."""
    inputs, outputs, params = specs_of(mlmodel)
    return Facts(
        name,
        version=version(os.environ),
        inputs=inputs,
        outputs=outputs,
        params=params,
        typed=bool(mlmodel.get("is_signature_from_type_hint")),
        tensors=outline(mlmodel).inputs,
        origin=tuple(_origin(mlmodel)),
        samples=samples(mlmodel, folder),
    )


def _origin(mlmodel: Mapping[str, Any]) -> list[tuple[str, str]]:
    flavors = _mapping(mlmodel.get("flavors"))
    own = [name for name in flavors if name not in FLAVORS]
    found = []
    for name in own[:1]:
        entries = _mapping(flavors[name]).items()
        versions = [value for key, value in entries if str(key).endswith("_version") and value]
        found.append(("Flavor", f"{name} {versions[0] if versions else ''}".strip()))
    if not own:
        found.append(("Flavor", "pyfunc"))
    found.append(("Python", str(_mapping(flavors.get("python_function")).get("python_version") or "")))
    found.append(("MLflow", str(mlmodel.get("mlflow_version") or "")))
    found.append(("Logged", str(mlmodel.get("utc_time_created") or "")[:16]))
    return [(title, text) for title, text in found if text]


def _mapping(value: Any) -> Mapping[Any, Any]:
    """Return what MLmodel has in a place where names belong; nothing of what else may stand there."""
    return value if isinstance(value, Mapping) else {}
