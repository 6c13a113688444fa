"""Writing to one repository of a registry: what is sent, where it goes on, and what registries are known for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.errors import CorruptBlobError, EnvbuildError, IntegrityError, NetworkError, RegistryError
from envbuild.oci import endpoint
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.patience import StoppedError, UnreachableError
from envbuild.oci.remote import RemoteImage
from envbuild.oci.sending import Source
from envbuild.oci.transport import Transport
from envbuild.oci.types import MANIFEST
from envbuild.oci.uploads import Uploads

PIECE = 1 << 20
SIZE = 5 * PIECE + 17
LARGE = os.urandom(SIZE)
SMALL = b"a small blob"


@pytest.fixture
def registry() -> Iterator[WritableRegistry]:
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def waited() -> list[float]:
    """The seconds of each pause between two attempts; none is made."""
    return []


@pytest.fixture
def transport(waited: list[float], tmp_path: Path) -> Iterator[Transport]:
    environment = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "none")}
    with Transport(environment, pause=waited.append) as transport:
        yield transport


@pytest.fixture
def uploads(registry: WritableRegistry, transport: Transport) -> Uploads:
    return Uploads(RemoteImage(domain=registry.address, path="team/model"), transport, piece=PIECE)


class Sender:
    """Sends blobs that lie in files, and adds up what it is told of them."""

    def __init__(self, uploads: Uploads, folder: Path) -> None:
        self.uploads = uploads
        self.folder = folder
        self.told = 0

    def advance(self, size: int) -> None:
        self.told += size

    def __call__(self, data: bytes, *, digest: str = "", size: int | None = None) -> int:
        path = self.folder / "blob"
        path.write_bytes(data)
        with Source(path, digest or sha256_digest(data), len(data) if size is None else size) as source:
            return self.uploads.send(source, self.advance)


@pytest.fixture
def send(uploads: Uploads, tmp_path: Path) -> Sender:
    return Sender(uploads, tmp_path)


def once(fault: Callable[[Writer], bool], method: str, part: str = "", *, skip: int = 0) -> Callable[[Writer], bool]:
    """The fault for one request of a method alone, after `skip` others."""
    left = [skip, 1]

    def act(handler: Writer) -> bool:
        if handler.command != method or part not in handler.path or not left[1]:
            return False
        if left[0]:
            left[0] -= 1
            return False
        left[1] = 0
        return fault(handler)

    return act


def hang_up(handler: Writer) -> bool:
    return handler.hang_up()


def hang_up_half_way(handler: Writer) -> bool:
    """Keep a part of a piece, as servers do that write what arrives."""
    held = handler.registry.uploads[handler.path.partition("?")[0].rpartition("/")[2]]
    held += handler.take(1000)
    return handler.hang_up()


def busy(status: int, seconds: str = "") -> Callable[[Writer], bool]:
    def act(handler: Writer) -> bool:
        handler.answer(status, b"{}", **({"Retry-After": seconds} if seconds else {}))
        return True

    return act


def stored(registry: WritableRegistry, data: bytes) -> bool:
    assert registry.problems() == []
    return registry.blobs.get(("team/model", sha256_digest(data))) == data


def test_a_small_blob_goes_in_one_request(registry: WritableRegistry, send: Sender) -> None:
    assert send(SMALL) == send.told == len(SMALL)
    assert stored(registry, SMALL)
    assert [line.split()[0] for line in registry.asked] == ["POST", "PUT"]


def test_an_empty_blob_is_stored_too(registry: WritableRegistry, send: Sender) -> None:
    assert send(b"") == 0
    assert stored(registry, b"")


def test_a_large_one_goes_in_pieces(registry: WritableRegistry, send: Sender) -> None:
    assert send(LARGE) == send.told == SIZE
    assert stored(registry, LARGE)
    assert registry.count("PATCH") == 6


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("relative", [False, True])
def test_quirks_of_registries_are_taken_in_stride(
    registry: WritableRegistry, send: Sender, status: int, relative: bool
) -> None:
    registry.patched, registry.relative = status, relative
    send(LARGE)
    assert stored(registry, LARGE)


def test_a_registry_that_wants_larger_pieces_gets_them(registry: WritableRegistry, send: Sender) -> None:
    registry.least = 3 * PIECE

    def check(handler: Writer) -> bool:
        return False

    registry.faults.append(check)
    send(os.urandom(6 * PIECE))
    assert registry.count("PATCH") == 2
    assert registry.problems() == []


def at_most(limit: int, *, reads: bool = True) -> Callable[[Writer], bool]:
    """A proxy that takes no larger bodies. Some read what they refuse, others end the connection behind the answer."""

    def act(handler: Writer) -> bool:
        if handler.left <= limit:
            return False
        if not reads:
            handler.left, handler.close_connection = 0, True
        handler.answer(413, b"<html>too large</html>")
        return True

    return act


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("data", [LARGE, LARGE[: PIECE - 1]], ids=["in pieces", "whole"])
def test_smaller_pieces_are_sent_where_a_proxy_takes_no_more(
    registry: WritableRegistry, send: Sender, data: bytes, reads: bool
) -> None:
    registry.faults.append(at_most(300_000, reads=reads))
    send(data)
    assert send.told == len(data)
    assert stored(registry, data)
    # What was found out once holds for the next blob.
    before = registry.count("PATCH")
    send(data[1:])
    assert registry.count("PATCH") - before == -(-(len(data) - 1) // (256 << 10))


@pytest.mark.parametrize(("limit", "least", "words"), [(100_000, 0, "takes no"), (600_000, PIECE, "wants 1048576 at")])
def test_a_proxy_that_takes_too_little_is_told_with_what_to_do(
    registry: WritableRegistry, send: Sender, limit: int, least: int, words: str
) -> None:
    registry.least = least
    registry.faults.append(at_most(limit))
    with pytest.raises(RegistryError, match=words) as caught:
        send(LARGE)
    assert "413" in caught.value.message
    assert "client_max_body_size" in caught.value.hint
    assert registry.blobs == {}


def test_a_manifest_that_is_too_large_for_a_proxy_is_told(registry: WritableRegistry, uploads: Uploads) -> None:
    registry.faults.append(at_most(10))
    with pytest.raises(RegistryError, match="does not take so much at once"):
        uploads.put_manifest("1", canonical_json({"config": None, "layers": [], "long": "x" * 100}), MANIFEST)


@pytest.mark.parametrize("fault", [hang_up, hang_up_half_way], ids=["at once", "half-way"])
@pytest.mark.parametrize("skip", [0, 3])
def test_a_broken_piece_goes_on_where_it_was_left(
    registry: WritableRegistry, send: Sender, fault: Callable[[Writer], bool], skip: int
) -> None:
    registry.faults.append(once(fault, "PATCH", skip=skip))
    sent = send(LARGE)
    assert stored(registry, LARGE)
    assert send.told == SIZE
    assert sent <= SIZE + PIECE
    # What had arrived was not sent again, unless it was less than two bytes.
    assert registry.count("POST") == (1 if skip or fault is hang_up_half_way else 2)


def test_a_lost_upload_is_begun_anew(registry: WritableRegistry, send: Sender) -> None:
    def forget(handler: Writer) -> bool:
        handler.registry.uploads.clear()
        return False

    registry.faults.append(once(forget, "PATCH", skip=2))
    send(LARGE)
    assert stored(registry, LARGE)
    assert send.told == SIZE
    assert registry.count("POST") == 2


def test_a_blob_whose_answer_was_lost_is_not_sent_again(registry: WritableRegistry, send: Sender) -> None:
    registry.after.append(once(hang_up, "PUT"))
    assert send(SMALL) == len(SMALL)
    assert stored(registry, SMALL)
    assert registry.count("PUT") == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_busy_registry_is_asked_again_after_the_time_that_it_names(
    registry: WritableRegistry, send: Sender, waited: list[float], method: str
) -> None:
    registry.faults.append(once(busy(429, "7"), method))
    send(LARGE)
    assert stored(registry, LARGE)
    assert waited == [7.0]


def test_one_that_stays_busy_is_given_up(registry: WritableRegistry, send: Sender, waited: list[float]) -> None:
    registry.faults.append(lambda handler: handler.command == "PATCH" and busy(503)(handler))
    with pytest.raises(UnreachableError, match="503"):
        send(LARGE)
    assert len(waited) == 3
    assert registry.blobs == {}


def test_a_token_that_runs_out_meanwhile_is_renewed(registry: WritableRegistry, send: Sender) -> None:
    registry.token = "one"

    def run_out(handler: Writer) -> bool:
        handler.registry.token = "two"
        return False

    registry.faults.append(once(run_out, "PATCH", skip=2))
    send(LARGE)
    assert stored(registry, LARGE)
    assert send.told == SIZE
    assert registry.count("GET", "/token") == 2


def test_a_token_is_asked_for_to_read_and_to_write(registry: WritableRegistry, send: Sender) -> None:
    registry.token = "one"
    send(SMALL)
    (line,) = (line for line in registry.asked if "/token" in line)
    assert "scope=repository%3Ateam%2Fmodel%3Apull%2Cpush" in line


def test_what_arrives_damaged_is_sent_again(registry: WritableRegistry, send: Sender) -> None:
    def damage(handler: Writer) -> bool:
        held = handler.registry.uploads[handler.path.partition("?")[0].rpartition("/")[2]]
        held[0] ^= 1
        return False

    registry.faults.append(once(damage, "PUT"))
    send(LARGE)
    assert stored(registry, LARGE)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_damaged_blob_of_the_cache_is_never_stored(registry: WritableRegistry, send: Sender, data: bytes) -> None:
    with pytest.raises(CorruptBlobError):
        send(data[:-1] + bytes([data[-1] ^ 1]), digest=sha256_digest(data))
    assert registry.blobs == {}


def test_a_blob_of_another_size_is_not_begun(registry: WritableRegistry, send: Sender) -> None:
    with pytest.raises(CorruptBlobError):
        send(SMALL, size=5)
    assert registry.asked == []


def test_one_that_is_cut_off_while_it_is_sent_is_never_stored(
    registry: WritableRegistry, send: Sender, tmp_path: Path
) -> None:
    def cut(handler: Writer) -> bool:
        (tmp_path / "blob").write_bytes(LARGE[: 3 * PIECE])
        return False

    registry.faults.append(once(cut, "PATCH", skip=1))
    with pytest.raises(CorruptBlobError):
        send(LARGE)
    assert registry.blobs == {}


def test_a_stop_ends_an_upload(registry: WritableRegistry, send: Sender, transport: Transport) -> None:
    registry.faults.append(once(lambda handler: bool(transport.stop.set()), "PATCH", skip=1))
    with pytest.raises(StoppedError):
        send(LARGE)
    assert registry.blobs == {}


def test_a_mount_takes_a_blob_over(registry: WritableRegistry, uploads: Uploads) -> None:
    digest = sha256_digest(SMALL)
    registry.blobs["other/model", digest] = SMALL
    assert uploads.mount(digest, "other/model")
    assert uploads.has(digest)
    assert registry.received == 0


def test_a_mount_whose_answer_was_lost_is_one(registry: WritableRegistry, uploads: Uploads) -> None:
    digest = sha256_digest(SMALL)
    registry.blobs["other/model", digest] = SMALL
    registry.after.append(once(hang_up, "POST"))
    assert uploads.mount(digest, "other/model")


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405, 500])
def test_a_mount_that_is_refused_is_no_error(registry: WritableRegistry, send: Sender, status: int) -> None:
    registry.mounts = status
    digest = sha256_digest(SMALL)
    registry.blobs["other/model", digest] = SMALL
    assert not send.uploads.mount(digest, "other/model")
    assert registry.uploads == {}
    send(SMALL)
    assert stored(registry, SMALL)


def test_checking_leaves_no_upload_behind(registry: WritableRegistry, uploads: Uploads) -> None:
    uploads.check()
    assert registry.uploads == {}
    assert [line.split()[0] for line in registry.asked] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "wants a login"), (403, "gives no access"), (404, "has no an upload")]
)
def test_a_refusal_says_what_to_do(registry: WritableRegistry, uploads: Uploads, status: int, words: str) -> None:
    said = b'{"errors": [{"code": "DENIED", "message": "requested access is denied"}]}'
    registry.faults.append(lambda handler: not handler.answer(status, said))
    with pytest.raises(RegistryError) as caught:
        uploads.check()
    assert words in caught.value.message
    assert "requested access is denied" in caught.value.message
    assert caught.value.hint


def test_another_host_that_an_upload_goes_to_gets_no_login(registry: WritableRegistry, send: Sender) -> None:
    registry.token = "secret"
    with serving(WritableRegistry()) as storage:
        registry.other = storage.address
        storage.uploads = registry.uploads
        storage.blobs = registry.blobs
        send(SMALL)
    assert stored(registry, SMALL)
    assert storage.authorizations
    assert {header for _, header in storage.authorizations} == {""}
    assert "Bearer secret" in {header for _, header in registry.authorizations}


def test_a_redirect_to_another_host_takes_the_body_and_no_login(registry: WritableRegistry, send: Sender) -> None:
    registry.token = "secret"
    with serving(WritableRegistry()) as storage:
        storage.uploads, storage.blobs = registry.uploads, registry.blobs

        def redirect(handler: Writer) -> bool:
            if handler.command not in ("PUT", "PATCH"):
                return False
            handler.answer(307, b"", Location=f"http://{storage.address}{handler.path}")
            return True

        registry.faults.append(redirect)
        send(SMALL)
    assert stored(registry, SMALL)
    assert {header for _, header in storage.authorizations} == {""}


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/upload", "http://10.0.0.1/upload", "http://127.0.0.1:1/upload", "ftp://x/y"]
)
def test_a_registry_of_the_internet_cannot_send_uploads_inside(
    uploads: Uploads, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads._session, "url", lambda path: f"https://registry.example/v2/team/model/{path}")
    with pytest.raises(NetworkError, match="is not safe"):
        uploads._trusted(location)


@pytest.mark.parametrize("to", ["http://127.0.0.1:1/x", "http://10.1.2.3/x", "http://mirror.example/x"])
def test_nor_can_it_redirect_them_there(transport: Transport, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    import requests

    asked: list[str] = []

    def answer(self: requests.Session, method: str, url: str, **_: object) -> requests.Response:
        asked.append(url)
        found = requests.Response()
        found.status_code, found.raw = 307, io.BytesIO()
        found.headers["Location"] = to
        return found

    monkeypatch.setattr(requests.Session, "request", answer)
    with pytest.raises(NetworkError, match="is not safe"):
        transport.once("PUT", "https://registry.example/v2/x/blobs/uploads/1", body=b"secret")
    assert asked == ["https://registry.example/v2/x/blobs/uploads/1"]


def test_a_registry_behind_a_server_that_ends_tls_may_name_itself_without(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads._session, "url", lambda path: f"https://registry.example/v2/team/model/{path}")
    assert uploads._trusted("http://registry.example/v2/u/1?x=http") == "https://registry.example/v2/u/1?x=http"


def test_another_machine_is_asked_without_tls_only_where_it_is_said_to_be_insecure(
    registry: WritableRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine passes for another. A login is sent there as well only then."""
    monkeypatch.setattr(endpoint, "is_loopback", lambda _: False)
    login = base64.b64encode(b"me:secret").decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {registry.address: {"auth": login}}}))
    environment = {
        "HOME": str(tmp_path),
        "DOCKER_CONFIG": str(tmp_path),
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
    }
    image = RemoteImage(domain=registry.address, path="team/model")
    with Transport(environment, pause=lambda _: None) as careful, pytest.raises(EnvbuildError):
        Uploads(image, careful).check()
    assert registry.asked == []
    registry.token = "one"
    with Transport(environment, insecure=frozenset({registry.address})) as told:
        Uploads(image, told).check()
    assert ("Basic " + login) in {header for _, header in registry.authorizations}
    before = len(registry.asked)
    others = frozenset({"other:1"})
    with Transport(environment, pause=lambda _: None, insecure=others) as careful, pytest.raises(EnvbuildError):
        Uploads(image, careful).check()
    assert len(registry.asked) == before


