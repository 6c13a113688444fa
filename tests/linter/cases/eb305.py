from lintcases import CONDA_HEAD, Case

SERVER = "  - azureml-inference-server-http==1.5.1\n  - azureml-ai-monitoring==1.0.0\n"


def of(*lines: str, server: str = SERVER) -> dict[str, str]:
    return {"conda.yaml": CONDA_HEAD + "".join(f"  - {line}\n" for line in ("mlflow==3.17.2", *lines)) + server}


EXPLANATION = (
    "No solution found when resolving dependencies:\n  Because azureml-inference-server-http==1.5.1 depends on\n"
    "      opentelemetry-sdk==1.33.0 and traceloop-sdk==0.40.0 depends on opentelemetry-sdk>=1.34, we can conclude"
)
TRIGGERS = [
    Case(files=of("opentelemetry-sdk==1.39.1"), at=("conda.yaml:7", "conda.yaml:6"), says="opentelemetry-sdk==1.39.1"),
    Case(files=of("opentelemetry-api>=1.34", server=SERVER.replace("==1.5.1", ">=1.5"))),
    Case(files=of("opentelemetry-exporter-otlp-proto-http==1.30.0", "opentelemetry-semantic-conventions==0.51b0")),
    Case(files=of("traceloop-sdk==0.40.0"), explanation=EXPLANATION, says="another package"),
]
NEAR_MISSES = [
    Case(files=of("opentelemetry-sdk==1.33.0", "opentelemetry-semantic-conventions==0.54b0")),
    Case(files=of("opentelemetry-api>=1.9,<3")),
    # The choice of the server is left: the resolver takes 1.4.1.
    Case(files=of("opentelemetry-sdk==1.39.1", server=SERVER.replace("==1.5.1", ">=1.0"))),
    Case(files=of("opentelemetry-sdk==1.39.1", server=SERVER.replace("==1.5.1", "==1.4.1"))),
    Case(files=of("opentelemetry-sdk==1.39.1"), server="envbuild"),
    Case(files=of(), explanation="Because there is no version of numpy==9 and you require numpy==9, we can conclude"),
]
