"""Packages as of a day: what was published later is not taken, but for the server's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tinywheels import make_wheel

from envbuild.errors import ResolveError, UsageError
from envbuild.model import read
from envbuild.model.types import Model
from envbuild.resolver.asof import AsOf, as_of, exempt
from envbuild.servers import PROFILES
from envbuild.servers.types import ServerPackage

Make = Callable[..., Any]
THEN = AsOf(moment="2021-06-01T00:00:00Z", where="--as-of")


@pytest.fixture
def logged(tmp_path: Path) -> Callable[[str], Model]:
    """A model whose MLmodel says that it was logged then."""

    def make(line: str) -> Model:
        folder = tmp_path / "logged"
        folder.mkdir()
        (folder / "MLmodel").write_text(f"flavors:\n  python_function:\n    loader_module: tiny\n{line}")
        return read(folder)

    return make


@pytest.fixture
def dated(index: Any) -> Any:
    """alpha and tiny-server, each of 2020 and of 2024."""
    for name in ("alpha", "tiny-server"):
        for version, year in (("1.0", 2020), ("2.0", 2024)):
            index.uploaded[index.wheel(name, version).name] = f"{year}-01-01T00:00:00Z"
    return index


def versions(lock: Any) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-12-20", "2023-12-21T00:00:00Z"),
        ("2023-12-31", "2024-01-01T00:00:00Z"),
        ("2023-12-20T10:00:00Z", "2023-12-20T10:00:00Z"),
        ("2023-12-20T10:00", "2023-12-20T10:00:00Z"),
        ("2023-12-20T10:00:00+02:00", "2023-12-20T08:00:00Z"),
        ("2023-12-20 10:00:00.25", "2023-12-20T10:00:01Z"),
        ("2023-12-20 10:00:00.000", "2023-12-20T10:00:00Z"),
    ],
)
def test_a_day_means_its_end_and_a_time_itself_in_utc(logged: Any, text: str, moment: str) -> None:
    assert as_of(text, logged("")) == AsOf(moment=moment, where="--as-of")


@pytest.mark.parametrize(
    "text", ["yesterday", "2023-13-01", "2023-12-20T25:00:00Z", "20231220", "9999-12-31", "3 days"]
)
def test_what_is_no_time_is_refused(logged: Any, text: str) -> None:
    with pytest.raises(UsageError, match="this is no time"):
        as_of(text, logged(""))


def test_a_day_that_is_not_over_is_refused(logged: Any) -> None:
    model, now = logged(""), datetime.now(timezone.utc)
    for text in ("2999-01-01", f"{now:%Y-%m-%d}", f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"):
        with pytest.raises(UsageError, match="not over yet"):
            as_of(text, model)
    assert as_of(f"{now - timedelta(days=1):%Y-%m-%d}", model) is not None


def test_what_a_model_brings_by_itself_is_of_its_day_whoever_asks_for_it() -> None:
    for server in PROFILES.values():
        assert not {"mlflow", "mlflow-skinny", "numpy", "pandas"} & set(exempt(server, {}))


def test_find_links_that_are_no_address_exempt_nothing() -> None:
    assert exempt(PROFILES["envbuild"], {"UV_FIND_LINKS": "http://[broken"}) == exempt(PROFILES["envbuild"], {})


def test_the_model_says_when_it_was_logged(logged: Any) -> None:
    found = as_of("model", logged("utc_time_created: '2023-12-20 10:11:12.345678'\n"))
    assert found == AsOf(moment="2023-12-20T10:11:13Z", where="MLmodel:4")


@pytest.mark.parametrize(
    ("line", "message"),
    [("", "does not say when"), ("utc_time_created: soon\n", "MLmodel:4: .*'soon', which is no time")],
)
def test_a_model_that_does_not_say_it_is_told(logged: Any, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        as_of("model", logged(line))


def test_versions_are_those_of_that_day_and_a_note_says_so(dated: Any, env: Make, run: Make) -> None:
    assert versions(run(env("alpha"))) == {"alpha": "2.0"}
    lock = run(env("alpha"), as_of=THEN)
    assert versions(lock) == {"alpha": "1.0"}
    assert lock.notes[0].startswith("packages as of 2021-06-01T00:00:00Z (--as-of): what was published later")
    assert run(env("alpha"), as_of=THEN).from_cache
    assert versions(run(env("alpha"))) == {"alpha": "2.0"}


def test_the_servers_packages_are_of_any_day(dated: Any, env: Make, run: Make, profile: Make) -> None:
    server = profile(ServerPackage(name="tiny-server", requirement="tiny-server>=2", why="it serves"))
    assert versions(run(env("alpha"), server, as_of=THEN)) == {"alpha": "1.0", "tiny-server": "2.0"}


def test_of_uvs_own_variable_nothing_is_exempt(
    dated: Any, env: Make, run: Make, profile: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same day by either is two different locks."""
    server = profile(ServerPackage(name="tiny-server", requirement="tiny-server", why="it serves"))
    assert versions(run(env("alpha"), server, as_of=THEN))["tiny-server"] == "2.0"
    monkeypatch.setenv("UV_EXCLUDE_NEWER", THEN.moment)
    assert versions(run(env("alpha"), server))["tiny-server"] == "1.0"
    assert versions(run(env("alpha"), server, as_of=AsOf(moment="2025-01-01T00:00:00Z", where=""))) == {
        "alpha": "2.0", "tiny-server": "2.0",
    }  # fmt: skip


def test_the_azure_server_is_exempt_with_what_stands_beside_it() -> None:
    assert set(exempt(PROFILES["azureml"], {})) >= {
        "azureml-inference-server-http", "azureml-ai-monitoring", "azureml-contrib-services", "inference-schema",
    }  # fmt: skip
    assert {"uvicorn", "starlette"} <= set(exempt(PROFILES["envbuild"], {}))


def test_wheels_in_a_folder_of_this_machine_have_no_day(
    dated: Any, env: Make, run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own, wheels"
    folder.mkdir()
    make_wheel(folder, "of-our-own")
    monkeypatch.setenv("UV_FIND_LINKS", folder.as_uri().replace(",", "%2C"))
    lock = run(env("alpha", "of-our-own"), as_of=THEN)
    assert versions(lock) == {"alpha": "1.0", "of-our-own": "1.0"}


def test_a_pin_that_came_later_is_named(dated: Any, env: Make, run: Make) -> None:
    with pytest.raises(ResolveError) as caught:
        run(env("alpha==2.0"), as_of=THEN)
    assert "alpha had no such version on that day" in caught.value.hint


def test_an_index_that_does_not_say_when_is_told(index: Any, env: Make, run: Make) -> None:
    index.wheel("alpha")
    with pytest.raises(ResolveError) as caught:
        run(env("alpha"), as_of=THEN)
    assert "does not say when its files were published" in caught.value.hint
