"""The model that is measured, and a change of one byte of its weights that leaves it as good as it was."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from .errors import BenchError

FOREST = Path(__file__).resolve().parent.parent / "fixtures" / "models" / "forest"
_WEIGHTS = "model.skops"
_CENTRAL = b"PK\x01\x02"
_TIME = 12  # where a central entry holds the time of its file, which nobody reads back


def copy(folder: Path) -> Path:
    """A copy of the model that may be changed."""
    shutil.copytree(FOREST, folder)
    return folder


def change(model: Path) -> None:
    """Change one byte of the weights: of the time that the archive's first entry carries."""
    weights = model / _WEIGHTS
    data = bytearray(weights.read_bytes())
    entry = data.rfind(b"PK\x05\x06")
    start = int.from_bytes(data[entry + 16 : entry + 20], "little")
    if data[start : start + 4] != _CENTRAL:
        raise BenchError(f"{_WEIGHTS} is no plain zip archive")
    # The five bits of the seconds count up to 29.
    data[start + _TIME] = (data[start + _TIME] & 0xE0) | ((data[start + _TIME] & 0x1F) + 1) % 30
    weights.write_bytes(data)
    with zipfile.ZipFile(weights) as archive:
        if archive.testzip() is not None:
            raise BenchError(f"{_WEIGHTS} does not read after its change")


def question() -> Any:
    """The body of a request to MLflow's `/invocations`."""
    return json.loads((FOREST / "serving_input_example.json").read_text(encoding="utf-8"))


def azure_question() -> Any:
    """The same question to `/score`."""
    split = question()["dataframe_split"]
    return {"input_data": {**split, "index": list(range(len(split["data"])))}}


def answer() -> list[Any]:
    """What the model has to answer."""
    found: list[Any] = json.loads(FOREST.with_name("forest.expected.json").read_text(encoding="utf-8"))
    return found
