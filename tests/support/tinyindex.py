"""An index of tiny wheels: what the tiny model and the servers ask for."""

from __future__ import annotations

from pathlib import Path

from tinywheels import make_wheel, write_index

_PLAIN = {
    "packaging": "26.3",
    "numpy": "2.4.6",
    "pandas": "3.1.1",
    # What the envbuild server brings.
    "uvicorn": "0.54.0",
    "httptools": "0.7.1",
    "starlette": "1.3.1",
    "orjson": "3.11.4",
    "prometheus-client": "0.24.0",
    # What it brings for some scripts.
    "werkzeug": "3.1.9",
    "wrapt": "1.16.0",
    # What a model lists for Azure ML's server.
    "azureml-inference-server-http": "1.5.1",
}


def write_tiny_index(folder: Path) -> Path:
    """Write the wheels and their pages into `folder`, and give it."""
    for name, version in _PLAIN.items():
        make_wheel(folder, name, version)
    make_wheel(folder, "mlflow-skinny", "3.17.2", requires=["packaging"])
    make_wheel(folder, "mlflow", "3.17.2", requires=["mlflow-skinny==3.17.2"])
    make_wheel(folder, "tiny-loader", files={"tiny_loader/data.txt": "data\n"})
    make_wheel(folder, "inference-schema", "1.8", requires=["wrapt"])
    packages = ("azureml", "azureml/ai", "azureml/ai/monitoring")
    files = {f"{package}/__init__.py": "" for package in packages}
    make_wheel(folder, "azureml-ai-monitoring", "1.0.0", files=files)
    write_index(folder)
    return folder
