from lintcases import MLMODEL, Case, script

from envbuild.model.types import Pickle
from envbuild.resolver.types import WheelContents

PACKAGES = {"mlflow-skinny": "3.17.2", "scikit-learn": "1.9.1", "google-api": "1.0"}
CONTENTS = {
    "mlflow-skinny": WheelContents(
        name="mlflow-skinny", version="3.17.2", modules=frozenset({"mlflow", "mlflow.pyfunc"})
    ),
    "scikit-learn": WheelContents(
        name="scikit-learn",
        version="1.9.1",
        modules=frozenset({"sklearn", "sklearn.linear_model", "sklearn.linear_model._ridge", "sklearn._loss._loss"}),
    ),
    "google-api": WheelContents(name="google-api", version="1.0", modules=frozenset({"google.api.http"})),
}
CODE = MLMODEL.replace("    model_path:", "    code: code\n    model_path:")
HEAD = "def init(): ...\ndef run(data): ...\n"


def pickled(*modules: str, names: tuple[str, ...] = (), file: str = "model.pkl", **more) -> Case:
    found = Pickle(file=file, modules=frozenset(modules), globals=frozenset(names), member=more.pop("member", ""))
    return Case(pickles=(found,), **{"packages": PACKAGES, "contents": CONTENTS, **more})


def beside(*wheels: str, **more) -> dict:
    """The packages of a case with wheels that have these modules, named by their tops."""
    made = {f"wheel-{n}": wheel.split() for n, wheel in enumerate(wheels)}
    return {
        "packages": {**PACKAGES, **dict.fromkeys(made, "1.0")},
        "contents": {
            **CONTENTS,
            **{name: WheelContents(name=name, version="1.0", modules=frozenset(found)) for name, found in made.items()},
        },
        **more,
    }


def scored(source: str, *beside: str, python: str = "3.11.7", **more) -> Case:
    target = {"script": script(source + HEAD, *beside)}
    return Case(target=target, python=python, **{"packages": PACKAGES, "contents": CONTENTS, **more})


