from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from envbuild.shipping.endpoint import candidates


def add_context(config: Path, name: str, docker: dict[str, Any], *, tls: bool = False) -> None:
    folder = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / folder
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": docker}}))
    if tls:
        (config / "contexts" / "tls" / folder / "docker").mkdir(parents=True)


def test_docker_host_is_the_only_candidate(tmp_path: Path) -> None:
    (found,) = candidates({"DOCKER_HOST": "unix:///a/b.sock", "DOCKER_CONTEXT": "other", "HOME": str(tmp_path)})

    assert (found.address, found.socket, found.problem) == ("unix:///a/b.sock", "/a/b.sock", "")


def test_docker_host_over_tls_takes_the_files_of_the_configuration(tmp_path: Path) -> None:
    env = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    (found,) = candidates({**env, "HOME": str(tmp_path)})
    (plain,) = candidates({"DOCKER_HOST": "tcp://h:2375", "HOME": str(tmp_path)})

    assert (found.tls, found.verify, found.socket) == ("/certs", True, "")
    assert plain.tls == ""


@pytest.mark.parametrize("host", ["nonsense", "unix://", "ftp://h", "://x"])
def test_a_docker_host_that_is_no_address_is_a_problem_with_a_way_out(host: str) -> None:
    (found,) = candidates({"DOCKER_HOST": host, "HOME": "/nowhere"})

    assert host in found.problem
    assert found.hint


def test_the_current_context_is_read_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    config = tmp_path / ".docker"
    add_context(config, "mine", {"Host": "unix:///mine.sock"})
    add_context(config, "far", {"Host": "tcp://h:2376", "SkipTLSVerify": True}, tls=True)
    (config / "config.json").write_text('{"currentContext": "mine"}')

    (mine,) = candidates({"HOME": str(tmp_path)})
    (far,) = candidates({"HOME": str(tmp_path), "DOCKER_CONTEXT": "far"})
    (elsewhere,) = candidates({"HOME": "/nowhere", "DOCKER_CONFIG": str(config)})

    assert mine.socket == elsewhere.socket == "/mine.sock"
    assert far.address == "tcp://h:2376"
    assert far.tls.endswith("/docker")
    assert not far.verify


def test_a_context_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    (found,) = candidates({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})

    assert "'gone'" in found.problem
    assert "docker context" in found.hint


@pytest.mark.parametrize("content", ["", "[", "[]", '{"currentContext": "default"}', '{"currentContext": null}'])
def test_without_a_context_the_usual_sockets_are_tried_in_order(tmp_path: Path, content: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(content)
    for name in ("docker.sock", "podman/podman.sock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = [x.socket for x in candidates({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)})]

    mine = [path for path in found if path.startswith(str(tmp_path))]
    assert mine == [str(tmp_path / "docker.sock"), str(tmp_path / "podman/podman.sock")]
