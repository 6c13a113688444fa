"""The servers that are compared, and how each is started: two workers, and what its own container would set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .environment import Environment, Model, quiet

WORKERS = 2
BATCH = 32
DELAYS = (0, 2)
"""Milliseconds that a request may wait for others to share a prediction with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server. `{port}` in its words and variables stands for the port; `path` is where it is asked.

    It is started in `folder`, where Azure ML's server looks for its script.
    """

    key: str
    title: str
    words: tuple[str, ...]
    path: str
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


KEYS = ("mlflow", "azure", "envbuild", *(f"batch{delay}" for delay in DELAYS))


def servers(environment: Environment, model: Model) -> list[Server]:
    """All servers for one model, in the order of the tables."""
    where = {"AZUREML_MODEL_DIR": str(model.version), "MLFLOW_MODEL_FOLDER": "model", "WORKER_COUNT": str(WORKERS)}
    # As MLflow's container starts it, but for nginx in front.
    uvicorn = ("-m", "uvicorn", "--port", "{port}", "--workers", str(WORKERS), "mlflow.pyfunc.scoring_server.app:app")
    azure = (str(environment.python.with_name("azmlinfsrv")), "--entry_script", "score.py", "--port", "{port}")
    own = Server(
        key="envbuild",
        title="envbuild",
        words=(str(environment.python), "-m", "envbuild_runtime"),
        path="/invocations",
        folder=environment.folder,
        variables={**where, "PORT": "{port}", "PYTHONPATH": str(environment.site)},
    )
    return [
        Server(
            key="mlflow",
            title="MLflow",
            words=(str(environment.python), *uvicorn),
            path="/invocations",
            folder=environment.folder,
            variables={"__pyfunc_model_path__": (model.version / "model").as_uri()},
        ),
        Server(
            key="azure",
            title="Azure ML",
            words=azure,
            path="/score",
            folder=environment.folder / "script",
            variables=where,
        ),
        own,
        *(_batching(own, delay) for delay in DELAYS),
    ]


def _batching(own: Server, delay: int) -> Server:
    batches = {"ENVBUILD_BATCH_MAX_SIZE": str(BATCH), "ENVBUILD_BATCH_MAX_DELAY_MS": str(delay)}
    return replace(
        own, key=f"batch{delay}", title=f"envbuild, batches, {delay} ms", variables={**own.variables, **batches}
    )


def command(server: Server, port: int, extra: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The words and the whole environment of a server on `port`; of PYTHONPATH in `extra` both count."""
    words = [word.replace("{port}", str(port)) for word in server.words]
    variables = {name: value.replace("{port}", str(port)) for name, value in server.variables.items()}
    path = ":".join(part for part in (extra.get("PYTHONPATH", ""), variables.get("PYTHONPATH", "")) if part)
    found = quiet(**{**variables, **extra})
    # Nothing of this process's own path belongs into a server's.
    found.pop("PYTHONPATH", None)
    return words, {**found, "PYTHONPATH": path} if path else found
