"""A record is read as a build writes it, and nothing of it is believed unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envbuild.errors import BaseImageError
from envbuild.planner.record import record
from envbuild.resolver.types import Lock, LockedPackage
from envbuild.verifying.record import as_json, parse


def a_record(**changes: Any) -> dict[str, Any]:
    package = LockedPackage(name="a-b", version="1!2.0+cpu", filename="a_b-2-py3-none-any.whl", sha256="a" * 64, size=3)
    lock = Lock(packages=(package,), python="3.11.2", platform="manylinux_2_36_x86_64", requirements=("a-b",))
    found = record(
        version="1.0",
        server="envbuild",
        bytecode="on",
        keep_tests=True,
        lock=lock,
        model={"MLmodel": "b" * 64, "run.sh": "c" * 64},
        executable=["run.sh"],
        entry="score.py",
        script={"score.py": "d" * 64},
        env={"B": "e" * 64, "A": "f" * 64},
        labels={"team": "0" * 64},
    )
    return {**found, **changes}


def test_what_was_written_is_what_is_read() -> None:
    found = parse(json.dumps(a_record()).encode())
    assert as_json(found) == a_record()
    assert list(found.env) == ["B", "A"]
    assert found.lock.packages[0].version == "1!2.0+cpu"
    assert (found.entry, found.executable) == ("score.py", frozenset({"run.sh"}))


def test_a_record_without_version_or_script_is_one() -> None:
    plain = {key: value for key, value in a_record().items() if key not in ("script", "envbuild")}
    found = parse(json.dumps(plain).encode())
    assert (found.version, found.entry, found.script) == ("", "", {})
    assert as_json(found) == plain


@pytest.mark.parametrize(
    "changes",
    [
        {"lock": []},
        {"lock": {"python": "3.11", "platform": "x", "packages": [["a", "1", "a.whl"]]}},
        {"lock": {"python": "3.11\nx", "platform": "x", "packages": []}},
        {"model": {"MLmodel": "B" * 64}},
        {"model": ["MLmodel"]},
        {"executable": [1]},
        {"script": "score.py"},
        {"env": {"A": "f" * 64}},
        {"env": [["A"]]},
        {"labels": None},
        {"keep_tests": 1},
        {"server": None},
        {"envbuild": 3},
        {"envbuild": "\ud800"},
        {"model": {"\ud800": "b" * 64}},
        {"executable": ["\ud800"]},
    ],
)
def test_a_record_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BaseImageError, match="damaged"):
        parse(json.dumps(a_record(**changes)).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"format": 1}'])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(BaseImageError, match="damaged"):
        parse(data)


def test_a_later_format_is_for_a_later_envbuild() -> None:
    with pytest.raises(BaseImageError, match="format 2, and this envbuild reads 1"):
        parse(json.dumps(a_record(format=2)).encode())
