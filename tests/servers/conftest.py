"""A road with an index of tiny wheels that has what the envbuild server brings for scripts, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tinyroad import Road, write_base, write_model
from tinywheels import make_wheel, serve, write_index

WHEELS = {
    "mlflow-skinny": "3.17.2",
    "tiny-loader": "1.0",
    "numpy": "2.4.6",
    "pandas": "3.1.1",
    "uvicorn": "0.54.0",
    "httptools": "0.7.1",
    "starlette": "1.3.1",
    "orjson": "3.11.4",
    "prometheus-client": "0.24.0",
    "werkzeug": "3.1.9",
}


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    """A road of one's own with an empty cache."""
    index = tmp_path / "index"
    index.mkdir()
    for name, version in WHEELS.items():
        make_wheel(index, name, version)
    make_wheel(index, "mlflow", "3.17.2", requires=["mlflow-skinny==3.17.2"])
    make_wheel(index, "wrapt", "1.16.0")
    make_wheel(index, "inference-schema", "1.8", requires=["wrapt"])
    monitoring = {"azureml/__init__.py": "", "azureml/ai/__init__.py": "", "azureml/ai/monitoring/__init__.py": ""}
    make_wheel(index, "azureml-ai-monitoring", "1.0.0", files=monitoring)
    write_index(index)
    write_model(tmp_path / "model")
    write_base(tmp_path / "base")
    with serve(index) as url:
        yield Road(
            folder=tmp_path,
            model=tmp_path / "model",
            index=index,
            index_url=url,
            base=tmp_path / "base",
            cache=tmp_path / "cache",
        )
