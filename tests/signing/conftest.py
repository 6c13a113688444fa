"""Real cosigns of newer Debian suites, keys of their making, and an environment with no way out of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from cosigns import NO_WAY_OUT, PASSWORD, SUITES, fetch, generate

Keys = tuple[Path, Path]


@pytest.fixture(scope="session", params=SUITES)
def cosign(request: pytest.FixtureRequest) -> Path:
    """cosign 2, and cosign 3."""
    return fetch(request.param, request.config)


@pytest.fixture(scope="session")
def cosigns(request: pytest.FixtureRequest) -> list[Path]:
    """Both of them."""
    return [fetch(suite, request.config) for suite in SUITES]


@pytest.fixture(scope="session")
def keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The private and the public key of a team."""
    return generate(fetch(SUITES[0], request.config), tmp_path_factory.mktemp("keys"), "team")


@pytest.fixture(scope="session")
def other_keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Those of somebody else."""
    return generate(fetch(SUITES[0], request.config), tmp_path_factory.mktemp("other"), "other")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty HOME without logins, from which nothing but loopback is reached."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE", "COSIGN_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    settings = {**NO_WAY_OUT, "HOME": str(home), "DOCKER_CONFIG": str(home / "docker"), "COSIGN_PASSWORD": PASSWORD}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return home
