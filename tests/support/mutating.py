"""Models to begin with, and changes of their files, each made from a number alone."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import fuzzwords

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "models"
Files = dict[str, bytes]

_MLMODEL = b"""\
artifact_path: model
flavors:
  python_function:
    code: code
    config: {}
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.pytorch
    model_path: data/model.pth
    python_version: 3.10.12
  pytorch: {model_data: data, pytorch_version: 2.1.0+cu118, code: null}
mlflow_version: 2.9.2
resources: {databricks: {serving_endpoint: [{name: x}]}, api_version: '1'}
saved_input_example_info: {artifact_path: input_example.json, pandas_orient: split, type: dataframe}
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3, -1]}}]'
  outputs: '[{"name": "a", "type": {"type": "array", "items": "double"}, "required": false}]'
  params: '[{"name": "t", "type": "double", "default": 0.5, "shape": null}]'
"""
_CONDA = b"""\
name: env  # exported
channels:
- defaults
- https://conda.example/t/tk-123-abc/get
dependencies:
- python=3.10
- _libgcc_mutex=0.1=main
- conda-forge::gdal>=3
- cudatoolkit
- pip<=23.2.1
- pip:
  - --extra-index-url https://user:word@index.example/simple
  - mlflow==2.9.2
  - torch==2.1.0+cu118
  - "pandas[excel]>=2.0,<3 ; python_version >= '3.9'"
  - git+https://github.com/a/b.git@main#egg=b
  - code/wheels/a-1.0-py3-none-any.whl
  - pywin32==306
  - sklearn
  - -r more.txt
variables: {A: "1"}
"""
_REQUIREMENTS = b"""\
--index-url https://user:word@index.example/simple
# a comment
numpy==1.23.5 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
scikit-learn==1.1.2 \\
    ; python_version < "3.12"
-e ./src
-c constraints.txt
flask==2.2.2
${PRIVATE}==1.0
C:\\wheels\\a-1.0-py3-none-any.whl
"""
_SCRIPT = b"""\
import json
from azureml.ai.monitoring import Collector
import numpy as np, helper


def init():
    global model
    model = None


def run(raw_data: str, *, other=None) -> str:
    return json.dumps(raw_data)
"""


def seeds() -> list[Files]:
    """Model folders by the contents of their files: the fixtures, and some that hold what those have not."""
    found = [
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        for folder in sorted(FIXTURES.iterdir())
        if folder.is_dir()
    ]
    value = {"a": [1, 2.5, "text", b"bytes", (None, True)], "type": Path, "function": len}
    plain = pickle.dumps(value, protocol=4)
    odd: Files = {"MLmodel": _MLMODEL, "conda.yaml": _CONDA, "requirements.txt": _REQUIREMENTS, "score.py": _SCRIPT}
    odd |= {
        "constraints.txt": b"numpy<2\n",
        "more.txt": b"requests\n",
        "data/model.pth": _zip("archive/data.pkl", plain),
    }
    odd |= {"python_env.yaml": b"python: 3.10\nbuild_dependencies: [pip==23.2]\ndependencies: [-r requirements.txt]\n"}
    odd |= {"code/helper.py": b"import yaml\n", "input_example.json": b'{"columns": ["a"], "data": [[1.5]]}'}
    found.append(odd)
    for name, data in (
        ("model.pkl", pickle.dumps(value, protocol=0)),
        ("model.joblib", zlib.compress(pickle.dumps(value, protocol=2))),
        ("model.pickle", pickle.dumps(value, protocol=5)),
    ):
        mlmodel = _MLMODEL.replace(b"data/model.pth", name.encode())
        requirements = {"requirements.txt": _REQUIREMENTS, "constraints.txt": b"numpy<2\n"}
        found.append({"MLmodel": mlmodel, **requirements, name: data, "score.py": _SCRIPT})
    return [{name: data for name, data in files.items() if len(data) < 400_000} for files in found]


def mutated(files: Mapping[str, bytes], chance: random.Random) -> Files:
    """The files, one or two of them changed in some places."""
    result = dict(files)
    for _ in range(chance.choice((1, 1, 1, 2))):
        name = chance.choice(sorted(result))
        data = result[name]
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            data = chance.choice(_CHANGES)(data, chance, name)
        result[name] = data[:1_500_000]
    if chance.random() < 0.03:
        del result[chance.choice(sorted(result))]
    return result


def _zip(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def _words(name: str) -> list[str]:
    if name.endswith(".py"):
        return fuzzwords.PYTHON
    return fuzzwords.REQUIREMENTS if name.endswith(".txt") else fuzzwords.YAML


def _part(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16, 64, 512)))


def _flip(data: bytes, chance: random.Random, name: str) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random, name: str) -> bytes:
    start, end = _part(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: random.Random, name: str) -> bytes:
    start, end = _part(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 10, 200)) + data[end:]


def _word(data: bytes, chance: random.Random, name: str) -> bytes:
    start, end = _part(data, chance)
    text = name.endswith((".py", ".txt", ".yaml", ".json")) or name == "MLmodel"
    new = chance.choice(_words(name)).encode() if text else chance.choice(fuzzwords.PICKLE_OPCODES)
    return data[:start] + new + data[end if chance.random() < 0.5 else start :]


def _noise(data: bytes, chance: random.Random, name: str) -> bytes:
    start, end = _part(data, chance)
    return data[:start] + chance.randbytes(chance.choice((1, 2, 4, 8, 64))) + data[end:]


def _lines(data: bytes, chance: random.Random, name: str) -> bytes:
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.randrange(4)
    if way == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif way == 1:
        lines.insert(one, lines[other])
    elif way == 2:
        lines[one] = chance.choice((b"  ", b"\t", b"- ", b"", b"    ")) + lines[one].lstrip()
    else:
        del lines[one]
    return b"\n".join(lines)


def _value(data: bytes, chance: random.Random, name: str) -> bytes:
    """Another value behind a colon, an equals sign or a dash."""
    places = [at for at, byte in enumerate(data[:20_000]) if byte in b":=-"]
    if not places:
        return data
    start = chance.choice(places) + 1
    end = data.find(b"\n", start)
    return data[:start] + b" " + chance.choice(_words(name)).encode() + (data[end:] if end >= 0 else b"")


def _encode(data: bytes, chance: random.Random, name: str) -> bytes:
    way = chance.choice(("crlf", "cr", "utf-8-sig", "utf-16", "latin-1", "zlib", "gone"))
    if way in ("crlf", "cr"):
        return data.replace(b"\n", b"\r\n" if way == "crlf" else b"\r")
    if way == "zlib":
        return zlib.compress(data)
    return b"" if way == "gone" else data.decode("utf-8", "replace").encode(way, "replace")


_CHANGES: tuple[Callable[[bytes, random.Random, str], bytes], ...] = (
    *(_flip, _flip, _cut, _cut, _repeat, _word, _word, _word, _word, _noise),
    *(_lines, _lines, _lines, _value, _value, _value, _encode),
)
