"""Which builder is taken, with docker clients that are small scripts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envbuild.backends.dockerfile.choosing import choose_builder, clients
from envbuild.backends.dockerfile.connection import Connection
from envbuild.errors import EngineError

ENGINE = Connection(address="unix:///run/tiny.sock", version="20.10.24+dfsg1")
PLUGIN = "github.com/docker/buildx v0.13.1 788433953af10f2a698f5c07611dddce2e08c7a0"


def client(folder: Path, version: str, *, buildx: bool = False, broken: str = "") -> str:
    """A `docker` that answers as a real one does."""
    folder.mkdir()
    path = folder / "docker"
    answer = f"echo '{PLUGIN}'" if buildx else 'echo "docker: unknown command: docker buildx" >&2; exit 1'
    told = (
        f"echo '{broken}' >&2; exit 1" if broken else f'echo "{version} 20.10.24"; echo "$DOCKER_HOST" > {folder}/host'
    )
    path.write_text(f'#!/bin/sh\ncase "$1" in\nversion) {told};;\nbuildx) {answer};;\n*) exit 2;;\nesac\n')
    path.chmod(0o755)
    return str(path)


def environment(*folders: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, folders)) + ":/nowhere", **more}


def test_a_client_with_buildx_is_taken(tmp_path: Path) -> None:
    path = client(tmp_path / "a", "28.2.2", buildx=True)
    found = choose_builder("auto", ENGINE, environment(tmp_path / "a"))
    assert (found.kind, found.client, found.plugin) == ("buildkit", path, True)
    assert "v0.13.1" in found.why


def test_a_client_of_before_23_has_buildkit_built_in(tmp_path: Path) -> None:
    path = client(tmp_path / "a", "20.10.24+dfsg1")
    found = choose_builder("auto", ENGINE, environment(tmp_path / "a"))
    assert (found.kind, found.client, found.plugin) == ("buildkit", path, False)


def test_every_client_on_the_path_is_looked_at(tmp_path: Path) -> None:
    client(tmp_path / "a", "28.2.2")
    client(tmp_path / "b", "26.1.5", broken="Error response from daemon: client version is too old")
    path = client(tmp_path / "c", "20.10.24")
    found = choose_builder("auto", ENGINE, environment(tmp_path / "a", tmp_path / "b", tmp_path / "c"))
    assert found.client == path


def test_without_a_client_for_it_the_classic_builder_is_taken_and_the_reason_told(tmp_path: Path) -> None:
    first = client(tmp_path / "a", "28.2.2")
    second = client(tmp_path / "b", "26.1.5", broken="client version 1.41 is too old")
    found = choose_builder("auto", ENGINE, environment(tmp_path / "a", tmp_path / "b"))
    assert found.kind == "classic"
    assert f"{first}: version 28.2.2 has no buildx plugin" in found.why
    assert f"{second}: client version 1.41 is too old" in found.why


def test_buildkit_that_is_wanted_and_missing_is_an_error_with_a_way_on(tmp_path: Path) -> None:
    path = client(tmp_path / "a", "28.2.2")
    with pytest.raises(EngineError) as caught:
        choose_builder("buildkit", ENGINE, environment(tmp_path / "a"))
    assert path in caught.value.message
    assert "buildx" in caught.value.hint
    assert caught.value.exit_code == 9


def test_no_client_at_all_is_told(tmp_path: Path) -> None:
    assert "no docker client on PATH" in choose_builder("auto", ENGINE, environment(tmp_path)).why


def test_an_engine_of_before_buildkit_is_not_asked_for_it(tmp_path: Path) -> None:
    client(tmp_path / "a", "20.10.24")
    old = Connection(address=ENGINE.address, version="17.12.1")
    assert choose_builder("auto", old, environment(tmp_path / "a")).kind == "classic"
    with pytest.raises(EngineError, match=r"18\.09"):
        choose_builder("buildkit", old, environment(tmp_path / "a"))


def test_podman_has_its_own_builder(tmp_path: Path) -> None:
    client(tmp_path / "a", "20.10.24")
    podman = Connection(address=ENGINE.address, product="podman", version="4.3.1")
    assert choose_builder("auto", podman, environment(tmp_path / "a")).kind == "classic"


def test_docker_buildkit_0_is_a_wish_that_auto_respects(tmp_path: Path) -> None:
    client(tmp_path / "a", "20.10.24")
    env = environment(tmp_path / "a", DOCKER_BUILDKIT="0")
    assert choose_builder("auto", ENGINE, env).kind == "classic"
    assert choose_builder("buildkit", ENGINE, env).kind == "buildkit"


def test_the_client_is_asked_about_the_engine_that_the_image_goes_to(tmp_path: Path) -> None:
    client(tmp_path / "a", "20.10.24")
    choose_builder("auto", ENGINE, environment(tmp_path / "a", DOCKER_HOST="tcp://elsewhere:1", DOCKER_CONTEXT="other"))
    assert (tmp_path / "a" / "host").read_text().strip() == ENGINE.address


def test_a_client_that_is_on_the_path_twice_is_one(tmp_path: Path) -> None:
    path = client(tmp_path / "a", "20.10.24")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "docker").symlink_to(path)
    assert clients(environment(tmp_path / "a", tmp_path / "b")) == [path]


def test_the_tls_files_of_a_context_go_along() -> None:
    secured = Connection(address="tcp://engine:2376", tls="/keys")
    env = secured.environment({"DOCKER_CONTEXT": "x", "DOCKER_TLS_VERIFY": "", "HOME": "/h"})
    assert env == {
        "HOME": "/h",
        "DOCKER_HOST": "tcp://engine:2376",
        "DOCKER_CERT_PATH": "/keys",
        "DOCKER_TLS_VERIFY": "1",
    }
    unverified = Connection(address="tcp://engine:2376", tls="/keys", verify=False).environment({})
    assert unverified["DOCKER_TLS"] == "1"
    assert "DOCKER_TLS_VERIFY" not in unverified
