"""Whatever lies in a model's files: findings or an error of envbuild's own, in short time."""

from __future__ import annotations

import io
import pickle
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fuzzwords
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lookover import look, look_alone, within

GOOD = (
    b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
    b"    model_path: model.pkl\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n"
    b'signature:\n  inputs: \'[{"name": "a", "type": "double"}]\'\n'
)
CONDA = b"dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - numpy==2.4.6\n"
FILES: Mapping[str, bytes] = {"MLmodel": GOOD, "conda.yaml": CONDA, "requirements.txt": b"numpy==2.4.6\n"}

YAML = st.sampled_from(fuzzwords.YAML)
REQUIREMENTS = st.sampled_from(fuzzwords.REQUIREMENTS)
PYTHON = st.sampled_from(fuzzwords.PYTHON)
BYTES = st.binary(max_size=300)


def text(words: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return st.lists(words, max_size=40).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))


def encoded(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """The text in one of the ways in which editors write files."""
    ways = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "crlf"])

    def write(pair: tuple[bytes, str]) -> bytes:
        data, way = pair
        if way == "crlf":
            return data.replace(b"\r", b"").replace(b"\n", b"\r\n")
        return data.decode("utf-8", "replace").encode(way, "replace")

    return st.tuples(content, ways).map(write)


ANY_YAML = BYTES | encoded(text(YAML))
ANY_REQUIREMENTS = BYTES | encoded(text(REQUIREMENTS))
COMMON = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TURN = st.integers(min_value=0, max_value=23)


def tried(files: Mapping[str, bytes], turn: int, script: bytes | None = None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "model"
        root.mkdir()
        for name, content in {**FILES, **files}.items():
            (root / name).write_bytes(content)
        path = None
        if script is not None:
            path = Path(folder) / "score.py"
            path.write_bytes(script)
        with within(2.0):
            return look(root, script=path, turn=turn)


@COMMON
@given(ANY_YAML, TURN)
def test_any_mlmodel(content: bytes, turn: int) -> None:
    tried({"MLmodel": content}, turn)


@COMMON
@given(ANY_YAML, TURN)
def test_any_ending_of_an_mlmodel(content: bytes, turn: int) -> None:
    tried({"MLmodel": GOOD + content}, turn)


@COMMON
@given(ANY_YAML, ANY_REQUIREMENTS, TURN)
def test_any_conda_yaml(content: bytes, requirements: bytes, turn: int) -> None:
    tried({"conda.yaml": content, "requirements.txt": requirements}, turn)


@COMMON
@given(ANY_YAML | ANY_REQUIREMENTS, TURN)
def test_any_pip_list(content: bytes, turn: int) -> None:
    tried({"conda.yaml": CONDA + b"  - " + content}, turn)


@COMMON
@given(ANY_YAML, TURN)
def test_any_conda_yaml_without_a_model(content: bytes, turn: int) -> None:
    with within(2.0):
        look_alone(content, turn=turn)


@COMMON
@given(ANY_YAML, ANY_REQUIREMENTS, TURN)
def test_any_python_env(content: bytes, requirements: bytes, turn: int) -> None:
    mlmodel = GOOD.replace(b"conda: conda.yaml, ", b"")
    tried({"MLmodel": mlmodel, "python_env.yaml": content, "requirements.txt": requirements}, turn)


@COMMON
@given(ANY_REQUIREMENTS, ANY_REQUIREMENTS, TURN)
def test_any_requirements(content: bytes, constraints: bytes, turn: int) -> None:
    tried({"requirements.txt": content, "constraints.txt": constraints}, turn)


PICKLED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20)
    | st.sampled_from([len, Path, zipfile.ZipFile, Exception]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
OPCODES = st.sampled_from(fuzzwords.PICKLE_OPCODES) | st.binary(max_size=6)


@st.composite
def pickles(draw: st.DrawFn) -> bytes:
    """A pickle that is one, or was one before some bytes of it changed; plain, compressed or in an archive."""
    value: Any = draw(PICKLED)
    data = bytearray(pickle.dumps(value, protocol=draw(st.integers(min_value=0, max_value=5))))
    for _ in range(draw(st.integers(min_value=0, max_value=6))):
        at = draw(st.integers(min_value=0, max_value=len(data)))
        data[at : at + draw(st.integers(min_value=0, max_value=3))] = draw(OPCODES)
    way = draw(st.sampled_from(["plain", "plain", "zlib", "torch", "skops", "cut"]))
    if way == "zlib":
        return zlib.compress(bytes(data))
    if way == "cut":
        return zlib.compress(bytes(data))[:-5]
    if way in ("torch", "skops"):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("archive/data.pkl" if way == "torch" else "schema.json", bytes(data))
        return archive.getvalue()
    return bytes(data)


@COMMON
@given(BYTES | pickles() | st.lists(OPCODES, max_size=60).map(b"".join), TURN)
@example(b"\x80\x04\x95" + b"\xff" * 8 + b".", 0)
@example(b"X\xff\xff\xff\x7f", 0)
@example(b"\x80\x04B\xff\xff\xff\xff", 0)
def test_any_pickle(content: bytes, turn: int) -> None:
    for name in ("model.pkl", "model.skops", "model.pth", "model.joblib"):
        tried({name: content, "MLmodel": GOOD.replace(b"model.pkl", name.encode())}, turn)


@COMMON
@given(BYTES | encoded(text(PYTHON)), TURN)
def test_any_scoring_script(content: bytes, turn: int) -> None:
    tried({}, turn, script=content)


@COMMON
@given(BYTES, TURN)
def test_any_input_example(content: bytes, turn: int) -> None:
    saved = b"saved_input_example_info: {artifact_path: input_example.json, type: dataframe}\n"
    tried({"MLmodel": GOOD + saved, "input_example.json": content, ".env": content}, turn)
