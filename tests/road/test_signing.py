"""`image --push --sign-key`, by cosign itself in real registries, with logins, certificates and attestations."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cosigns import NO_WAY_OUT, PASSWORD, SUITES, fetch, generate
from registry import registry
from tinyroad import Road, add_base

pytestmark = [pytest.mark.slow, pytest.mark.registry, pytest.mark.network]

# bcrypt of "secret".
PASSWORD_LINE = "me:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


@pytest.fixture(scope="module", params=SUITES)
def cosign(request: pytest.FixtureRequest) -> Path:
    return fetch(request.param, request.config)


@pytest.fixture(scope="module")
def newest(request: pytest.FixtureRequest) -> Path:
    return fetch(SUITES[-1], request.config)


@pytest.fixture(scope="module")
def keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return generate(fetch(SUITES[0], request.config), tmp_path_factory.mktemp("keys"), "team")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


def push(
    road: Road, cosign: Path, key: Path, *names: str, arguments: tuple[str, ...] = (), **changes: str
) -> subprocess.CompletedProcess[str]:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    tags = [part for name in names for part in ("-t", name)]
    settings = {
        "DOCKER_CONFIG": str(road.folder / "docker"),
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "ENVBUILD_COSIGN": str(cosign),
        "COSIGN_PASSWORD": PASSWORD,
        "HOME": str(road.folder / "home"),
        **NO_WAY_OUT,
        **changes,
    }
    command = ["image", str(road.model), *tags, "--push", "--sign-key", str(key), *base, *arguments]
    done = road.run(*command, **settings)
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def pushed(
    road: Road, cosign: Path, key: Path, *names: str, arguments: tuple[str, ...] = (), **changes: str
) -> dict[str, Any]:
    """The JSON of a push that must go well."""
    done = push(road, cosign, key, *names, arguments=("--json", *arguments), **changes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def verified(cosign: Path, public: Path, reference: str, *options: str, **changes: str) -> list[dict[str, Any]]:
    """What cosign itself says of the signatures of an image; empty for none."""
    import os

    command = [str(cosign), "verify", f"--key={public}", "--insecure-ignore-tlog=true", *options, reference]
    settings = {**os.environ, **NO_WAY_OUT, **changes}
    done = subprocess.run(command, capture_output=True, text=True, env=settings, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
    return found


def raw(name: str) -> dict[str, Any]:
    done = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tags(address: str, repository: str) -> list[str]:
    done = subprocess.run(
        ["skopeo", "list-tags", "--tls-verify=false", f"docker://{address}/{repository}"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tag for tag in json.loads(done.stdout)["Tags"] if not tag.startswith("sha256-")]


def test_what_is_signed_is_what_the_names_stand_for_and_it_is_signed_once(
    road: Road, address: str, cosign: Path, keys: tuple[Path, Path]
) -> None:
    names = (f"{address}/team/tiny:1", f"{address}/team/tiny:latest", f"{address}/other/tiny:1")
    add_base(road.base, road.folder / "base-arm64", architecture="arm64")
    arguments = ("--sbom", "--provenance", "--platform", "linux/amd64,linux/arm64")
    found = pushed(road, cosign, keys[0], *names, arguments=arguments)
    digest = found["index_digest"]
    signature = found["pushed"]["signature"]
    assert signature["images"] == [f"{address}/team/tiny@{digest}", f"{address}/other/tiny@{digest}"]
    assert signature["made"] == 2
    assert signature["key_id"].startswith("sha256:")
    assert raw(names[0])["mediaType"].endswith("index.v1+json")
    for name in (*names, *signature["images"]):
        (said,) = verified(cosign, keys[1], name)
        assert said["critical"]["image"]["docker-manifest-digest"] == digest
    # What is attached to the image is still found by it.
    image = raw(names[0])["manifests"][0]["digest"]
    listed = raw(f"{address}/team/tiny:{image.replace(':', '-')}")["manifests"]
    assert {"https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"} <= {
        entry["annotations"]["in-toto.io/predicate-type"] for entry in listed
    }
    again = pushed(road, cosign, keys[0], *names, arguments=arguments)
    assert again["pushed"]["signature"]["made"] == 0
    assert len(verified(cosign, keys[1], names[0])) == 1
    inspected = road.run("inspect", names[0], DOCKER_HOST="tcp://127.0.0.1:1", **NO_WAY_OUT)
    assert inspected.returncode == 0, inspected.stderr
    assert "tiny-loader" in inspected.stdout


def test_verify_looks_at_the_signature_and_then_at_the_very_image_that_was_signed(
    road: Road, address: str, newest: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    name = f"{address}/team/tiny:1"
    found = pushed(road, newest, keys[0], name)
    digest = found["manifest_digest"]

    def verify(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        settings = {"ENVBUILD_COSIGN": str(newest), "DOCKER_HOST": "tcp://127.0.0.1:1", **NO_WAY_OUT, **changes}
        done = road.run("verify", *words, **settings)
        assert "Traceback" not in done.stderr
        return done

    key = ("--key", str(keys[1]))
    done = verify(name, *key, "--signature-only")
    assert (done.returncode, done.stdout) == (0, f"{name}@{digest} is signed by {keys[1]}\n"), done.stderr
    whole = verify(name, *key, "--base", f"oci:{road.base}", "--json")
    assert whole.returncode == 0, whole.stderr + whole.stdout
    document = json.loads(whole.stdout)
    assert document["same"] is True
    assert document["digests"]["manifest"] == digest
    signature = {"digest": digest, "key": str(keys[1]), "key_id": found["pushed"]["signature"]["key_id"]}
    assert document["signature"] == signature
    other = generate(newest, tmp_path / "other", "other")[1]
    refused = verify(name, "--key", str(other), "--json")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert f"{digest} is signed, but not by {other}" in refused.stderr
    # Nothing is asked of anybody where the question makes no sense.
    for words, said in (
        ((f"oci:{road.base}", *key), "a signature lies beside its image in a registry"),
        ((name, "--key", ""), "--key names no key"),
        ((name, "--signature-only"), "--key names no key"),
        ((name, "--key", str(keys[0])), "it is a private key, which stays with whoever signs"),
    ):
        wrong = verify(*words)
        assert wrong.returncode == 2, wrong.stderr
        assert said in wrong.stderr
    lacking = verify(name, *key, ENVBUILD_COSIGN=str(tmp_path / "none"))
    assert lacking.returncode == 2
    assert "ENVBUILD_COSIGN names no program" in lacking.stderr


def test_logins_and_certificates_of_a_push_are_those_of_its_signature(
    road: Road, tmp_path: Path, newest: Path, keys: tuple[Path, Path], certificate: Path
) -> None:
    settings = {"SSL_CERT_FILE": str(tmp_path / "ca.crt"), "REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
    # A login of podman's, for this repository alone, which cosign would not look for.
    runtime = tmp_path / "runtime"
    (runtime / "containers").mkdir(parents=True)
    with registry(tmp_path / "tls", certificate=certificate, htpasswd=PASSWORD_LINE) as address:
        login = {"auths": {f"{address}/team/tiny": {"auth": "bWU6c2VjcmV0"}}}
        (runtime / "containers" / "auth.json").write_text(json.dumps(login))
        name = f"{address}/team/tiny:1"
        settings["XDG_RUNTIME_DIR"] = str(runtime)
        done = push(road, newest, keys[0], name, arguments=("--json",), **settings)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["pushed"]["signature"]["made"] == 1
        assert sorted(path.name for path in runtime.iterdir()) == ["containers"]
        (tmp_path / "docker-login").mkdir()
        (tmp_path / "docker-login" / "config.json").write_text(
            json.dumps({"auths": {address: {"auth": "bWU6c2VjcmV0"}}})
        )
        options = [f"--registry-cacert={tmp_path / 'ca.crt'}"]
        assert verified(newest, keys[1], name, *options, DOCKER_CONFIG=str(tmp_path / "docker-login"))
        none = {**settings, "SSL_CERT_FILE": ""}
        (road.model / "weights.bin").write_bytes(b"other weights")
        again = pushed(road, newest, keys[0], name, arguments=("--insecure",), **none)
        assert again["pushed"]["signature"]["made"] == 1
