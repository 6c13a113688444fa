from lintcases import MLMODEL, Case, conda

from envbuild.model.types import Pickle

NAMED = MLMODEL.replace("    model_path:", "    cloudpickle_version: 2.2.1\n    model_path:")
BY_IT = (Pickle(file="model.pkl", modules=frozenset({"cloudpickle.cloudpickle"}), code=True),)
TRIGGERS = [
    Case(
        files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle==3.1.1")},
        pickles=BY_IT,
        severity="warning",
        at=("MLmodel:5", "conda.yaml:5", "model.pkl:1"),
        says="cloudpickle==3.1.1",
    ),
    Case(files={"MLmodel": NAMED}, pickles=BY_IT, severity="warning", says="no line pins"),
    Case(files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle")}, pickles=BY_IT, severity="warning"),
    Case(files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle>=3,<4")}, pickles=BY_IT, severity="warning"),
    Case(pickles=BY_IT, severity="warning", says="by cloudpickle, and"),
    Case(
        files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle>=2,<4")},
        pickles=BY_IT,
        packages={"cloudpickle": "3.1.2"},
        severity="warning",
        says="the image gets cloudpickle 3.1.2",
    ),
]
NEAR_MISSES = [
    Case(files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle==2.2.1")}, pickles=BY_IT),
    Case(files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle~=2.2")}, pickles=BY_IT),
    # MLflow names its version also where nothing was pickled, or where the pickle calls for nothing of it.
    Case(files={"MLmodel": NAMED}),
    Case(files={"MLmodel": NAMED}, pickles=(Pickle(file="model.pkl", modules=frozenset({"sklearn.tree"})),)),
    Case(files={"MLmodel": NAMED}, pickles=(Pickle(file="x.pkl", modules=frozenset({"cloudpickle"})),)),
    Case(
        files={"MLmodel": NAMED, "conda.yaml": conda("cloudpickle==2.2.1")},
        pickles=BY_IT,
        packages={"cloudpickle": "2.2.1"},
    ),
]
