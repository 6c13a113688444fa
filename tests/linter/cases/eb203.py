from lintcases import CONDA, MLMODEL, Case

from envbuild.model.types import Pickle

OTHER = {"MLmodel": MLMODEL.replace("3.11.7", "3.9.13")}
OLD = {
    "MLmodel": MLMODEL.replace("3.11.7", "3.7.16"),
    "conda.yaml": CONDA.replace("python=3.11.7", "python=3.7.16"),
}
CODE = Pickle(file="model.pkl", protocol=4, code=True)
PLAIN = Pickle(file="model.pkl", protocol=4)


def ranged(python: str) -> dict[str, str]:
    return {"conda.yaml": CONDA.replace("python=3.11.7", python)}


TRIGGERS = [
    Case(files=OTHER, pickles=(CODE,), at=("conda.yaml:2", "MLmodel:4", "model.pkl:1"), says="bytecode"),
    Case(files=OTHER, pickles=(PLAIN,), severity="warning", at=("conda.yaml:2", "MLmodel:4")),
    Case(files=OTHER, severity="warning", says="3.9"),
    # Asked for, and another file than the model's.
    Case(files=OTHER, pickles=(CODE,), target={"python": "3.12"}, severity="warning", says="3.12"),
    Case(files=OTHER, pickles=(Pickle(file="extra.pkl", code=True),), severity="warning"),
    Case(files=OLD, pickles=(Pickle(file="model.pkl", protocol=5),), says="protocol 5"),
    # A range of conda.yaml that MLmodel's version is not in.
    Case(files=ranged("python>=3.10,<3.11"), severity="warning", at=("conda.yaml:2", "MLmodel:4"), says="gets 3.10"),
    Case(
        files=ranged("python<3.11"), pickles=(CODE,), at=("conda.yaml:2", "MLmodel:4", "model.pkl:1"), says="bytecode"
    ),
    Case(files=ranged("python>=3.12"), severity="warning", says="gets 3.14"),
]
NEAR_MISSES = [
    Case(pickles=(CODE,)),
    Case(files={"MLmodel": MLMODEL.replace("3.11.7", "3.11.2")}, pickles=(CODE,)),
    Case(files=OTHER, pickles=(CODE,), target={"python": "3.9"}),
    Case(files={"MLmodel": MLMODEL.replace("    python_version: 3.11.7\n", "")}, pickles=(CODE,)),
    Case(files=OLD, pickles=(PLAIN,)),
    Case(pickles=(Pickle(file="model.pkl", protocol=5),)),
    Case(files=ranged("python>=3.9,<3.12"), pickles=(CODE,)),
    Case(files=ranged("python>=3.11.9"), pickles=(CODE,)),
]
