"""Which platform an image is for: as it is asked for, the engine's, this machine's; and never by guessing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from folders import write_files

from envbuild import api, platforms
from envbuild.errors import UsageError
from envbuild.options import Options
from envbuild.progress import Progress
from envbuild.shipping.engine import EngineInfo

AMD64, ARM64 = "linux/amd64", "linux/arm64"
NOWHERE = "unix:///nowhere/docker.sock"


class SomeEngine:
    """An engine as far as its own words go."""

    def __init__(self, architecture: str, os: str = "linux") -> None:
        self.address = NOWHERE
        self._info = EngineInfo(
            id="x", product="docker", version="20.10.24", store="classic", architecture=architecture, os=os
        )

    def info(self) -> EngineInfo:
        return self._info


def engine(architecture: str, os: str = "linux") -> Any:
    return SomeEngine(architecture, os)


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def note(self, message: str) -> None:
        self.noted.append(message)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this machine another one, whose engine is behind a socket that nobody listens on."""

    def be(system: str, processor: str, host: str = NOWHERE) -> None:
        monkeypatch.setattr("platform.system", lambda: system)
        monkeypatch.setattr("platform.machine", lambda: processor)
        monkeypatch.setenv("DOCKER_HOST", host)

    return be


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(
            (text, AMD64)
            for text in ("linux/amd64", "linux/x86_64", "linux/x86-64", "amd64", "AMD64", "linux/amd64/v1")
        ),
        *((text, ARM64) for text in ("linux/arm64", "linux/arm64/v8", "linux/aarch64", "aarch64", "Linux/ARM64")),
    ],
)
def test_a_platform_is_read_as_people_write_it(text: str, meant: str) -> None:
    assert platforms.canonical(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("linux", "", "/", "linux/", "linux/arm", "linux/arm/v7", "linux/arm64/v9", "linux/amd64/v3"),
        *("windows/amd64", "darwin/arm64", "linux/s390x", "arm64/linux", "linux/linux/arm64"),
    ],
)
def test_another_platform_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="no image is made for it") as caught:
        platforms.canonical(text)
    assert AMD64 in caught.value.hint
    assert ARM64 in caught.value.hint


def test_several_platforms_at_a_time_are_refused_as_several() -> None:
    with pytest.raises(UsageError, match="`envbuild image` alone takes"):
        platforms.canonical("linux/amd64,linux/arm64")


def test_what_is_asked_for_comes_before_the_engine(machine: Any) -> None:
    machine("Linux", "x86_64")
    options, why = platforms.settled(Options(platform="linux/aarch64"), engine("amd64"))
    assert (options.platform, why) == (ARM64, "--platform")


def test_the_engine_comes_before_the_machine(machine: Any) -> None:
    machine("Linux", "x86_64")
    options, why = platforms.settled(Options(), engine("arm64"))
    assert (options.platform, why) == (ARM64, "the engine's (docker 20.10.24)")


@pytest.mark.parametrize(("processor", "meant"), [("x86_64", AMD64), ("aarch64", ARM64)])
def test_linux_builds_for_itself(machine: Any, processor: str, meant: str) -> None:
    machine("Linux", processor)
    options, why = platforms.settled(Options())
    assert (options.platform, why) == (meant, "this machine's")


def test_an_engine_elsewhere_is_asked_before_the_machine_is_taken(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("Linux", "x86_64", host="tcp://127.0.0.1:9")
    monkeypatch.setattr("envbuild.shipping.engine.connect", lambda *, required: engine("arm64"))
    assert platforms.settled(Options())[0].platform == ARM64
    monkeypatch.setattr("envbuild.shipping.engine.connect", lambda *, required: None)
    assert platforms.settled(Options())[0].platform == AMD64


def test_a_socket_of_linux_is_not_asked(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("Linux", "aarch64")
    monkeypatch.setattr("envbuild.shipping.engine.connect", lambda *, required: pytest.fail("it was asked"))
    assert platforms.settled(Options())[0].platform == ARM64


@pytest.mark.parametrize(("system", "processor"), [("Darwin", "arm64"), ("Linux", "s390x"), ("Windows", "AMD64")])
def test_where_nothing_tells_the_person_does(machine: Any, system: str, processor: str) -> None:
    machine(system, processor)
    with pytest.raises(UsageError, match="nothing says which platform") as caught:
        platforms.settled(Options())
    assert "--platform" in caught.value.hint
    assert platforms.settled(Options(platform=ARM64))[0].platform == ARM64


@pytest.mark.parametrize("other", [engine("s390x"), engine("amd64", "windows")])
def test_an_engine_for_which_no_image_is_made_is_named(other: Any) -> None:
    with pytest.raises(UsageError, match="no image is made for that") as caught:
        platforms.settled(Options(), other)
    assert ARM64 in caught.value.hint


def test_rules_on_files_ask_nobody_and_always_have_a_platform(machine: Any) -> None:
    for system, processor, meant in (
        ("Darwin", "arm64", ARM64),
        ("Linux", "aarch64", ARM64),
        ("Linux", "s390x", AMD64),
    ):
        machine(system, processor)
        assert platforms.likely(Options()) == meant
    assert platforms.likely(Options(platform="linux/x86_64")) == AMD64


@pytest.mark.parametrize(("asked", "noted"), [("arm64", 1), ("amd64", 0), ("", 0)])
def test_an_image_that_the_engine_cannot_run_by_itself_is_noted(asked: str, noted: int) -> None:
    told = Notes()
    platforms.note_foreign(Options(platform=asked), engine("amd64"), told)
    platforms.note_foreign(Options(platform=asked), None, told)
    assert len(told.noted) == noted


MLMODEL = "flavors:\n  python_function:\n    loader_module: m\n    env: conda.yaml\n"
MARKED = "dependencies:\n- python=3.11\n- pip\n- pip:\n  - mlflow\n  - thing; platform_machine == 'aarch64'\n"


@pytest.mark.parametrize(("platform", "codes"), [("linux/arm64/v8", set()), ("x86_64", {"EB112"})])
def test_markers_are_held_against_the_platform(tmp_path: Path, platform: str, codes: set[str]) -> None:
    files = {
        "MLmodel": "flavors:\n  python_function:\n    loader_module: m\n    env: conda.yaml\n",
        "conda.yaml": MARKED,
    }
    model = api.load(write_files(tmp_path / "model", files))
    assert {finding.code for finding in api.lint(model, platform=platform, select="EB112")} == codes
