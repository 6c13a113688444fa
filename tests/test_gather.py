"""What is compiled, by whom, and why: chosen before the plan, and told in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from envbuild.bases.types import Base, Interpreter
from envbuild.errors import UsageError
from envbuild.gather import bytecode_of_conda, choose_bytecode
from envbuild.options import Options

Twin = Callable[[], tuple[Base | None, str]]
BASE = Base(
    name="debian:bookworm",
    digest="sha256:" + "0" * 64,
    architecture="amd64",
    interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
    glibc="2.36",
    layers=(),
    config={},
    assembled=True,
)
ARM = replace(BASE, architecture="arm64")


@pytest.fixture(autouse=True)
def a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def nobody() -> tuple[Base | None, str]:
    return None, "nobody else can"


def unasked() -> tuple[Base | None, str]:
    pytest.fail("another base was asked for")


def test_a_base_of_this_machine_compiles_for_itself() -> None:
    assert choose_bytecode(Options(), BASE, unasked)[0] == "startup"
    assert choose_bytecode(Options(bytecode="on"), BASE, unasked) == ("on", "--bytecode on")


@pytest.mark.parametrize(("asked", "chosen"), [("auto", "startup"), ("startup", "startup"), ("on", "on")])
def test_for_another_architecture_the_same_base_of_this_one_compiles_and_is_named(asked: str, chosen: str) -> None:
    value, why = choose_bytecode(Options(bytecode=asked), ARM, lambda: (BASE, ""))
    assert value == chosen
    assert "by debian:bookworm for linux/amd64, whose Python is the same build" in why


def test_without_one_nothing_is_compiled_and_the_reason_is_told() -> None:
    value, why = choose_bytecode(Options(), ARM, nobody)
    assert (value, why) == ("off", "the base's Python is for arm64, this machine is x86_64, and nobody else can")
    for asked in ("startup", "on"):
        with pytest.raises(UsageError, match="nobody else can") as caught:
            choose_bytecode(Options(bytecode=asked), ARM, nobody)
        assert "--bytecode off" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "base", "chosen"),
    [
        (Options(bytecode="off"), ARM, "off"),
        # The engine runs the image's own Python in the build.
        (Options(backend="docker"), ARM, "startup"),
        (Options(), replace(ARM, assembled=False), "off"),
    ],
)
def test_nobody_is_looked_for_where_nobody_is_needed(options: Options, base: Base, chosen: str) -> None:
    assert choose_bytecode(options, base, unasked)[0] == chosen


def on_condas(version: str, **changes: object) -> Base:
    """The base with a Python of conda's."""
    conda = Interpreter(version=version, executable="/opt/envbuild/bin/python3", home="/opt/envbuild")
    return replace(BASE, interpreter=conda, own=BASE.interpreter, **changes)


def test_the_bases_own_python_compiles_for_condas_of_the_same_minor_version() -> None:
    assert bytecode_of_conda(Options(), on_condas("3.11.9"), unasked)[0] == "startup"
    assert bytecode_of_conda(Options(bytecode="on"), on_condas("3.11.9"), unasked)[0] == "on"
    assert bytecode_of_conda(Options(bytecode="off"), on_condas("3.11.9"), unasked)[0] == "off"


@pytest.mark.parametrize("base", [on_condas("3.12.1"), on_condas("3.11.9", assembled=False)], ids=["minor", "foreign"])
def test_condas_python_is_not_run_to_compile(base: Base) -> None:
    value, why = bytecode_of_conda(Options(), base, unasked)
    assert value == "off" and "comes from conda and is not run here" in why
    with pytest.raises(UsageError, match="not run here") as caught:
        bytecode_of_conda(Options(bytecode="startup"), base, unasked)
    assert "--backend docker" in caught.value.hint
