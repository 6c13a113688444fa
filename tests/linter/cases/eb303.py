from lintcases import CONDA_HEAD, Case

LOCK = {
    "azureml-inference-server-http": "1.3.3",
    "azureml-ai-monitoring": "1.0.0",
    "numpy": "1.26.4",
    "pandas": "2.1.4",
}


def of(*lines: str, server: str = "", head: str = CONDA_HEAD) -> dict[str, str]:
    served = (f"azureml-inference-server-http{server}", "azureml-ai-monitoring==1.0.0", "setuptools<82")
    return {
        "conda.yaml": head + "".join(f"  - {line}\n" for line in (*served, "numpy==1.26.4", "pandas==2.1.4", *lines))
    }


OLD = CONDA_HEAD.replace("3.11.7", "3.8.18")
TRIGGERS = [
    Case(files=of(server="==1.2.2"), severity="warning", at=("conda.yaml:5", "conda.yaml:6"), says="1.2.2"),
    Case(files=of(server="==1.2.2"), target={"azure": True}),
    Case(files=of(server="<1.4"), severity="warning", says="1.3.4"),
    Case(files=of(server=">=1.0,<1.4.1"), severity="warning", says="1.4.0"),
    Case(
        files=of(head=OLD),
        python="3.8.18",
        severity="warning",
        says="takes version 1.3.4 of the server because of Python 3.8, and",
    ),
    Case(files=of(), target={"python": "3.8", "azure": True}),
    Case(
        files=of("mlflow==2.12.2", server=">=1.0"),
        severity="warning",
        at=("conda.yaml:5", "conda.yaml:6", "conda.yaml:10"),
        says="takes version 1.3.3 of the server, since mlflow==2.12.2 holds gunicorn below 23, and",
    ),
    Case(files=of("flask==2.3.2", server=">=1.0"), severity="warning", says="flask==2.3.2"),
    Case(files=of(server="==1.3.3"), packages=LOCK, says="version 1.3.3 of the server is chosen"),
]
NEAR_MISSES = [
    Case(files=of(server="==1.4.1")),
    Case(files=of(server="==1.5.1")),
    Case(files=of(server=">=1.0")),
    Case(files=of(server="==1.2.2"), server="envbuild"),
    Case(files=of("azureml-contrib-services==1.62.0", server="==1.2.2")),
    Case(files=of("mlflow==2.17.2", server=">=1.0")),
    Case(files=of("mlflow-skinny==2.12.2", server=">=1.0")),
    Case(files=of("mlflow==3.17.2")),
    Case(files={"conda.yaml": of(server="==1.2.2")["conda.yaml"].replace("  - azureml-ai-monitoring==1.0.0\n", "")}),
    Case(files=of(), packages={**LOCK, "azureml-inference-server-http": "1.4.1"}),
    Case(
        files=of("azureml-contrib-services>=1.62", server="==1.3.3"),
        packages={**LOCK, "azureml-contrib-services": "1.62.0"},
    ),
]
