from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.oci.auth import Login, find_login, parse_challenges
from envbuild.oci.endpoint import endpoint_of, is_loopback
from envbuild.oci.remote import parse_remote

DIGEST = "sha256:" + "ab" * 32


def challenges(text: str) -> list[tuple[str, dict[str, str]]]:
    return [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(text)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.example/token",
                        "service": "registry.example",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('Basic realm="one, two"', [("basic", {"realm": "one, two"})]),
        (
            'Negotiate, Basic realm="a", bearer realm = "b" , service=plain',
            [("negotiate", {}), ("basic", {"realm": "a"}), ("bearer", {"realm": "b", "service": "plain"})],
        ),
        (r'Basic realm="say \"hi\", \\ all"', [("basic", {"realm": 'say "hi", \\ all'})]),
        ('BASIC REALM="a"', [("basic", {"realm": "a"})]),
        ("", []),
        ("<html>", []),
        ('realm="nobody said how"', []),
        ('Bearer realm="never ends', [("bearer", {})]),
    ],
)
def test_challenges_are_read_with_their_quotes_and_commas(
    header: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    assert challenges(header) == expected


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home of one's own, for docker's code and for ours."""
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    return {"HOME": str(tmp_path)}


def entry(name: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("key", "domain"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry.example:5000", "registry.example:5000"),
        ("https://registry.example/v2/", "registry.example"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_logins_are_found_under_the_keys_that_docker_writes(
    environ: dict[str, str], tmp_path: Path, key: str, domain: str
) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {key: entry("me", "secret:with:colons")}})
    assert find_login(domain, "a/b", environ) == (Login(username="me", password="secret:with:colons"), ())
    assert find_login("elsewhere.example", "a/b", environ) == (None, ())


def test_an_identity_token_stands_for_a_password(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {"r.example": {"auth": "bWU6", "identitytoken": "idtok"}}})
    assert find_login("r.example", "a", environ)[0] == Login(identity_token="idtok")


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "bin/docker-credential-tiny"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("setting", [{"credsStore": "tiny"}, {"credHelpers": {"r.example": "tiny"}}])
def test_a_credential_helper_is_asked(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: dict[str, object]
) -> None:
    helper(tmp_path, monkeypatch, """read host; echo "{\\"Username\\":\\"u-$host\\",\\"Secret\\":\\"s\\"}" """)
    write(tmp_path / ".docker/config.json", setting)
    assert find_login("r.example", "a", environ)[0] == Login(username="u-r.example", password="s")


def test_a_helper_that_fails_is_told_and_the_next_file_asked(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": "no-such-helper"})
    write(tmp_path / ".config/containers/auth.json", {"auths": {"r.example": entry("pod", "man")}})
    login, (trouble,) = find_login("r.example", "a", environ)
    assert login == Login(username="pod", password="man")
    assert "docker's configuration cannot be used" in trouble


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"r.example": {"auth": "!!!"}}}', '{"auths": []}'])
def test_a_configuration_that_cannot_be_read_is_no_crash(environ: dict[str, str], tmp_path: Path, text: str) -> None:
    path = tmp_path / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(text)
    assert find_login("r.example", "a", environ)[0] is None


def test_podmans_entry_for_a_repository_comes_before_that_for_the_registry(
    environ: dict[str, str], tmp_path: Path
) -> None:
    auths = {"r.example": entry("all", "1"), "r.example/team": entry("team", "2"), "r.example/team/x": entry("x", "3")}
    file = write(tmp_path / "auth.json", {"auths": auths})
    environ["REGISTRY_AUTH_FILE"] = str(file)
    found = {name: find_login("r.example", name, environ)[0] for name in ("team/x", "team/y", "other")}
    assert [login.username for login in found.values() if login] == ["x", "team", "all"]


def test_no_secret_stands_in_a_repr() -> None:
    assert "secret" not in repr(Login(username="me", password="secret", identity_token="secret"))


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("python:3.12-slim", "docker.io/library/python:3.12-slim", "3.12-slim"),
        ("docker://team/x", "docker.io/team/x:latest", "latest"),
        ("index.docker.io/team/x:1", "docker.io/team/x:1", "1"),
        (f"r.example:5000/a/b@{DIGEST}", "r.example:5000/a/b", DIGEST),
        (f"r.example/a/b:1@{DIGEST}", "r.example/a/b:1", DIGEST),
        ("localhost:5000/x:2", "localhost:5000/x:2", "2"),
        ("[::1]:5000/x", "[::1]:5000/x:latest", "latest"),
    ],
)
def test_references_are_fully_qualified(text: str, name: str, wanted: str) -> None:
    image = parse_remote(text)
    assert (image.name, image.wanted) == (name, wanted)


@pytest.mark.parametrize(
    "text", ["a@sha256:12", "a@sha512:" + "a" * 128, f"a@{DIGEST.upper()}", "A B", "x/Y:1", "a:b:c"]
)
def test_what_is_no_reference_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_remote(text)


@pytest.mark.parametrize(
    ("mirror", "host", "prefix", "scheme"),
    [
        ("", "registry-1.docker.io", "", ""),
        ("mirror.example", "mirror.example", "", ""),
        ("mirror.example:5000/hub/proxy/", "mirror.example:5000", "hub/proxy/", ""),
        ("http://mirror.example", "mirror.example", "", "http"),
    ],
)
def test_a_mirror_stands_in_for_docker_hub_alone(mirror: str, host: str, prefix: str, scheme: str) -> None:
    environ = {"ENVBUILD_REGISTRY_MIRROR": mirror}
    hub = endpoint_of(parse_remote("python:3.12-slim"), environ)
    assert (hub.host, hub.prefix, hub.scheme) == (host, prefix, scheme)
    assert endpoint_of(parse_remote("r.example/python"), environ).host == "r.example"


@pytest.mark.parametrize("mirror", ["ftp://x", "a b", "user:pass@host", "host/?q=1", "https://"])
def test_a_mirror_that_is_no_address_is_a_usage_error_that_does_not_repeat_it(mirror: str) -> None:
    with pytest.raises(UsageError, match="ENVBUILD_REGISTRY_MIRROR") as caught:
        endpoint_of(parse_remote("python"), {"ENVBUILD_REGISTRY_MIRROR": mirror})
    assert "pass" not in caught.value.message


def test_only_this_machine_is_loopback() -> None:
    for host in ("localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000"):
        assert is_loopback(host)
    for host in ("localhost.example", "10.0.0.1", "registry.example:5000", "[::2]:5000", "128.0.0.1", "0.0.0.0"):
        assert not is_loopback(host)
