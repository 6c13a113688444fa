"""`envbuild image --push`: straight to real registries, with logins and certificates, sending only what they lack."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry import registry
from tinyroad import Road

pytestmark = pytest.mark.registry

# bcrypt of "secret".
PASSWORD_LINE = "me:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


def push(road: Road, *names: str, arguments: tuple[str, ...] = (), **changes: str) -> subprocess.CompletedProcess[str]:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    tags = [part for name in names for part in ("-t", name)]
    settings = {"DOCKER_CONFIG": str(road.folder / "docker"), "DOCKER_HOST": "tcp://127.0.0.1:1", **changes}
    return road.run("image", str(road.model), *tags, "--push", *base, *arguments, **settings)


def pushed(road: Road, *names: str, arguments: tuple[str, ...] = (), **changes: str) -> dict[str, Any]:
    """The JSON of a push that must go well."""
    done = push(road, *names, arguments=("--json", *arguments), **changes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def inspected(name: str, *options: str) -> dict[str, Any]:
    """The raw manifest that a registry gives for a name, as skopeo reads it."""
    command = ["skopeo", "inspect", "--raw", *(options or ("--tls-verify=false",)), f"docker://{name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_engine_is_needed_and_the_first_word_of_a_line_is_what_to_pull(road: Road, address: str) -> None:
    done = push(road, f"{address}/team/tiny:1", f"{address}/team/tiny:latest")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0].partition("@")[0] for line in lines] == [f"{address}/team/tiny:1", f"{address}/team/tiny:latest"]
    reference, config = lines[0]
    digest = reference.partition("@")[2]
    target = road.folder / "copy"
    command = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{address}/team/tiny@{digest}", f"oci:{target}"]
    subprocess.run(command, check=True, capture_output=True)
    assert inspected(f"{address}/team/tiny:1")["config"]["digest"] == config
    assert "Pushed" in done.stderr


@pytest.mark.slow
def test_the_same_image_is_pushed_to_the_same_digest_from_anywhere(road: Road, address: str) -> None:
    one = pushed(road, f"{address}/team/one:1")
    other = pushed(road, f"{address}/team/two:1", ENVBUILD_CACHE_DIR=str(road.folder / "elsewhere"))
    assert one["manifest_digest"] == other["manifest_digest"] == one["pushed"]["manifest_digest"]
    assert one["config_digest"] == other["config_digest"]


def test_a_second_push_sends_nothing(road: Road, address: str) -> None:
    first = pushed(road, f"{address}/team/tiny:1")
    again = pushed(road, f"{address}/team/tiny:1")
    assert first["pushed"]["sent"] > 0
    assert again["pushed"]["sent"] == 0
    assert again["pushed"]["blobs"]["sent"] == 0
    assert again["pushed"]["manifest_digest"] == first["pushed"]["manifest_digest"]


def test_a_changed_model_sends_its_own_layers_and_the_record_alone(road: Road, address: str) -> None:
    pushed(road, f"{address}/team/tiny:1")
    (road.model / "weights.bin").write_bytes(b"other weights")
    found = pushed(road, f"{address}/team/tiny:2")
    kinds = [layer["kind"] for layer in found["layers"] if not layer["cached"]]
    assert set(kinds) == {"model", "record"}
    # The new layers and the config; everything else was there.
    assert found["pushed"]["blobs"]["sent"] == len(kinds) + 1
    # Beside the layers there are the two blobs of what the wheels hold.
    assert found["pushed"]["blobs"]["there"] == len(found["layers"]) - len(kinds) + 2


@pytest.mark.slow
def test_another_repository_of_the_registry_takes_the_blobs_over(road: Road, address: str) -> None:
    first = pushed(road, f"{address}/team/one:1")
    second = pushed(road, f"{address}/team/two:1")
    assert second["pushed"]["sent"] == 0
    assert second["pushed"]["blobs"]["mounted"] == first["pushed"]["blobs"]["sent"]
    assert inspected(f"{address}/team/two:1") == inspected(f"{address}/team/one:1")


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", "tar+gzip"), ("none", "tar")])
def test_layers_are_compressed_as_asked_and_the_image_id_stays(
    road: Road, address: str, compression: str, suffix: str
) -> None:
    found = pushed(road, f"{address}/team/tiny:1", arguments=("--compression", compression))
    manifest = inspected(f"{address}/team/tiny:1")
    kinds = {layer["mediaType"].rpartition(".")[2] for layer in manifest["layers"]}
    # What is too small or too random to compress stays a tar, and a base's layers stay as they are.
    assert suffix in kinds
    assert manifest["config"]["digest"] == found["config_digest"] == road.config_digest()


def test_it_can_be_written_to_a_file_as_well(road: Road, address: str) -> None:
    found = pushed(road, f"{address}/team/tiny:1", arguments=("--output", f"oci-archive={road.folder / 'tiny.tar'}"))
    assert found["output"] == "oci-archive"
    assert (road.folder / "tiny.tar").stat().st_size == found["sent"]
    assert found["pushed"]["sent"] > 0


def test_a_registry_that_wants_a_login_is_told_of_before_any_work(road: Road, tmp_path: Path) -> None:
    with registry(tmp_path / "private", htpasswd=PASSWORD_LINE) as address:
        done = push(road, f"{address}/team/tiny:1")
        assert done.returncode == 11
        assert "wants a login" in done.stderr
        assert f"docker login {address}" in done.stderr
        assert "Layered" not in done.stderr
        write_login(road.folder / "docker", address, "me:secret")
        pushed(road, f"{address}/team/tiny:1")
        write_login(road.folder / "docker", address, "me:wrong")
        refused = push(road, f"{address}/team/tiny:2")
        assert refused.returncode == 11
        assert "refuses the login" in refused.stderr
        assert "wrong" not in refused.stderr.replace("went wrong", "")


def write_login(folder: Path, address: str, login: str) -> None:
    folder.mkdir(exist_ok=True)
    encoded = base64.b64encode(login.encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": encoded}}}))


@pytest.mark.slow
def test_a_certificate_is_vouched_for_or_waived(road: Road, tmp_path: Path, certificate: Path) -> None:
    none = {"SSL_CERT_FILE": "", "REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
    with registry(tmp_path / "tls", certificate=certificate) as address:
        done = push(road, f"{address}/team/tiny:1", **none)
        assert done.returncode == 6
        assert "no trusted connection" in done.stderr
        assert "Traceback" not in done.stderr
        pushed(road, f"{address}/team/tiny:1", arguments=("--insecure",), **none)
        pushed(road, f"{address}/team/tiny:2", **{**none, "SSL_CERT_FILE": str(tmp_path / "ca.crt")})
        # Nothing of a warning of the library that speaks TLS reaches a person.
        quiet = push(road, f"{address}/team/tiny:3", arguments=("--insecure",), **none)
        assert "InsecureRequestWarning" not in quiet.stderr


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "a pushed image needs a name"),
        (("tiny",), "names no registry to push to"),
        (("tiny:1", "127.0.0.1:1/tiny"), "names no registry to push to"),
    ],
)
def test_a_name_that_cannot_be_pushed_is_a_usage_error(road: Road, names: tuple[str, ...], words: str) -> None:
    done = push(road, *names)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_registry_that_is_not_there_is_said_before_any_work(road: Road) -> None:
    done = push(road, "127.0.0.1:1/team/tiny:1")
    assert done.returncode == 6
    assert "127.0.0.1:1" in done.stderr
    assert "Layered" not in done.stderr


def test_the_docker_backend_leaves_pushing_to_the_engine(road: Road) -> None:
    done = push(road, "127.0.0.1:1/team/tiny:1", arguments=("--backend", "docker"))
    assert done.returncode == 2
    assert "docker push" in done.stderr


@pytest.mark.slow
def test_a_damaged_layer_of_the_cache_is_made_anew(road: Road, address: str) -> None:
    first = pushed(road, f"{address}/team/one:1")
    blobs = sorted((road.cache / "store" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    for path in blobs[-3:]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    shutil.rmtree(road.folder / "registry" / "data")
    again = pushed(road, f"{address}/team/one:1")
    assert again["pushed"]["manifest_digest"] == first["pushed"]["manifest_digest"]
    target = road.folder / "copy"
    command = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{address}/team/one:1", f"oci:{target}"]
    subprocess.run(command, check=True, capture_output=True)


def counted(done: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = done["pushed"]["blobs"]
    return found


def test_a_second_machine_takes_the_layers_of_the_registry_and_fetches_no_wheel(road: Road, address: str) -> None:
    first = pushed(road, f"{address}/team/tiny:1")
    (road.model / "weights.bin").write_bytes(b"other weights")
    elsewhere = {"ENVBUILD_CACHE_DIR": str(road.folder / "elsewhere"), "HOME": str(road.folder / "home")}
    done = push(road, f"{address}/team/tiny:1", arguments=("--json",), **elsewhere)
    assert done.returncode == 0, done.stderr
    second = json.loads(done.stdout)
    assert "Fetched" not in done.stderr
    unseen = [layer["kind"] for layer in second["layers"] if layer["unseen"]]
    assert set(unseen) == {"wheel", "wheels"}
    wheels = {hashlib.sha256(path.read_bytes()).hexdigest() for path in road.index.rglob("*.whl")}
    assert wheels
    assert not wheels & {path.name for path in (road.folder / "elsewhere" / "store" / "blobs" / "sha256").iterdir()}
    # The model's layer, the record's and the config.
    assert counted(second) == {"sent": 3, "mounted": 0, "there": counted(first)["sent"] - 3}
    # The first machine makes the same of the same model.
    third = pushed(road, f"{address}/team/tiny:1")
    assert third["manifest_digest"] == second["manifest_digest"]
    assert not any(layer["unseen"] for layer in third["layers"])


@pytest.mark.slow
def test_layers_of_another_repository_are_used_only_where_it_is_named(road: Road, address: str) -> None:
    pushed(road, f"{address}/team/tiny:1")
    one = pushed(road, f"{address}/other/tiny:1", ENVBUILD_CACHE_DIR=str(road.folder / "one"))
    assert not any(layer["unseen"] for layer in one["layers"])
    cache = ("--cache-from", f"{address}/team/tiny:1")
    two = pushed(road, f"{address}/third/tiny:1", arguments=cache, ENVBUILD_CACHE_DIR=str(road.folder / "two"))
    assert any(layer["unseen"] for layer in two["layers"])
    assert counted(two)["mounted"] >= len([layer for layer in two["layers"] if layer["unseen"]])
    assert inspected(f"{address}/third/tiny:1") == inspected(f"{address}/team/tiny:1")


def test_a_cache_in_another_registry_is_a_usage_error(road: Road, address: str) -> None:
    done = push(road, f"{address}/team/tiny:1", arguments=("--cache-from", "registry.example/team/tiny:1"))
    assert done.returncode == 2
    assert "registry.example is not where the image goes" in done.stderr


@pytest.mark.slow
def test_a_layer_that_the_registry_lost_is_made_here(road: Road, address: str, tmp_path: Path) -> None:
    first = pushed(road, f"{address}/team/tiny:1")
    manifest = inspected(f"{address}/team/tiny:1")
    lost = manifest["layers"][1]["digest"].removeprefix("sha256:")
    data = tmp_path / "registry" / "data" / "docker" / "registry" / "v2"
    shutil.rmtree(data / "blobs" / "sha256" / lost[:2] / lost)
    shutil.rmtree(data / "repositories" / "team" / "tiny" / "_layers" / "sha256" / lost)
    again = pushed(road, f"{address}/team/tiny:1", ENVBUILD_CACHE_DIR=str(road.folder / "elsewhere"))
    assert again["manifest_digest"] == first["manifest_digest"]
    assert any("is made here" in note for note in again["notes"])
    assert (data / "blobs" / "sha256" / lost[:2] / lost / "data").is_file()


def test_what_is_attached_to_an_image_is_pushed_with_it_and_is_found_by_it(road: Road, address: str) -> None:
    found = pushed(road, f"{address}/team/tiny:1", arguments=("--sbom", "--provenance"))
    index = inspected(f"{address}/team/tiny:1")
    image, attached = index["manifests"]
    assert image["platform"] == {"architecture": "amd64", "os": "linux"}
    assert attached["annotations"]["vnd.docker.reference.digest"] == image["digest"]
    statements = inspected(f"{address}/team/tiny@{attached['digest']}")["layers"]
    kinds = {layer["annotations"]["in-toto.io/predicate-type"] for layer in statements}
    assert {"https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"} <= kinds
    # Debian's registry lists no referrers by itself: the tag of the specification does.
    listed = inspected(f"{address}/team/tiny:{image['digest'].replace(':', '-')}")["manifests"]
    assert {entry["annotations"]["in-toto.io/predicate-type"] for entry in listed} == kinds
    for entry in listed:
        assert inspected(f"{address}/team/tiny@{entry['digest']}")["subject"]["digest"] == image["digest"]
    again = pushed(road, f"{address}/team/tiny:1", arguments=("--sbom", "--provenance"))
    assert again["manifest_digest"] == found["manifest_digest"]
    assert inspected(f"{address}/team/tiny:{image['digest'].replace(':', '-')}")["manifests"] == listed


@pytest.mark.slow
def test_an_attested_image_is_a_cache_too(road: Road, address: str) -> None:
    pushed(road, f"{address}/team/tiny:1", arguments=("--sbom",))
    second = pushed(road, f"{address}/team/tiny:1", ENVBUILD_CACHE_DIR=str(road.folder / "elsewhere"))
    assert any(layer["unseen"] for layer in second["layers"])
