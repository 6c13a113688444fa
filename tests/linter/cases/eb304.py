from lintcases import CONDA_HEAD, Case

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
    Case(files=of(server="==0.8.4.2"), at=("conda.yaml:5",), says="azureml-inference-server-http==0.8.4.2"),
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
    Case(files=of("flask==2.3.3"), server="envbuild"),
    Case(files=of(), packages={**LOCK, "azureml-inference-server-http": "1.5.1"}),
]
