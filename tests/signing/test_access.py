"""cosign gets the logins and certificates that envbuild itself would use, and no others."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import NetworkError
from envbuild.oci.remote import RemoteImage, parse_remote
from envbuild.oci.transport import Transport
from envbuild.signing.access import access

DIGEST = "sha256:" + "0" * 64
IMAGE = parse_remote(f"registry.example:5000/team/tiny@{DIGEST}")


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    # Docker's own code looks at the process's.
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker"), "PATH": "/usr/bin:/bin"}


def written(image: RemoteImage, environ: dict[str, str], **changes: Any) -> dict[str, Any]:
    """The logins that cosign gets; that the file is private and gone afterwards is checked on the way."""
    with access(image, Transport(environ), **changes) as way:
        path = Path(way.environ["DOCKER_CONFIG"], "config.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert "REGISTRY_AUTH_FILE" not in way.environ
        found: dict[str, Any] = json.loads(path.read_text())["auths"]
    assert not path.parent.exists()
    return found


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_without_a_login_it_gets_none(environ: dict[str, str]) -> None:
    assert written(IMAGE, environ) == {}


def test_it_gets_the_login_of_the_registry_alone(environ: dict[str, str], tmp_path: Path) -> None:
    write(
        tmp_path / "docker" / "config.json",
        {"auths": {"registry.example:5000": auth("me:se:cret"), "elsewhere.example": auth("me:other")}},
    )
    assert written(IMAGE, environ) == {"registry.example:5000": auth("me:se:cret")}


def test_a_login_of_podman_for_a_folder_of_repositories_is_that_of_the_registry(
    environ: dict[str, str], tmp_path: Path
) -> None:
    logins = {"registry.example:5000/team": auth("robot:secret"), "registry.example:5000/others": auth("me:other")}
    environ["REGISTRY_AUTH_FILE"] = str(write(tmp_path / "auth.json", {"auths": logins}))
    assert written(IMAGE, environ) == {"registry.example:5000": auth("robot:secret")}
    other = parse_remote(f"registry.example:5000/others/tiny@{DIGEST}")
    assert written(other, environ) == {"registry.example:5000": auth("me:other")}


def test_a_token_stays_a_token(environ: dict[str, str], tmp_path: Path) -> None:
    entry = {**auth("00000000-0000-0000-0000-000000000000:x"), "identitytoken": "a token"}
    write(tmp_path / "docker" / "config.json", {"auths": {"registry.example:5000": entry}})
    assert written(IMAGE, environ) == {"registry.example:5000": {"identitytoken": "a token"}}


def test_docker_hub_has_its_old_name(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "docker" / "config.json", {"auths": {"https://index.docker.io/v1/": auth("me:secret")}})
    image = parse_remote(f"me/tiny@{DIGEST}")
    assert written(image, environ) == {"https://index.docker.io/v1/": auth("me:secret")}
    with access(image, Transport(environ)) as way:
        assert way.reference == f"docker.io/me/tiny@{DIGEST}"


def test_a_mirror_is_asked_in_its_place_only_where_images_are_read(environ: dict[str, str]) -> None:
    environ["ENVBUILD_REGISTRY_MIRROR"] = "mirror.example/hub"
    image = parse_remote(f"me/tiny@{DIGEST}")
    with access(image, Transport(environ), mirror=True) as way:
        assert way.reference == f"mirror.example/hub/me/tiny@{DIGEST}"
    with access(image, Transport(environ)) as way:
        assert way.reference == f"docker.io/me/tiny@{DIGEST}"


def test_signatures_that_are_kept_elsewhere_have_a_login_there(environ: dict[str, str], tmp_path: Path) -> None:
    environ["COSIGN_REPOSITORY"] = "signatures.example/all"
    logins = {"registry.example:5000": auth("me:secret"), "signatures.example": auth("me:other")}
    write(tmp_path / "docker" / "config.json", {"auths": logins})
    assert written(IMAGE, environ) == logins


def test_whom_the_person_trusts_is_trusted(environ: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / ".config/docker/certs.d/registry.example:5000"
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_text("the registry's own")
    (folder / "me.cert").write_text("who one is")
    (folder / "me.key").write_text("a key")
    (tmp_path / "company.pem").write_text("the company's")
    environ["SSL_CERT_FILE"] = str(tmp_path / "company.pem")
    with access(IMAGE, Transport(environ)) as way:
        given = dict(argument.removeprefix("--").split("=", 1) for argument in way.arguments)
        assert Path(given["registry-cacert"]).read_text() == "the registry's own\nthe company's\n"
        assert given["registry-client-cert"] == str(folder / "me.cert")
        assert given["registry-client-key"] == str(folder / "me.key")
    with access(IMAGE, Transport(environ, insecure=frozenset({IMAGE.domain}))) as way:
        assert way.arguments == ("--allow-insecure-registry", "--allow-http-registry")
    with access(
        parse_remote(f"other.example/a@{DIGEST}"), Transport(environ, insecure=frozenset({IMAGE.domain}))
    ) as way:
        assert [argument.partition("=")[0] for argument in way.arguments] == ["--registry-cacert"]


def test_certificates_that_are_not_there_are_told(environ: dict[str, str]) -> None:
    environ["SSL_CERT_FILE"] = "/no/such/file.pem"
    with pytest.raises(NetworkError, match=r"/no/such/file\.pem: no such file"), access(IMAGE, Transport(environ)):
        pass