MAIN = (Pickle(file="model.pkl", modules=frozenset({"__main__"}), globals=frozenset({"__main__.Scaler"})),)
AZURE = ("azure.core azure.core.pipeline", "azureml azureml.ai azureml.ai.monitoring")
TRIGGERS = [
    Case(pickles=(Pickle(file="model.pkl", globals=frozenset({"__main__.Scaler"})),), says="Scaler of __main__"),
    Case(pickles=(Pickle(file="x.pkl", globals=frozenset({"__main__.A"})),), severity="warning", at=("x.pkl:1",)),
    pickled("features.scaling", says="imports features", at=("model.pkl:1",)),
    pickled("sklearn.linear_model.coordinate_descent", says="the image's version of sklearn does not have"),
    pickled("features", file="notes.pkl", severity="warning"),
    pickled("features", names=("__main__.A",), says="__main__"),
    scored("import features\n", at=("score.py:1",), says="imports features"),
    scored("def load():\n    import features\n", severity="warning"),
    scored("import os\nif os.name == 'nt':\n    import winhelp\n", severity="warning", says="winhelp"),
    scored("def load():\n    import features\nimport features\n", at=("score.py:3",)),
    scored("import distutils\n", python="3.12.4", says="distutils"),
    scored("import tomllib\n", python="3.10.13", says="tomllib"),
    scored("try:\n    import features\nfinally:\n    pass\n"),
    Case(target={"script": script("from .helper import double\n" + HEAD)}, at=("score.py:1",), says="from .helper"),
    # A script may put the class where the pickle looks for it.
    Case(
        pickles=MAIN,
        target={
            "script": script("import __main__\nfrom feats import Scaler\n__main__.Scaler = Scaler\n" + HEAD, "feats")
        },
        severity="warning",
        says="Scaler of __main__",
        packages=PACKAGES,
        contents=CONTENTS,
    ),
    Case(
        pickles=MAIN,
        target={"script": script("import sys, feats\nsys.modules['__main__'].Scaler = feats.Scaler\n" + HEAD, "feats")},
        severity="warning",
    ),
    Case(pickles=MAIN, target={"script": script("if __name__ == '__main__':\n    run(1)\n" + HEAD)}),
    # A pickle beside the code that nothing loads, in a folder that MLmodel names.
    pickled(
        "__main__",
        names=("__main__.A",),
        file="code/tests/fixture.pkl",
        files={"MLmodel": CODE, "code/tests/fixture.pkl": b"x"},
        severity="warning",
    ),
    pickled("__torch__.models", says="imports __torch__"),
    # Folders that many packages share.
    scored(
        "from azureml.core.model import Model\n", **beside(*AZURE), says="imports azureml.core, which is in no package"
    ),
    scored("import azure.identity\n", **beside(*AZURE), says="imports azure.identity,"),
    scored("from azure import core, identity\n", **beside(*AZURE), says="imports azure.identity,"),
    scored("import google.cloud.storage\n", says="imports google.cloud,"),
    pickled("azureml.automl.core.featurizer", **beside(*AZURE), says="imports azureml.automl, which is in no package"),
    scored("try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    import features\n", severity="warning"),
    scored("import sys\nif sys.version_info >= (3, 11):\n    import features\n", at=("score.py:3",)),
    scored("import sys\nif sys.version_info < (3, 11):\n    import old\nelse:\n    import features\n", says="features"),
    Case(target={"script": script("import sys\nif sys.version_info >= (3, 9):\n    from . import a\n" + HEAD)}),
    scored("import distutils\n", python="3.12.4", **beside("setuptools setuptools._distutils")),
]
NEAR_MISSES = [
    pickled("sklearn.linear_model._ridge", "collections", "builtins", "copy_reg", "__builtin__", "google.api.http"),
    # scikit-learn's extension module called itself by its last name.
    pickled("_loss"),
    pickled("features.scaling", files={"MLmodel": CODE, "code/features/scaling.py": ""}),
    pickled("features", files={"MLmodel": CODE, "code/features.py": ""}),
    # A wheel that could not be read may have it.
    Case(pickles=(Pickle(file="model.pkl", modules=frozenset({"features"})),), packages={**PACKAGES, "other": "1"}),
    Case(pickles=(Pickle(file="model.pkl", modules=frozenset({"features"})),)),
    scored("import json, mlflow.pyfunc\nfrom google.api import http\nimport envbuild_runtime\n"),
    scored("try:\n    import features\nexcept ImportError:\n    features = None\n"),
    scored("from contextlib import suppress\nwith suppress(ImportError):\n    import features\n"),
    scored("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import features\n"),
    scored("import features\n", "features"),
    scored("import score\nimport distutils\n"),
    scored("import features\n", files={"MLmodel": CODE, "code/features.py": ""}),
    Case(target={"script": script("def run(:\n")}, packages=PACKAGES, contents=CONTENTS),
    # The types of a TorchScript model lie in its archive.
    pickled("__torch__.torchvision.models.resnet", "collections", member="model/data.pkl"),
    scored("import __main__\n__main__.threshold = 1\n"),
    scored("import distutils.util\n", python="3.12.4", **beside("setuptools _distutils_hack _distutils_hack.override")),
    scored(
        "import azure.core.pipeline\nfrom azure import core\nimport azureml.ai.monitoring, azure\n", **beside(*AZURE)
    ),
    scored("from azureml import __version__\nfrom google import *\n", **beside(*AZURE)),
    pickled("google.api", "azureml.ai.monitoring.collector", **beside(*AZURE)),
    # A package of its own makes modules while it runs; the model's own folder has what it has.
    scored("import six.moves.urllib\n", **beside("six")),
    scored("import azure.identity\n", "azure", **beside(*AZURE)),
    pickled("azure.mine", files={"MLmodel": CODE, "code/azure/mine.py": ""}, **beside(*AZURE)),
    scored("import sys\nif sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import tomli\n"),
    scored("import sys\nif sys.version_info[0] == 2:\n    import urllib2\n"),
    scored("if False:\n    import features\n"),
    scored("if __name__ == '__main__':\n    import pytest\n"),
    Case(target={"script": script("import sys\nif sys.version_info < (3, 9):\n    from . import a\n" + HEAD)}),
]
