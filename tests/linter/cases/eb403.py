from lintcases import MLMODEL, Case, conda

from envbuild.model.types import Pickle


def mlmodel(flavor: str, key: str, version: str) -> str:
    return MLMODEL.replace("flavors:\n", f"flavors:\n  {flavor}:\n    {key}: {version}\n")


def sklearn(version: str, *names: str, file: str = "model.pkl") -> tuple[Pickle, ...]:
    return (Pickle(file=file, versions={"scikit-learn": version}, globals=frozenset(names)),)


TREE, RIDGE = "sklearn.tree._tree.Tree", "sklearn.linear_model._ridge.Ridge"
OLD_NUMPY = "numpy==1.26.4"
NOW = {"conda.yaml": conda("scikit-learn==1.6.1", OLD_NUMPY)}
TRIGGERS = [
    Case(
        files={**NOW, "MLmodel": mlmodel("sklearn", "sklearn_version", "1.1.2")},
        severity="warning",
        at=("MLmodel:3", "conda.yaml:5"),
        says="scikit-learn 1.1.2",
    ),
    Case(files=NOW, pickles=sklearn("1.1.2", RIDGE), severity="warning", at=("model.pkl:1", "conda.yaml:5")),
    Case(files=NOW, pickles=sklearn("1.2.2", TREE), says="fails to load it"),
    Case(
        files={"conda.yaml": conda("scikit-learn==1.2.2", OLD_NUMPY)},
        pickles=sklearn("1.3.0", TREE),
        says="fails to load it",
    ),
    Case(
        files={"conda.yaml": conda("scikit-learn==1.9.1", OLD_NUMPY)},
        pickles=sklearn("1.7.2", "_loss.CyHalfSquaredError"),
    ),
    Case(
        files={"conda.yaml": conda("scikit-learn==1.8.0", OLD_NUMPY)},
        pickles=sklearn("1.7.2", "sklearn.impute._base.SimpleImputer"),
        says="fails to predict",
    ),
    # Loads all the same: trees of 1.3 in 1.9, and a file that MLmodel does not name.
    Case(
        files={"conda.yaml": conda("scikit-learn==1.9.1", OLD_NUMPY)},
        pickles=sklearn("1.3.2", "sklearn.tree._classes.DecisionTreeClassifier", TREE),
        severity="warning",
    ),
    Case(files=NOW, pickles=sklearn("1.2.2", TREE, file="old.pkl"), severity="warning"),
    # What lies beside the code is not loaded for that.
    Case(
        files={
            **NOW,
            "MLmodel": MLMODEL.replace("    model_path:", "    code: code\n    model_path:"),
            "code/a.py": "",
        },
        pickles=sklearn("1.2.2", TREE, file="code/tests/fixture.pkl"),
        severity="warning",
        says="code/tests/fixture.pkl",
    ),
    Case(
        files={
            "conda.yaml": conda("scikit-learn>=1.5,<2", OLD_NUMPY),
            "MLmodel": mlmodel("sklearn", "sklearn_version", "1.4.2"),
        },
        severity="warning",
        says="<2",
    ),
    Case(
        files={"conda.yaml": conda("xgboost==2.1.4", OLD_NUMPY), "MLmodel": mlmodel("xgboost", "xgb_version", "1.7.6")},
        severity="warning",
        says="xgboost",
    ),
    Case(
        files={
            "conda.yaml": conda("torch==2.3.1", OLD_NUMPY),
            "MLmodel": mlmodel("pytorch", "pytorch_version", "2.1.0+cu118"),
        },
        severity="warning",
        says="torch 2.1.0 ",
    ),
    Case(
        files={
            "conda.yaml": conda("mlflow==3.17.2", OLD_NUMPY),
            "MLmodel": mlmodel("sklearn", "sklearn_version", "1.2.2"),
        },
        pickles=sklearn("1.2.2", TREE),
        packages={"scikit-learn": "1.9.1", "mlflow": "3.17.2"},
        says="scikit-learn 1.9.1, which fails to load it",
    ),
]
NEAR_MISSES = [
    Case(files={**NOW, "MLmodel": mlmodel("sklearn", "sklearn_version", "1.6.1")}, pickles=sklearn("1.6.1", TREE)),
    Case(files={**NOW, "MLmodel": mlmodel("xgboost", "xgb_version", "1.7.6")}),
    Case(files={"conda.yaml": conda("scikit-learn")}, pickles=sklearn("1.1.2", RIDGE)),
    Case(files={"conda.yaml": conda("scikit-learn>=1.1,<2")}, pickles=sklearn("1.1.2", RIDGE)),
    Case(files={"conda.yaml": conda("torch==2.1.0"), "MLmodel": mlmodel("pytorch", "pytorch_version", "2.1.0+cpu")}),
    # TensorFlow's own version stands under that key.
    Case(files={"conda.yaml": conda("keras==3.3.3"), "MLmodel": mlmodel("tensorflow", "keras_version", "2.16.1")}),
    Case(files={"conda.yaml": conda("scikit-learn==1.6.1.post1")}, pickles=sklearn("1.6.1", RIDGE)),
    Case(files=NOW, pickles=sklearn("1.6.1", TREE), packages={"scikit-learn": "1.6.1"}),
]
