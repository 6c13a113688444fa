"""A user's scoring script: `init()` once, `run()` for each request, as the Azure ML inference server calls them.

An undecorated `run` gets the body as text. One decorated with inference_schema's `input_schema` gets the members
of the JSON object by name. A parameter `request_headers` gets the request's headers as a dict.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ClientError, StartError
from ..protocols.json_body import check_json, parse_json


class Script:
    """A scoring script in memory, with its `init()` done."""

    def __init__(self, root: Path, path: Path) -> None:
        """Load the script and call `init()`, in the folder `root`, which can be imported from.

        StartError if `init()` or `run()` is missing or cannot be called; what the script raises is raised.
        """
        os.chdir(root)
        # Behind the installed packages, as under Azure ML's server, so that no file shadows a library.
        sys.path.extend(dict.fromkeys([str(root), str(path.parent)]))
        module = _load(path)
        self._run = _function(module, path, "run")
        init = _function(module, path, "init")
        driver = getattr(module, "driver_module", None)
        if isinstance(driver, ModuleType) and hasattr(driver, "run"):
            self._run = driver.run
        self._parameters = _parameters(self._run)
        self._headers = any(name == "request_headers" for name in inspect.signature(self._run).parameters)
        self._decorated = _decorated(self._run)
        init()

    def call(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Return what `run()` answers; ClientError if the body is not what its signature needs."""
        arguments: dict[str, Any] = {}
        if self._headers:
            arguments["request_headers"] = {name.title(): value for name, value in headers.items()}
        if not self._decorated:
            try:
                arguments[self._parameters[0].name] = body.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ClientError(f"Input cannot be decoded as UTF-8: {error}") from None
            return self._run(**arguments)
        check_json(headers.get("content-type", ""))
        content = parse_json(body)
        if not isinstance(content, dict):
            raise ClientError("POST body should be a JSON dictionary.")
        for parameter in self._parameters:
            value = content.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise ClientError(f"A value is not provided for the {parameter.name!r} parameter.")
            arguments[parameter.name] = value
        return self._run(**arguments)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("entry_module", path)
    if spec is None or spec.loader is None:
        raise StartError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    # Registered, unlike under Azure ML's server, so that dataclasses and pickle find the module.
    sys.modules["entry_module"] = module
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, path: Path, name: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise StartError(f"User script at {path} does not have a {name}() function defined.")
    return function  # type: ignore[no-any-return]


def _parameters(run: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(run).parameters.values())
    if any(item.kind not in (item.KEYWORD_ONLY, item.POSITIONAL_OR_KEYWORD) for item in parameters):
        raise StartError("run() cannot accept positional-only arguments, *args, or **kwargs.")
    rest = [item for item in parameters if item.name != "request_headers"]
    if not rest and parameters:
        raise StartError('run() needs to accept an argument other than "request_headers".')
    if not rest:
        raise StartError("run() needs to accept an argument for input data.")
    return rest


def _decorated(run: Callable[..., Any]) -> bool:
    """Tell whether inference_schema wraps `run`; only a script that imported it can be wrapped."""
    raw = sys.modules.get("azureml_inference_server_http.api.aml_request") or sys.modules.get(
        "azureml.contrib.services.aml_request"
    )
    if getattr(raw, "_rawHttpRequested", False):
        raise StartError("run() is decorated with @rawhttp, which only the server 'azureml' understands.")
    if "inference_schema" not in sys.modules:
        return False
    from inference_schema.schema_util import is_schema_decorated

    return bool(is_schema_decorated(run))
