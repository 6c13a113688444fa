from lintcases import CONDA_HEAD, Case

NEWER = {"python": "3.12"}

LOCK = {
    "azureml-inference-server-http": "0.7.7",
    "azureml-ai-monitoring": "1.0.0",
    "numpy": "1.26.4",
    "pandas": "2.1.4",
}


def of(*lines: str, server: str = "") -> dict[str, str]:
    served = (f"azureml-inference-server-http{server}", "azureml-ai-monitoring==1.0.0", "setuptools<82")
    return {"conda.yaml": CONDA_HEAD + "".join(f"  - {line}\n" for line in (*served, "pandas==2.1.4", *lines))}


TRIGGERS = [
    Case(files=of("mlflow==2.9.2"), severity="warning", at=("conda.yaml:5", "conda.yaml:9"), says="0.7.7"),
    Case(files=of("mlflow==2.6.0", server="<1.5"), severity="warning"),
    Case(files=of("mlflow==2.9.2"), target={"azure": True}, severity="warning"),
    Case(files=of("flask==2.3.3"), at=("conda.yaml:5", "conda.yaml:9"), says="goes with flask==2.3.3"),
    Case(files=of("flask==2.3.3", server=">=1.0")),
    Case(
        files=of(server="==0.8.4.2"),
        at=("conda.yaml:5",),
        says="azureml-inference-server-http==0.8.4.2 takes no version of the server from 1.0 on",
    ),
    # pip finds nothing on Python 3.12, where envbuild's solver takes 1.2.1.
    Case(files=of("werkzeug==2.3.8"), target=NEWER, severity="warning", says="werkzeug==2.3.8 on Python 3.12"),
    Case(
        files=of("werkzeug==2.3.8", "flask==2.2.5"),
        target={**NEWER, "azure": True},
        at=("conda.yaml:5", "conda.yaml:9"),
    ),
    Case(files=of("mlflow==2.9.2"), target={**NEWER, "azure": True}, says="goes with mlflow==2.9.2 on Python 3.12"),
    Case(files=of(server="==1.2.2"), target=NEWER, severity="warning", says="http==1.2.2 on Python 3.12"),
    Case(files=of(server=">=1.4.1"), target={"python": "3.8"}, says="http>=1.4.1 on Python 3.8"),
    Case(files=of("pydantic==2.5.0", server=">=1.4.1"), says="goes with pydantic==2.5.0 and azureml-inference-server"),
    Case(files=of("wrapt==1.12.1"), says="wrapt==1.12.1"),
    Case(files=of("mlflow==1.30.0", server="==1.5.1"), says="mlflow==1.30.0"),
    Case(files=of(), packages=LOCK, says="0.7.7"),
]
NEAR_MISSES = [
    Case(files=of("mlflow==2.9.2", server=">=1.0")),
    Case(files=of("mlflow-skinny==2.9.2")),
    Case(files=of("mlflow==3.17.2")),
    # uv and pip take 1.2.0 there, with or without a bound.
    Case(files=of("mlflow==1.30.0")),
    Case(files=of("mlflow==2.5.0")),
    Case(files=of("flask==2.3.2")),
    Case(files=of("flask==3.1.2")),
    # These have rules of their own.
    Case(files=of("wrapt==1.17.0")),
    Case(files=of("pydantic==1.10.26", server=">=1.4.1")),
    Case(files=of("opentelemetry-sdk==1.39.1", server="==1.5.1")),
    Case(files=of("pydantic==1.10.26"), target=NEWER),
    Case(files=of("werkzeug==2.3.8")),
    Case(files=of("flask==2.3.3"), server="envbuild"),
    Case(files=of(), packages={**LOCK, "azureml-inference-server-http": "1.5.1"}),
]
