"""Python 3.9 to 3.14 under every server, 3.8 under Azure ML's alone; what else a base brings is refused by name."""

from __future__ import annotations

import pytest

from envbuild.errors import ResolveError
from envbuild.servers import PROFILES
from envbuild.servers.pythons import check_python


@pytest.mark.parametrize("python", ["3.9.2", "3.10.13", "3.11", "3.12.1", "3.13.5", "3.14.0"])
@pytest.mark.parametrize("server", PROFILES)
def test_six_minor_versions_run_with_every_server(python: str, server: str) -> None:
    check_python(PROFILES[server], python)


def test_python_3_8_runs_with_the_azure_server_alone() -> None:
    check_python(PROFILES["azureml"], "3.8.18")
    for name in ("envbuild", "mlflow"):
        title = PROFILES[name].title
        with pytest.raises(ResolveError, match=f"no image with {title} runs on Python 3.8: 3.9 is the oldest") as found:
            check_python(PROFILES[name], "3.8.18")
        assert found.value.hint.startswith("--server azureml runs on it; or use a base with a newer Python")


@pytest.mark.parametrize("server", PROFILES)
def test_an_older_python_runs_with_none(server: str) -> None:
    for python in ("3.7.16", "3.6.15", "2.7.18"):
        with pytest.raises(ResolveError, match=f"runs on Python {python[:3]}") as found:
            check_python(PROFILES[server], python)
        assert "--server" not in found.value.hint


def test_a_python_of_the_future_is_not_tried() -> None:
    with pytest.raises(
        ResolveError, match=r"Python 3\.15 is newer than what images are made with: 3\.14 is the newest"
    ):
        check_python(PROFILES["envbuild"], "3.15.0")