def test_no_location_is_no_registry(registry: WritableRegistry, uploads: Uploads) -> None:
    registry.faults.append(lambda handler: not handler.answer(202, b""))
    with pytest.raises(NetworkError, match="does not say where"):
        uploads.check()


def test_a_piece_that_the_registry_counts_otherwise_is_an_error(registry: WritableRegistry, send: Sender) -> None:
    def boast(handler: Writer) -> bool:
        handler.answer(202, b"", Location=handler.path, Range="0-99999999999")
        return True

    registry.faults.append(once(boast, "PATCH"))
    with pytest.raises(EnvbuildError, match=r"is it a registry|says that it has"):
        send(LARGE)


def test_a_manifest_is_stored_as_it_is(registry: WritableRegistry, send: Sender) -> None:
    config = canonical_json({})
    send(config)
    raw = canonical_json({"config": {"digest": sha256_digest(config)}, "layers": []})
    send.uploads.put_manifest("1", raw, MANIFEST)
    assert registry.manifests["team/model", "1"] == raw


def test_a_registry_that_stores_another_manifest_is_told_of(registry: WritableRegistry, send: Sender) -> None:
    config = canonical_json({})
    send(config)
    registry.lies = "sha256:" + hashlib.sha256(b"another").hexdigest()
    with pytest.raises(IntegrityError, match="stored 1 of team/model"):
        send.uploads.put_manifest(
            "1", canonical_json({"config": {"digest": sha256_digest(config)}, "layers": []}), MANIFEST
        )


def test_a_registry_that_stores_another_blob_is_told_of(registry: WritableRegistry, send: Sender) -> None:
    registry.lies = "sha256:" + hashlib.sha256(b"another").hexdigest()
    with pytest.raises(IntegrityError):
        send(SMALL)
