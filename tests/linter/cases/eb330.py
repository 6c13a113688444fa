from lintcases import CONDA, MLMODEL, Case, conda

AZURE = {"azure": True}
BARE = MLMODEL[: MLMODEL.index("signature:")]
EXAMPLE = MLMODEL[MLMODEL.index("saved_input") :]


def of(*lines: str, mlmodel: str = BARE) -> dict[str, str]:
    return {"MLmodel": mlmodel, "conda.yaml": conda("mlflow==3.17.2", "numpy==2.4.6", *lines)}


TRIGGERS = [
    Case(files=of("pandas==3.1.1"), target=AZURE, at=("conda.yaml:7",), says="answers tables"),
    Case(files=of("pandas>=2"), target=AZURE),
    Case(files=of(), target=AZURE, at=("MLmodel:2",)),
    Case(files=of("pandas==3.1.1", mlmodel=BARE + EXAMPLE), target=AZURE),
    Case(files=of("pandas==3.1.1", mlmodel=MLMODEL), target=AZURE, severity="info", says="input example"),
]
NEAR_MISSES = [
    Case(files=of("pandas==3.1.1")),
    Case(files=of("pandas==2.3.3"), target=AZURE),
    Case(files=of("pandas<3"), target=AZURE),
    Case(files=of(), target={**AZURE, "python": "3.10"}),
    # mlflow 3.15 holds pandas below 3 itself.
    Case(files={"MLmodel": BARE, "conda.yaml": conda("mlflow==3.15.0", "numpy==2.4.6")}, target=AZURE),
    Case(files=of("pandas==3.1.1", mlmodel=MLMODEL[: MLMODEL.index("saved_input")]), target=AZURE),
    Case(files={"conda.yaml": CONDA}, target=AZURE),
    Case(files=of("pandas==3.1.1", mlmodel=MLMODEL.replace("type: dataframe", "type: ndarray")), target=AZURE),
]
