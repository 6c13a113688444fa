"""A user's scoring script: `init()` once, `run()` for each request, as the Azure ML inference server calls them.

An undecorated `run` gets the body as text. One decorated with inference_schema's `input_schema` gets the members
of the JSON object by name, one with `rawhttp` the request. A parameter `request_headers` gets the request's headers,
a dict.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import RequestError, StartError
from ..protocols.azureml import members, query_members
from ..wire import Request
from . import shims
from .interface import is_decorated, swagger_of

logger = logging.getLogger("envbuild_runtime")

LISTED = 200
"""How many lines of the model's folder are logged where `init()` fails."""


class Script:
    """A scoring script in memory, with its `init()` done."""

    def __init__(self, root: Path, path: Path) -> None:
        """Load the script and call `init()`, in the folder `root`, which can be imported from.

        StartError if `init()` or `run()` is missing or cannot be called; what the script raises is raised.
        """
        os.chdir(root)
        # Behind the installed packages, as under Azure ML's server, so that no file shadows a library.
        more = os.environ.get("AZUREML_SOURCE_DIRECTORY")
        sys.path.extend(dict.fromkeys([str(root), *([str(root / more)] if more else []), str(path.parent)]))
        shims.install()
        module = _load(path)
        self._run = _function(module, path, "run")
        init = _function(module, path, "init")
        driver = getattr(module, "driver_module", None)
        if isinstance(driver, ModuleType) and hasattr(driver, "run"):
            self._run = driver.run
        self._parameters = _parameters(self._run)
        self._headers = any(name == "request_headers" for name in inspect.signature(self._run).parameters)
        self._decorated = is_decorated(self._run)
        self.raw = shims.wants_raw()
        """`run()` takes the request itself, of any method."""
        if self.raw and self._decorated:
            raise StartError("run() cannot be decorated with both @rawhttp and @input_schema.")
        try:
            init()
        except BaseException as error:
            if isinstance(error, SystemExit):
                logger.exception("init() ended the process")
            _log_model_folder()
            raise

    def swagger(self) -> dict[str, Any]:
        """Return what `run()` takes and gives, by the version of Swagger."""
        return swagger_of(self._run)

    def call(self, request: Request) -> Any:
        """Return what `run()` answers; RequestError if the request is not what its signature needs."""
        arguments = self._arguments(request)
        if self._headers:
            arguments["request_headers"] = {name.title(): value for name, value in request.headers.items()}
        return self._run(**arguments)

    def _arguments(self, request: Request) -> dict[str, Any]:
        first = self._parameters[0].name
        if self.raw:
            from .raw import to_request

            return {first: to_request(request)}
        if self._decorated:
            return self._members(members(request))
        if request.method == "GET":
            return {first: json.dumps(query_members(request.query))}
        try:
            return {first: request.body.decode("utf-8")}
        except UnicodeDecodeError as error:
            raise RequestError(f"Input cannot be decoded as UTF-8: {error}") from None

    def _members(self, content: dict[str, Any]) -> dict[str, Any]:
        arguments = {}
        for parameter in self._parameters:
            value = content.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise RequestError(f"A value is not provided for the {parameter.name!r} parameter.")
            arguments[parameter.name] = value
        return arguments


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


def _log_model_folder() -> None:
    """Say what lies in AZUREML_MODEL_DIR: most scripts that cannot start look for a file in the wrong place."""
    folder = Path(os.environ.get("AZUREML_MODEL_DIR", ""))
    if not os.environ.get("AZUREML_MODEL_DIR") or not folder.exists():
        return
    logger.info("Model Directory Contents:")
    lines = _tree(folder, 0)
    for line in itertools.islice(lines, LISTED):
        logger.info("%s", line)
    if next(lines, None) is not None:
        logger.info("Output Truncated. First %d lines shown.", LISTED)


def _tree(path: Path, depth: int) -> Iterator[str]:
    # Links are named and not followed: they may lead in a circle.
    folder = path.is_dir() and not (depth and path.is_symlink())
    yield " " * 4 * depth + path.name + ("/" if folder else "")
    if folder:
        for child in sorted(path.iterdir()):
            yield from _tree(child, depth + 1)
