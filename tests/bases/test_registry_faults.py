"""A registry that misbehaves: each fault is a clear error, and nothing half-done is kept."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faulty_registry import DOCKER, OCI, PYTHON, FaultyRegistry, Handler, serving

from envbuild.bases import open_base
from envbuild.bases.types import Base
from envbuild.errors import BaseImageError, EnvbuildError, IntegrityError, NetworkError
from envbuild.oci import transport
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.store import Store
from envbuild.progress import Progress, Summary


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login, no mirror, no certificate of this machine; and nobody waits long."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "ENVBUILD_REGISTRY_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "home/.docker"))
    real = transport.Transport.patience
    waits: list[float] = []

    def patience(self: transport.Transport, what: str) -> transport.Patience:
        self._pause = waits.append
        return real(self, what)

    monkeypatch.setattr(transport.Transport, "patience", patience)
    monkeypatch.setattr(transport, "waits", waits, raising=False)


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    with serving(FaultyRegistry()) as running:
        yield running


def log_in(tmp_path: Path, registry: FaultyRegistry, login: str = "me:secret", **entry: str) -> None:
    path = tmp_path / "home/.docker/config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(login.encode()).decode()
    path.write_text(json.dumps({"auths": {registry.address: {"auth": auth, **entry}}}))


@dataclass
class Recorder(Progress):
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    total: int = 0
    advanced: int = 0

    def start(self, phase: Any, what: str = "", *, total: int = 0) -> None:
        self.total = total

    def advance(self, phase: Any, amount: int = 1, *, what: str = "") -> None:
        self.advanced += amount

    def done(self, phase: Any, summary: Summary) -> None:
        self.summary = summary

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def opened(registry: FaultyRegistry, store: Store, reference: str = ":1", progress: Progress | None = None) -> Base:
    return open_base(f"{registry.address}/team/base{reference}", store, progress=progress or Progress())


def leftovers(store: Store) -> list[str]:
    """What a run must not leave: temporary files, and anything that says there is a base."""
    if not store.root.exists():
        return []
    found = [path.name for path in (store.root / "tmp").iterdir()]
    return found + [text for path in store.key_files() if "base-image" in (text := path.read_text())]


def on(part: str, act: Callable[[Handler], object], *, times: int = 1_000_000) -> Callable[[Handler], bool]:
    """A fault for the requests whose path has `part` in it."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if part not in handler.path or left[0] <= 0:
            return False
        left[0] -= 1
        act(handler)
        return True

    return fault


# What works


