"""EB301: the server is not among the model's requirements."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ..listed import ListedRule
from ..types import Finding, Target


class ServerMissing(ListedRule):
    """The chosen server's package is not listed by the model.

    *What it does*: looks for `azureml-inference-server-http` by name among the model's requirements, when the server is
    `azureml`. That another package would bring it does not count.

    *Why it breaks*: the container has nothing to start; Azure ML reports "azureml-inference-server-http not found".

    *Example*: the conda.yaml of `mlflow.sklearn.log_model`, which lists no server.

    *Use instead*: `--fix` writes the package into the model's files, `--inject` adds it to one build, and other servers
    (`--server envbuild`, `--server mlflow`) bring their own packages.

    *Source*: Azure/azureml-examples issue 2760; MicrosoftLearning/mslearn-aml-cli issue 5.
    """

    code = "EB301"
    name = "server-missing"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each missing package."""
        yield from self.missing(model, target, severity="error", consequence="the image would have nothing to start")
