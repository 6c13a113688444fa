"""EB015: the model needs something that is not in the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model.types import Model, Span
from ..base import BaseRule, key_spans
from ..types import Finding, Target

_VARIABLES = "environment_variables.txt"


class NeedsExternalResource(BaseRule):
    """The model uses environment variables, services or files from outside.

    *What it does*: looks for `env_vars`, `environment_variables.txt`, `resources` and `auth_policy`, and for artifacts
    that do not lie in the folder.

    *Why it breaks*: a container without them fails at the first request that needs them.

    *Example*: a model that read `OPENAI_API_KEY` while it was logged.

    *Use instead*: `docker run --env NAME`, or `--env NAME=VALUE` for what is no secret; log artifacts with the model.

    *Source*: MLflow, `mlflow.models.resources`; `MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING`.
    """

    code = "EB015"
    name = "needs-external-resource"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each kind of resource."""
        if model.mlmodel is None:
            return
        raw = model.mlmodel.raw
        names = raw.get("env_vars")
        listed = sorted({str(n) for n in names}) if isinstance(names, list) else []
        recorded = any(f.path == _VARIABLES for f in model.files)
        if listed or recorded:
            what = ": " + ", ".join(listed)[:300] if listed else f": see {_VARIABLES}"
            yield self.finding(
                f"the model read environment variables when it was logged{what}",
                hint="give them to the container: docker run --env NAME ...",
                spans=key_spans(model, "env_vars") if listed else [Span(file=_VARIABLES)],
            )
        for key in ("resources", "auth_policy"):
            if raw.get(key):
                yield self.finding(
                    f"the model uses services of a platform (`{key}` in MLmodel), which the container must reach",
                    hint="check that they can be reached, and signed in to, from where the container runs",
                    spans=key_spans(model, key),
                )
        outside = sorted(_artifacts_outside(model))
        if outside:
            yield self.finding(
                f"artifacts that are not in the model folder are loaded at start: {', '.join(outside)[:300]}",
                hint="log the model with its artifacts, so that they are copied into the folder",
                spans=key_spans(model, "flavors.python_function.artifacts"),
            )


def _artifacts_outside(model: Model) -> Iterator[str]:
    artifacts = model.mlmodel.flavors.get("python_function", {}).get("artifacts") if model.mlmodel else None
    if not isinstance(artifacts, Mapping):
        return
    paths = [f.path for f in model.files]
    for name, entry in artifacts.items():
        path = entry.get("path") if isinstance(entry, Mapping) else None
        relative = path.replace("\\", "/").strip("/") if isinstance(path, str) else ""
        if not relative or not any(p == relative or p.startswith(relative + "/") for p in paths):
            yield str(name)
