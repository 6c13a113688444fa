"""The next commands to type: how to run the image, and a request that its model answers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..platforms import of_machine

if TYPE_CHECKING:
    from ..built import Built
    from ..model.types import Model

_LONGEST = 900  # characters of a request body that still fits a command line one wants to copy
_LARGEST = 1 << 20  # bytes of an input example that are worth reading for it


def next_steps(built: Built, model: Model, *, own_script: bool) -> list[str]:
    """Shell commands, in the order to type them."""
    port = container_port(built)
    name = built.references[0] if built.references else built.config_digest
    engine = "podman" if built.engine.lower().startswith("podman") else "docker"
    # Without it an engine warns of another platform than its own, or finds no image for its own.
    platforms = [image.plan.platform for image in built.images or (built,)]
    elsewhere = "" if of_machine() in platforms else f"--platform {platforms[0]} "
    steps = []
    if built.path is not None and (built.output == "oci-dir" or built.images):
        # Engines read no folder, and not every one an index of several images. A layout may hold other images too.
        tag = ":" + name.rpartition(":")[2] if built.references else ""
        name = name if built.references else "NAME:TAG"
        source = f"{'oci' if built.output == 'oci-dir' else built.output}:{built.path}{tag}"
        steps.append(f"skopeo copy {shlex.quote(source)} {shlex.quote(f'docker-daemon:{name}')}")
    elif built.path is not None:
        steps.append(f"{engine} load -i {shlex.quote(str(built.path))}")
    run = f"{engine} run --rm {elsewhere}-p {port}:{port} {shlex.quote(name)}"
    return [*steps, run, request(built.plan.server, model, port, own_script=own_script)]


def container_port(built: Built) -> int:
    """The port that the server in the image listens on."""
    from ..servers import PROFILES

    config = built.plan.config.get("config", {})
    for pair in config.get("Env") or ():
        key, _, value = str(pair).partition("=")
        if key == "PORT" and value.isdecimal():
            return int(value)
    for port in config.get("ExposedPorts") or ():
        return int(str(port).partition("/")[0])
    return PROFILES[built.plan.server].port


def request(server: str, model: Model, port: int, *, own_script: bool, host: str = "localhost") -> str:
    """A curl line with the model's own input example, or one for the liveness route where that cannot be.

    A script of one's own has a request format that only its author knows.
    """
    from ..servers import PROFILES

    profile = PROFILES[server]
    body = None if own_script else example_body(model, invocation=profile.scoring == "/invocations")
    if body is None:
        return f"curl http://{host}:{port}{profile.liveness}"
    url = f"http://{host}:{port}{profile.scoring}"
    return f"curl {url} -H 'content-type: application/json' -d {shlex.quote(body)}"


def example_body(model: Model, *, invocation: bool = False) -> str | None:
    """The input example as the body of a scoring request; None if there is none that fits a command line.

    The body is Azure ML's, or as an `invocation` MLflow's.
    """
    example = model.mlmodel.input_example if model.mlmodel is not None else None
    if example is None or not example.serving_path:
        return None
    # Only a file that the reader listed: it has seen that it is regular and inside the folder.
    if not any(file.path == example.serving_path and file.size <= _LARGEST for file in model.files):
        return None
    document = _read_json(model.root / example.serving_path)
    body: dict[str, Any] = {}
    if isinstance(document.get("dataframe_split"), dict):
        body["dataframe_split" if invocation else "input_data"] = _first_row(document["dataframe_split"])
    elif "inputs" in document:
        body["inputs" if invocation else "input_data"] = document["inputs"]
    else:
        return None
    if document.get("params"):
        body["params"] = document["params"]
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= _LONGEST and text.isprintable() else None


def _first_row(frame: dict[str, Any]) -> dict[str, Any]:
    """A split frame cut to its first row, with the index that Azure ML asks for."""
    data = frame.get("data")
    if not isinstance(data, list) or not data:
        return frame
    return {
        **{key: value for key, value in frame.items() if key == "columns"},
        "index": [0],
        "data": data[:1],
    }


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
