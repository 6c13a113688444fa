"""Tables in Parquet for the model of told.py, as its container's pyarrow writes them: the tests' Python has none."""

from __future__ import annotations

import base64
import json
import subprocess

from containers import Container

WRITE = """
import base64, io, json
import pyarrow, pyarrow.parquet

TABLES = {
    "plain": {"a": [1.5, -1.0], "b": [2, 3]},
    "typed": {
        "s": ["x", None],
        "b": pyarrow.array([2, 3], "int8"),
        "a": pyarrow.array([1.5, -1.0], "float32"),
        "more": [1, 2],
    },
    "whole": {"a": [1, 2], "b": [2.0, 3.0]},
    "text": {"a": ["s3cr3t", "1"], "b": [2, 3]},
    "fraction": {"a": [1.0, 2.0], "b": [2.0, 2.5]},
    "null": {"a": [1.0, 2.0], "b": [None, 2]},
    "short": {"a": [1.0], "s3cr3t": [1]},
}
files = {}
for name, columns in TABLES.items():
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    files[name] = base64.b64encode(buffer.getvalue()).decode()
print(json.dumps(files))
"""


def parquet_tables(container: Container) -> dict[str, bytes]:
    """The files, by name."""
    command = ["docker", "exec", container.name, "python", "-c", WRITE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: base64.b64decode(text) for name, text in json.loads(done.stdout).items()}
