from lintcases import CONDA, MLMODEL, Case


def case(python: str, **more: object) -> Case:
    return Case(files={"conda.yaml": CONDA.replace("3.11.7", python)}, **more)


def ranged(python: str, **more: object) -> Case:
    old = MLMODEL.replace("3.11.7", "3.7.3")
    return Case(files={"MLmodel": old, "conda.yaml": CONDA.replace("python=3.11.7", python)}, **more)


TRIGGERS = [
    case("3.8.10", severity="warning", at=("conda.yaml:2",), says="no more security fixes since 2024-10"),
    case("3.9", severity="warning", says="2025-10"),
    # The month of its end is over.
    case("3.10.2", severity="warning", says="2026-10"),
    case("3.7.12", at=("conda.yaml:2",), says="no version of Azure ML inference server runs on Python 3.7: 3.8"),
    case("2.7.18", says="3.8 is the oldest"),
    Case(target={"python": "3.8"}, severity="warning"),
    # What envbuild lays beside these servers.
    case("3.8.10", server="envbuild", says="no image with envbuild's own server runs on Python 3.8: 3.9"),
    case("3.8.10", server="mlflow", says="no image with MLflow's scoring server runs on Python 3.8: 3.9"),
    case("3.9", server="mlflow", severity="warning"),
    Case(
        files={
            "MLmodel": MLMODEL.replace("3.11.7", "3.8.2"),
            "conda.yaml": CONDA.replace("- python=3.11.7\n", ""),
        },
        severity="warning",
        at=("MLmodel:4",),
    ),
    # conda.yaml gives a range, and MLmodel the Python.
    ranged("python>=3.6", at=("MLmodel:4",), says="no version of Azure ML inference server runs on Python 3.7"),
    ranged("python=3", at=("MLmodel:4",)),
]
NEAR_MISSES = [
    Case(),
    case("3.12.3"),
    # Not out yet when this was written, and no single version.
    case("3.15"),
    Case(files={"conda.yaml": CONDA.replace("python=3.11.7", "python>=3.8")}),
    # There conda chooses from the range.
    ranged("python>=3.6", target={"azure": True}),
    # What the image has counts, not what was recorded.
    case("3.8.10", target={"python": "3.11"}),
]
