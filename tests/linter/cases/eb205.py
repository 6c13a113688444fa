from lintcases import CONDA, MLMODEL, Case


def case(named: str, **more: object) -> Case:
    return Case(files={"conda.yaml": CONDA.replace("3.11.7", named)}, **more)


PACKAGES = {"mlflow-skinny": "3.17.2"}
TRIGGERS = [
    case("3.7.12", severity="warning", at=("conda.yaml:2",), says="no base that is chosen by itself has Python 3.7"),
    # Its base gets no more updates, and is taken only if it is named.
    case("3.9.2", severity="warning", says="Python 3.9"),
    case("3.11.7", target={"base": "debian:trixie"}, severity="warning", says="debian:trixie brings Python 3.13"),
    case("3.11.7", severity="warning", packages=PACKAGES, python="3.13.5", says="3.13.5, the model asks for 3.11"),
    case("3.99.1", severity="warning"),
    Case(target={"python": "3.6"}, severity="warning"),
    # conda.yaml gives a range, and MLmodel the Python.
    Case(
        files={
            "MLmodel": MLMODEL.replace("3.11.7", "3.7.3"),
            "conda.yaml": CONDA.replace("python=3.11.7", "python>=3.6"),
        },
        severity="warning",
        at=("MLmodel:4",),
    ),
    case("3.11.7", severity="info", packages=PACKAGES, python="3.11.2", says="3.11.2, the model names 3.11.7"),
    # A base that was named has it: no warning any more.
    case("3.7", severity="info", packages=PACKAGES, python="3.7.17", says="debian:bookworm brings Python 3.7.17"),
]
NEAR_MISSES = [
    Case(),
    case("3.12.99"),
    # The base that is named has it, or is not known yet.
    case("3.9.2", target={"base": "debian:bullseye"}),
    case("3.7.12", target={"base": "registry.example/python:3.7"}),
    case("3.14"),
    case("3.11", packages=PACKAGES, python="3.11.2"),
    case("3.11.2", packages=PACKAGES, python="3.11.2"),
    # --python names the minor version, and any patch version of it will do.
    case("3.10.1", target={"python": "3.11"}, packages=PACKAGES, python="3.11.2"),
    # Azure's own image gets its Python from conda.
    case("3.9.2", target={"azure": True}),
]