@pytest.mark.parametrize("docker", [False, True])
def test_a_base_is_read_by_tag_with_oci_and_with_docker_types(
    registry: FaultyRegistry, store: Store, docker: bool
) -> None:
    digest = registry.add_image("1", extra={"etc/x": b"x" * 100_000}, docker=docker)
    progress = Recorder()
    base = opened(registry, store, progress=progress)
    assert (base.name, base.digest) == (f"{registry.address}/team/base:1", digest)
    assert (base.interpreter.version, base.glibc, base.registry) == ("3.12.7", "2.36", True)
    assert progress.advanced == progress.total == sum(layer.size for layer in base.layers)
    assert all(sha256_digest(store.read(layer.digest)) == layer.digest for layer in base.layers)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_registry_on_loopback_is_asked_without_the_proxy(
    registry: FaultyRegistry, store: Store, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    registry.add_image("1")
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert opened(registry, store).name.endswith(":1")


def test_a_digest_that_is_in_the_store_asks_nobody(registry: FaultyRegistry, store: Store) -> None:
    digest = registry.add_image("1")
    first = opened(registry, store, f"@{digest}")
    assert first.name == f"{registry.address}/team/base"
    registry.asked.clear()
    again = opened(registry, store, f":any@{digest}")
    assert registry.asked == []
    assert (again.digest, again.cached, again.name) == (digest, True, f"{registry.address}/team/base:any")


def test_opening_a_digest_from_the_store_imports_nothing_heavy(registry: FaultyRegistry, store: Store) -> None:
    digest = registry.add_image("1")
    opened(registry, store)
    code = (
        "import sys; from pathlib import Path; from envbuild.bases import open_base\n"
        "from envbuild.oci.store import Store\n"
        f"open_base('{registry.address}/team/base@{digest}', Store(Path({str(store.root)!r})))\n"
        "print(sorted({'requests', 'docker', 'urllib3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tag_is_asked_for_each_time_and_fetched_only_when_it_moved(registry: FaultyRegistry, store: Store) -> None:
    registry.add_image("1", extra={"etc/a": b"a"})
    opened(registry, store)
    registry.asked.clear()
    assert opened(registry, store).cached
    assert [(one.method, "manifests/1" in one.path) for one in registry.asked] == [("HEAD", True)]
    moved = registry.add_image("1", extra={"etc/a": b"b"})
    registry.asked.clear()
    progress = Recorder()
    assert opened(registry, store, progress=progress).digest == moved
    assert registry.count("GET", "/blobs/") == 2  # the config and the layer that is new
    assert "is another image than last time" in progress.notes[0]


def test_a_tag_that_moved_is_refused_where_all_is_locked(registry: FaultyRegistry, store: Store) -> None:
    def locked() -> Base:
        return open_base(f"{registry.address}/team/base:1", store, locked=True)

    before = registry.add_image("1")
    assert locked().digest == before  # nothing is known of it yet
    assert locked().digest == before
    after = registry.add_image("1", extra={"new": b"1"})
    for spoil in (False, True):
        if spoil:  # nor is it taken where the cache has lost what the tag was
            for key in store.key_files():
                if "base-image" in key.read_text():
                    key.unlink()
        with pytest.raises(BaseImageError, match="is another image than last time") as caught:
            locked()
        assert before in caught.value.message
        assert after in caught.value.message
        assert f"/team/base@{before}" in caught.value.hint
    assert open_base(f"{registry.address}/team/base@{before}", store, locked=True).digest == before
    assert opened(registry, store).digest == after
    assert locked().digest == after


def test_a_tag_that_is_known_is_taken_from_the_cache_when_nobody_answers(store: Store) -> None:
    with serving(FaultyRegistry()) as registry:
        digest = registry.add_image("1")
        opened(registry, store)
    progress = Recorder()
    base = opened(registry, store, progress=progress)
    assert (base.digest, base.cached) == (digest, True)
    assert digest in progress.warnings[0]
    with pytest.raises(NetworkError, match="refused"):
        opened(registry, store, ":2")


def test_a_known_tag_is_not_taken_from_the_cache_when_the_registry_says_no(
    registry: FaultyRegistry, store: Store
) -> None:
    registry.add_image("1")
    opened(registry, store)
    registry.faults.append(on("manifests", lambda h: h.answer(403, b"")))
    with pytest.raises(BaseImageError, match="403"):
        opened(registry, store)


def index(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": list(entries)}


def platform(digest: str, system: str, architecture: str, variant: str = "") -> dict[str, Any]:
    named = {"os": system, "architecture": architecture, **({"variant": variant} if variant else {})}
    return {"mediaType": OCI + "manifest.v1+json", "digest": digest, "size": 1, "platform": named}


def test_an_index_leads_to_the_image_of_the_platform(registry: FaultyRegistry, store: Store) -> None:
    right = registry.add_image()
    wrong = registry.add_image(architecture="arm64")
    newer = registry.add_image(extra={"etc/v3": b""})
    outer = registry.add_manifest(
        index(
            platform(wrong, "unknown", "unknown"),
            platform(wrong, "linux", "arm64", "v8"),
            platform(wrong, "windows", "amd64"),
            platform(newer, "linux", "amd64", "v3"),
            platform(right, "linux", "amd64"),
        ),
        OCI + "index.v1+json",
        "1",
    )
    assert opened(registry, store).digest == right
    registry.asked.clear()
    assert opened(registry, store, f"@{outer}").digest == right
    assert registry.asked == []


def test_one_tag_is_another_base_for_each_platform(registry: FaultyRegistry, store: Store) -> None:
    amd = registry.add_image()
    arm = registry.add_image(architecture="arm64")
    entries = platform(amd, "linux", "amd64"), platform(arm, "linux", "arm64", "v8")
    registry.add_manifest(index(*entries), OCI + "index.v1+json", "1")
    for _ in range(2):
        assert opened(registry, store).digest == amd
        base = open_base(f"{registry.address}/team/base:1", store, platform="linux/arm64")
        assert (base.digest, base.architecture, base.config["architecture"]) == (arm, "arm64", "arm64")
    assert base.cached


def test_an_image_for_other_platforms_alone_is_refused(registry: FaultyRegistry, store: Store) -> None:
    wrong = registry.add_image("plain", architecture="arm64")
    entries = platform(wrong, "linux", "arm64", "v8"), platform(wrong, "linux", "s390x")
    registry.add_manifest(index(*entries), OCI + "index.v1+json", "1")
    with pytest.raises(BaseImageError, match="only for linux/arm64/v8, linux/s390x") as caught:
        opened(registry, store)
    assert "--platform" in caught.value.hint
    with pytest.raises(BaseImageError, match="linux/arm64"):
        opened(registry, store, ":plain")
    assert leftovers(store) == []


# Logins


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_login_of_docker_opens_a_private_registry(
    registry: FaultyRegistry, store: Store, tmp_path: Path, auth: str
) -> None:
    registry.auth, registry.login = auth, "me:secret"
    registry.add_image("1")
    with pytest.raises(BaseImageError, match="401") as caught:
        opened(registry, store)
    assert f"docker login {registry.address}" in caught.value.hint
    assert caught.value.exit_code == 5
    log_in(tmp_path, registry, "me:wrong")
    with pytest.raises(BaseImageError, match="refuses the login") as caught:
        opened(registry, store)
    assert "wrong" not in caught.value.message + caught.value.hint
    assert leftovers(store) == []
    log_in(tmp_path, registry)
    assert opened(registry, store).interpreter.version == "3.12.7"


def test_a_token_is_got_without_a_login_too_and_anew_when_it_ends(registry: FaultyRegistry, store: Store) -> None:
    registry.auth, registry.token_uses = "bearer", 2
    registry.add_image("1", extra={"etc/a": b"a"})
    opened(registry, store)
    tokens = [one for one in registry.asked if one.path.startswith("/token")]
    assert len(tokens) >= 2
    assert all("scope=repository%3Ateam%2Fbase%3Apull&service=a%2C+b" in one.path for one in tokens)
    assert {one.authorization for one in tokens} == {""}


def test_an_identity_token_is_exchanged(registry: FaultyRegistry, store: Store, tmp_path: Path) -> None:
    registry.auth, registry.login, registry.identity_token = "bearer", "nobody:else", "id-token"
    registry.add_image("1")
    log_in(tmp_path, registry, "me:", identitytoken="id-token")
    opened(registry, store)
    assert registry.count("POST", "/token") == 1


def test_a_redirect_takes_no_login_along(registry: FaultyRegistry, store: Store, tmp_path: Path) -> None:
    registry.auth, registry.login = "basic", "me:secret"
    registry.add_image("1")
    log_in(tmp_path, registry)
    (tmp_path / "home/.netrc").write_text("default login somebody password netrc-secret\n")
    with serving(FaultyRegistry(blobs=registry.blobs)) as other:
        location = f"http://{other.address}"
        registry.faults.append(on("/blobs/", lambda h: h.answer(307, b"", Location=location + h.path)))
        opened(registry, store)
    assert len(other.asked) == 2
    assert {one.authorization for one in other.asked} == {""}
    assert all(one.authorization for one in registry.asked[1:])


def test_the_challenge_of_whoever_was_redirected_to_is_not_met(
    registry: FaultyRegistry, store: Store, tmp_path: Path
) -> None:
    registry.auth, registry.login = "basic", "me:secret"
    registry.add_image("1")
    log_in(tmp_path, registry)
    with serving(FaultyRegistry(blobs=registry.blobs, auth="bearer")) as other:
        location = f"http://{other.address}"
        registry.faults.append(on("/blobs/", lambda h: h.answer(307, b"", Location=location + h.path)))
        with pytest.raises(BaseImageError, match="401"):
            opened(registry, store)
    assert {one.authorization for one in other.asked} == {""}
    assert other.count("GET", "/token") == 0
    assert leftovers(store) == []


# Faults

HTML = b"<!doctype html><title>Please log in to the hotel</title>"


@pytest.mark.parametrize(
    ("part", "act", "kind", "message"),
    [
        ("manifests", lambda h: h.answer(403, b""), BaseImageError, "gives no access to 1 of team/base"),
        ("manifests", lambda h: h.answer(401, b""), BaseImageError, "wants a login"),
        ("manifests", lambda h: h.answer(500, b""), NetworkError, "answers 500"),
        ("manifests", lambda h: h.answer(429, b""), NetworkError, "answers 429"),
        ("manifests", lambda h: h.answer(418, b""), NetworkError, "418"),
        ("manifests", lambda h: h.answer(200, HTML, **{"Content-Type": "text/html"}), NetworkError, "web page"),
        ("manifests", lambda h: h.answer(200, HTML), NetworkError, "web page"),
        ("manifests", lambda h: h.answer(200, b"{"), NetworkError, "no JSON"),
        ("manifests", lambda h: h.answer(200, b"[]"), NetworkError, "no JSON"),
        ("manifests", lambda h: h.answer(200, b"{}"), BaseImageError, "no container image"),
        ("manifests", lambda h: h.answer(302, b"", Location=h.path), NetworkError, "without end"),
        ("manifests", lambda h: h.answer(200, b" " * (5 << 20)), BaseImageError, "longer than"),
        ("/blobs/", lambda h: h.answer(404, b""), BaseImageError, "404"),
        ("/blobs/", lambda h: h.answer(200, HTML), IntegrityError, "bytes, expected were"),
    ],
)
def test_a_fault_is_told_and_nothing_is_kept(
    registry: FaultyRegistry,
    store: Store,
    part: str,
    act: Callable[[Handler], object],
    kind: type[EnvbuildError],
    message: str,
) -> None:
    registry.add_image("1")
    registry.faults.append(on(part, act))
    with pytest.raises(kind, match=message) as caught:
        opened(registry, store)
    assert f"{registry.address}/team/base:1" in caught.value.message
    assert caught.value.hint
    assert leftovers(store) == []


def test_what_the_registry_lacks_is_told_with_its_words_made_harmless(registry: FaultyRegistry, store: Store) -> None:
    with pytest.raises(BaseImageError, match=r"has no 1 of team/base \(404: no such\)"):
        opened(registry, store)


def layer_of(registry: FaultyRegistry) -> str:
    """The path of the largest blob."""
    return f"/blobs/{max(registry.blobs, key=lambda digest: len(registry.blobs[digest]))}"


def big(registry: FaultyRegistry) -> bytes:
    import random

    noise = random.Random(1).randbytes(1 << 20)
    registry.add_image("1", files={**PYTHON, "usr/noise": noise})
    return registry.blobs[layer_of(registry).rpartition("/")[2]]


def test_a_dropped_connection_is_resumed_where_it_broke(registry: FaultyRegistry, store: Store) -> None:
    data = big(registry)
    registry.faults.append(on(layer_of(registry), lambda h: h.blob(data, sent=300_000), times=2))
    progress = Recorder()
    opened(registry, store, progress=progress)
    ranges = [one.range for one in registry.asked if layer_of(registry) in one.path]
    assert len(ranges) == 3
    assert ranges[0] == ""
    assert all(text.startswith("bytes=") for text in ranges[1:])
    assert progress.advanced == progress.total


def test_a_registry_that_knows_no_ranges_sends_the_blob_anew(registry: FaultyRegistry, store: Store) -> None:
    data = big(registry)

    def half(handler: Handler) -> None:
        handler.blob(data, sent=600_000)

    def whole(handler: Handler) -> None:
        handler.answer(200, data)

    registry.faults += [on(layer_of(registry), half, times=1), on(layer_of(registry), whole)]
    opened(registry, store)
    assert store.has(layer_of(registry).rpartition("/")[2], len(data))


def test_half_a_blob_for_ever_is_an_error_that_keeps_nothing(registry: FaultyRegistry, store: Store) -> None:
    data = big(registry)
    path = layer_of(registry)
    registry.faults.append(on(path, lambda h: h.blob(data, sent=0)))
    with pytest.raises(NetworkError, match=r"after 0 of \d+ bytes \(tried 4 times\)"):
        opened(registry, store)
    assert leftovers(store) == []
    assert not store.has(path.rpartition("/")[2])


def test_a_blob_with_another_content_is_refused(registry: FaultyRegistry, store: Store) -> None:
    data = big(registry)
    digest = layer_of(registry).rpartition("/")[2]
    registry.blobs[digest] = data[:-1] + b"?"
    with pytest.raises(IntegrityError, match="expected was"):
        opened(registry, store)
    assert leftovers(store) == []
    assert not store.has(digest)


def test_a_manifest_with_another_content_than_its_digest_is_refused(registry: FaultyRegistry, store: Store) -> None:
    digest = registry.add_image("1")
    other = registry.add_image("2", extra={"etc/evil": b""})
    registry.manifests[digest] = registry.manifests[other]
    with pytest.raises(IntegrityError, match=f"has the hash {other}, expected was {digest}"):
        opened(registry, store, f"@{digest}")
    registry.headers["Docker-Content-Digest"] = digest
    with pytest.raises(IntegrityError, match="expected was"):
        opened(registry, store, ":2")
    assert leftovers(store) == []


def test_a_layer_that_unpacks_to_something_else_is_refused(registry: FaultyRegistry, store: Store) -> None:
    registry.add_image("1")
    _, raw = registry.manifests["1"]
    manifest = json.loads(raw)
    registry.add_image("2", extra={"etc/x": b"x"})
    manifest["layers"] = [json.loads(registry.manifests["2"][1])["layers"][1]]
    registry.add_manifest(manifest, OCI + "manifest.v1+json", "3")
    with pytest.raises(IntegrityError, match="unpacks to"):
        opened(registry, store, ":3")
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("content", "media_type", "message"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, DOCKER + "distribution.manifest.v1+prettyjws", "schema 1"),
        ({"schemaVersion": 2, "mediaType": "application/zip"}, "application/zip", "application/zip"),
        ({"schemaVersion": 2, "manifests": [], "layers": []}, OCI + "manifest.v1+json", "at once"),
        (
            {
                "schemaVersion": 2,
                "config": {"mediaType": "helm", "digest": "sha256:" + "0" * 64, "size": 1},
                "layers": [],
            },
            OCI + "manifest.v1+json",
            "'helm', and no container image",
        ),
        ({"schemaVersion": 2, "manifests": []}, OCI + "index.v1+json", "nothing that is named"),
        ({"schemaVersion": 2, "manifests": 3}, OCI + "index.v1+json", "names no manifests"),
        ({"schemaVersion": 2, "config": {}, "layers": []}, OCI + "manifest.v1+json", "no digest or no size"),
    ],
)
def test_what_is_no_image_is_refused(
    registry: FaultyRegistry, store: Store, content: dict[str, Any], media_type: str, message: str
) -> None:
    registry.add_manifest(content, media_type, "1")
    with pytest.raises((BaseImageError, IntegrityError), match=message):
        opened(registry, store)
    assert leftovers(store) == []


def test_an_index_that_holds_itself_ends(registry: FaultyRegistry, store: Store) -> None:
    loop = {"mediaType": OCI + "index.v1+json", "digest": "", "size": 1}
    digest = registry.add_image()
    for _ in range(8):
        digest = registry.add_manifest(index({**loop, "digest": digest}), OCI + "index.v1+json", "1")
    with pytest.raises(BaseImageError, match="indexes inside indexes"):
        opened(registry, store)


# Patience


def test_a_busy_registry_is_asked_again_after_the_time_it_names(registry: FaultyRegistry, store: Store) -> None:
    registry.add_image("1")
    registry.faults.append(on("manifests", lambda h: h.answer(429, b"", **{"Retry-After": "7"}), times=1))
    registry.faults.append(on("/blobs/", lambda h: h.answer(503, b""), times=2))
    opened(registry, store)
    waits: list[float] = transport.waits  # type: ignore[attr-defined]
    assert waits[0] == 7.0
    assert len(waits) == 3


def test_nobody_waits_for_an_hour(registry: FaultyRegistry, store: Store) -> None:
    registry.add_image("1")
    registry.faults.append(on("manifests", lambda h: h.answer(429, b"", **{"Retry-After": "3600"})))
    with pytest.raises(NetworkError, match="asks to wait 3600 seconds"):
        opened(registry, store)
    assert registry.count("GET", "manifests") == 1


def test_a_damaged_layer_of_the_cache_is_fetched_anew(registry: FaultyRegistry, store: Store) -> None:
    registry.add_image("1")
    base = opened(registry, store)
    layer = base.layers[0]
    store.blob(layer.digest).write_bytes(b"\0" * layer.size)
    for key in store.key_files():
        key.unlink()
    assert opened(registry, store).digest == base.digest
    assert sha256_digest(store.read(layer.digest)) == layer.digest


# Reaching it


def test_a_host_that_is_not_there_is_told_with_the_ways_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVBUILD_REGISTRY_MIRROR", "127.0.0.1:1")
    with pytest.raises(NetworkError, match=r"docker.io/library/python:3\.12-slim.*refused") as caught:
        open_base("docker.io/library/python:3.12-slim", store)
    for way in ("--base docker-daemon:python:3.12-slim", "--base oci-archive:FILE", "--python 3.11"):
        assert way in caught.value.hint
    assert caught.value.exit_code == 6


def test_the_mirror_is_asked_in_place_of_docker_hub_and_the_name_stays(
    registry: FaultyRegistry, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add_image("3.12-slim")
    monkeypatch.setenv("ENVBUILD_REGISTRY_MIRROR", f"{registry.address}/hub")
    assert open_base("python:3.12-slim", store).name == "docker.io/library/python:3.12-slim"
    assert registry.asked[0].path == "/v2/hub/library/python/manifests/3.12-slim"


def test_a_password_is_not_sent_in_the_clear_to_another_machine(
    registry: FaultyRegistry, store: Store, tmp_path: Path
) -> None:
    registry.add_image("1")
    log_in(tmp_path, registry)
    challenge = 'Bearer realm="http://tokens.example/token",service="x"'
    registry.faults.append(on("manifests", lambda h: h.answer(401, b"", **{"WWW-Authenticate": challenge})))
    with pytest.raises(NetworkError, match=r"over plain http, to tokens\.example"):
        opened(registry, store)


def test_a_certificate_that_nobody_vouches_for_is_refused_until_it_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "registry.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(certificate), "-out", str(tmp_path / "ca.crt")]
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    subprocess.run([*command, *names], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "ca.crt").read_text())
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serving(FaultyRegistry(), certificate=certificate) as registry:
        registry.add_image("1")
        with pytest.raises(NetworkError, match="no trusted connection") as caught:
            opened(registry, store)
        assert f"/etc/docker/certs.d/{registry.address}/ca.crt" in caught.value.hint
        with monkeypatch.context() as named:
            named.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
            assert opened(registry, store).interpreter.version == "3.12.7"
        folder = tmp_path / "home/.config/docker/certs.d" / registry.address
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "ca.crt", folder)
        assert opened(registry, Store(tmp_path / "second")).interpreter.version == "3.12.7"
        assert {one.method for one in registry.asked} == {"GET"}
