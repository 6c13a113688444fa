"""EB302: the scoring script's monitoring is not among the model's requirements."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..listed import ListedRule
from ..types import Finding, Target

_MODULE = "azureml.ai.monitoring"


class MonitoringMissing(ListedRule):
    """The package that Azure ML's scoring script imports is not listed by the model.

    *What it does*: looks for `azureml-ai-monitoring` by name among the model's requirements, when the server is
    `azureml`. With a scoring script that does not import `azureml.ai.monitoring` this is a warning.

    *Why it breaks*: Azure ML's generated script begins with `from azureml.ai.monitoring import Collector`, so the
    deployment stops at "No module named 'azureml.ai'".

    *Example*: a conda.yaml that lists azureml-inference-server-http alone.

    *Use instead*: `--fix` writes the package into the model's files, `--inject` adds it to one build, and other servers
    (`--server envbuild`, `--server mlflow`) do without it.

    *Source*: Azure/azureml-examples issues 3904, 3923 and 4008.
    """

    code = "EB302"
    name = "monitoring-missing"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each missing package."""
        # What a script imports that cannot be read is not known.
        script = target.script
        needed = script is None or script.problem is not None or script.imports_module(_MODULE)
        yield from self.missing(
            model,
            target,
            severity="error" if needed else "warning",
            consequence="the scoring script imports it at start"
            if needed
            else "this scoring script does not import it, Azure ML's own would",
        )
