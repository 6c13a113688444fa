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
    found = Pickle(file=file, modules=frozenset(modules), globals=frozenset(names))
    return Case(pickles=(found,), packages=PACKAGES, contents=CONTENTS, **more)


def scored(source: str, *beside: str, python: str = "3.11.7", **more) -> Case:
    target = {"script": script(source + HEAD, *beside)}
    return Case(target=target, packages=PACKAGES, contents=CONTENTS, python=python, **more)


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
]
