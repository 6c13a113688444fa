from lintcases import CONDA_TAIL, Case, conda

FLOORED = CONDA_TAIL
UNPINNED = CONDA_TAIL.replace(">=1.4.1", "")


def of(*lines: str, server: str = UNPINNED) -> dict[str, str]:
    return {
        "conda.yaml": conda("mlflow-skinny==2.9.2", "pandas==1.5.3", "numpy==1.24.4", *lines).replace(FLOORED, server)
    }


TRIGGERS = [
    Case(files=of("pydantic==1.10.26"), severity="warning", at=("conda.yaml:8",), says="1.0.0"),
    Case(files=of("pydantic<2"), severity="warning"),
    Case(files=of("pydantic>=1.8,<2"), severity="warning", target={"azure": True}),
    Case(files=of("pydantic==1.10.26", server=FLOORED), at=("conda.yaml:9", "conda.yaml:8")),
    # envbuild's solver takes 1.0.0 there, which starts; pip does not.
    Case(
        files=of("pydantic==1.10.26"), target={"python": "3.12"}, severity="warning", says="which pip refuses on Python"
    ),
    Case(
        files=of("pydantic==1.10.26"), target={"python": "3.12", "azure": True}, says="which pip refuses on Python 3.12"
    ),
    Case(files=of("pydantic==1.10.26", "flask==2.3.2"), says="which does not go with flask==2.3.2"),
    Case(files=of("pydantic==1.8.2"), says="which asks for pydantic>=1.9,<1.11"),
]
NEAR_MISSES = [
    Case(files=of("pydantic==2.12.5")),
    Case(files=of("pydantic>=1.10")),
    Case(files=of("pydantic<3")),
    Case(files=of("pydantic-settings==1.9")),
    Case(files=of("pydantic<2; python_version < '3.8'")),
    Case(files=of("pydantic==1.10.26"), server="envbuild"),
]
