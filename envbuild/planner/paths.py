"""Where things lie in every image. Paths have no leading slash, as in a layer's tar."""

from __future__ import annotations

PREFIX = "opt/envbuild"
MODEL_PARENT = "var/azureml-app/azureml-models/model/1"
MODEL_FOLDER = "model"
MODEL = f"{MODEL_PARENT}/{MODEL_FOLDER}"
# SageMaker and MLflow's own images look for the model here.
MODEL_ALIAS = "opt/ml/model"
CODE = "var/azureml-app/code"
# What the image was made from, for whoever makes it anew.
RECORD = f"{PREFIX}/build.json"
USER = "65532:65532"


def site_packages(minor: str) -> str:
    """The site-packages folder for Python `minor` (`3.11`)."""
    return f"{PREFIX}/lib/python{minor}/site-packages"
