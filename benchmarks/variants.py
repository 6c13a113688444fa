"""envbuild's own choices beside each other: bytecode, servers, and the Dockerfile backend."""

from __future__ import annotations

import re
from typing import Any

from . import engine, model, serving
from .baseline import Mlflow
from .measuring import Repeats, say
from .subject import Envbuild
from .workspace import LABEL

# A label in the base stage gives every image of the build, and so the build cache, a mark of this run.
_TEMPLATE = """{{% extends "base.Dockerfile.j2" %}}
{{% block base %}}
{{{{ super() }}}}
LABEL {label}={run}
{{% endblock %}}
"""


def bytecode(subject: Envbuild, mlflow: Mlflow, repeats: Repeats) -> list[dict[str, Any]]:
    """`--bytecode` startup, on and off: cold build, sizes, first answer."""
    return [
        _variant(subject, mlflow, repeats, ("--bytecode", kind), colds=repeats.variant_cold)
        for kind in ("startup", "on", "off")
    ]


def servers(subject: Envbuild, mlflow: Mlflow, repeats: Repeats) -> list[dict[str, Any]]:
    """The servers that this envbuild has: size, first answer and memory."""
    choices = re.search(r"--server \[([^\]]+)\]", subject.help())
    known = re.sub(r"\s", "", choices[1]).split("|") if choices else []
    return [
        _variant(subject, mlflow, repeats, ("--server", server, "--inject"), server)
        for server in ("envbuild", "mlflow", "azureml")
        if server in known
    ]


def docker_backend(subject: Envbuild, mlflow: Mlflow, repeats: Repeats) -> list[dict[str, Any]]:
    """The Dockerfile backend, where this envbuild has it: cold, after a change of the model, and its image."""
    if "--backend" not in subject.help():
        return []
    say("envbuild --backend docker")
    templates = subject.workspace.folder / "templates"
    templates.mkdir()
    text = _TEMPLATE.format(label=LABEL, run=subject.workspace.run)
    (templates / "Dockerfile.j2").write_text(text, encoding="utf-8")
    options = ("--backend", "docker", "--builder", "classic", "--build-network", "host", "--templates", str(templates))
    try:
        subject.empty()
        cold, _ = subject.build(mlflow.model, *options)
        model.change(mlflow.model)
        changed, _ = subject.build(mlflow.model, *options)
        again, _ = subject.build(mlflow.model, *options)
        route = serving.route("envbuild")
        starts = [serving.start(subject.workspace, subject.tag, route) for _ in range(repeats.start)]
        return [
            {
                "options": "--backend docker --builder classic",
                "cold": [cold.seconds],
                "model_change": [changed.seconds],
                "no_change": [again.seconds],
                "size": engine.image_size(subject.tag),
                "first_answer": [start.seconds for start in starts],
                "memory": [start.memory for start in starts],
            }
        ]
    finally:
        subject.workspace.forget(subject.tag)


def _variant(
    subject: Envbuild,
    mlflow: Mlflow,
    repeats: Repeats,
    options: tuple[str, ...],
    server: str = "envbuild",
    *,
    colds: int = 0,
) -> dict[str, Any]:
    say(f"envbuild {' '.join(options)}")
    taken = [subject.cold(mlflow.model, *options)[0].seconds for _ in range(colds)]
    if not colds:
        subject.build(mlflow.model, *options)
    starts = [serving.start(subject.workspace, subject.tag, serving.route(server)) for _ in range(repeats.start)]
    return {
        "options": " ".join(option for option in options if option != "--inject"),
        "cold": taken,
        "size": engine.image_size(subject.tag),
        "gzip": engine.gzip_size(subject.tag),
        "first_answer": [start.seconds for start in starts],
        "memory": [start.memory for start in starts],
    }
