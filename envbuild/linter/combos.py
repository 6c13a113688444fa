"""What the rules on package combinations share: whose image is judged, and how grave a finding is there.

envbuild puts most bad pairs right in its own image. A finding on the files alone is then a warning for everybody else
who installs from them, and an error where Azure ML does.
"""

from __future__ import annotations

from ..model.types import Model
from .pins import Pins, pins_of
from .types import Severity, Target

SERVER = "azureml-inference-server-http"
MONITORING = "azureml-ai-monitoring"
CONTRIB = "azureml-contrib-services"


def on_azureml(target: Target) -> bool:
    """Whether the Azure ML inference server answers: Azure's own image has no other."""
    return serving(target) == "azureml"


def serving(target: Target) -> str:
    """The name of the server that answers."""
    return "azureml" if target.azure else target.server.name


def for_others(target: Target) -> Severity:
    """How grave it is where envbuild puts it right and Azure does not."""
    return "error" if target.azure else "warning"


def who_breaks(target: Target) -> str:
    """The subject of a sentence on what the files give as they are."""
    return "Azure ML" if target.azure else "pip or Azure ML"


def mlflow_of(model: Model, target: Target) -> Pins:
    """What the files ask of mlflow, whole or else skinny."""
    whole = pins_of(model, target, "mlflow")
    return whole if whole.listed else pins_of(model, target, "mlflow-skinny")
