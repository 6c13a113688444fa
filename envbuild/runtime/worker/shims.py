"""Modules of Azure ML's server that scoring scripts import, for images that do not have that server.

    from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

They are found last, so that a package that is installed is never hidden: with azureml-ai-monitoring, whose `azureml`
is a package of its own, only `azureml.contrib` is added below it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGES = frozenset(
    {
        "azureml",
        "azureml.contrib",
        "azureml.contrib.services",
        "azureml_inference_server_http",
        "azureml_inference_server_http.api",
    }
)
CONTENTS = {
    "azureml.contrib.services.aml_request": ("AMLRequest", "rawhttp"),
    "azureml.contrib.services.aml_response": ("AMLResponse",),
    "azureml_inference_server_http.api.aml_request": ("AMLRequest", "rawhttp"),
    "azureml_inference_server_http.api.aml_response": ("AMLResponse",),
}
"""The modules and what each holds of `raw`, which needs Werkzeug and is imported with the first of them."""


class ShimFinder(MetaPathFinder, Loader):
    """Finds and makes those modules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of one of the modules, else None."""
        if fullname in PACKAGES:
            return ModuleSpec(fullname, self, origin="envbuild", is_package=True)
        return ModuleSpec(fullname, self, origin="envbuild") if fullname in CONTENTS else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module."""
        names = CONTENTS.get(module.__name__, ())
        if names:
            raw = import_module(".raw", __package__)
            for name in names:
                setattr(module, name, getattr(raw, name))


def install() -> None:
    """Let the modules be found where nothing else finds them."""
    if not any(isinstance(finder, ShimFinder) for finder in sys.meta_path):
        sys.meta_path.append(ShimFinder())


def wants_raw() -> bool:
    """Tell whether a script that has been imported used @rawhttp, of this package or of Azure ML's own server."""
    own: Any = sys.modules.get(f"{__package__}.raw")
    if own is not None and own.requested:
        return True
    real = [sys.modules.get(name) for name in CONTENTS if name.endswith("request")]
    return any(getattr(module, "_rawHttpRequested", False) for module in real)
