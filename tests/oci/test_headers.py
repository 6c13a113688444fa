"""Headers that no honest server sends: told as the server's fault, never as one of this program."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.errors import NetworkError
from envbuild.oci.canonical import sha256_digest
from envbuild.oci.headers import joined, number
from envbuild.oci.patience import UnreachableError
from envbuild.oci.registry import Registry
from envbuild.oci.remote import RemoteImage
from envbuild.oci.sending import Source
from envbuild.oci.transport import Transport
from envbuild.oci.uploads import Uploads
from envbuild.shipping.recall import recall

NONE = ["https://[x", "http://[", "http://x\u2100y/", "http://host:99999/x", "http://host:x/"]
DATA = b"0123456789" * 20
PIECE = 100


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport(pause=lambda _: None) as transport:
        yield transport


@pytest.fixture
def uploads(registry: WritableRegistry, transport: Transport) -> Uploads:
    return Uploads(RemoteImage(domain=registry.address, path="team/model"), transport, piece=PIECE)


def send(uploads: Uploads, folder: Path) -> None:
    (folder / "blob").write_bytes(DATA)
    with Source(folder / "blob", sha256_digest(DATA), len(DATA)) as source:
        uploads.send(source, lambda _: None)


def answering(method: str, status: int, **headers: str) -> Callable[[Writer], bool]:
    def act(handler: Writer) -> bool:
        if handler.command == method:
            handler.answer(status, b"", **headers)
        return handler.command == method

    return act


@pytest.mark.parametrize("text", NONE)
def test_an_address_that_is_none_is_told_without_it(text: str) -> None:
    with pytest.raises(NetworkError, match="names an address that is none") as caught:
        joined("https://registry.example/v2/", text, "registry.example")
    assert text not in caught.value.message


def test_an_address_is_a_whole_one_or_a_path() -> None:
    assert joined("https://a.example/v2/x?y=1", "/z", "") == "https://a.example/z"
    assert joined("https://a.example/v2/x", "http://b.example:5000/z", "") == "http://b.example:5000/z"


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("17", 17), ("9" * 18, int("9" * 18))])
def test_a_number_has_ascii_digits(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "\u00b2", "\u0661", "-1", "+1", "1.5", " 1", "1_0", "9" * 19, "9" * 5000])
def test_anything_else_is_none(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize("location", ["https://[x", "http://[", "http://host:99999/x", f"http://{'a' * 70}.example/"])
@pytest.mark.parametrize("status", [202, 307])
def test_an_upload_that_goes_nowhere(
    uploads: Uploads, registry: WritableRegistry, tmp_path: Path, location: str, status: int
) -> None:
    registry.faults.append(answering("POST", status, Location=location))
    with pytest.raises(NetworkError):
        send(uploads, tmp_path)


@pytest.mark.parametrize("realm", ["http://[", "https://[x", "http://host:99999/token"])
def test_tokens_that_are_nowhere(uploads: Uploads, registry: WritableRegistry, realm: str) -> None:
    registry.token, registry.realm = "one", realm
    with pytest.raises(NetworkError, match="address that is none"):
        uploads.check()


@pytest.mark.parametrize("least", ["\u00b2", "9" * 5000])
def test_a_least_piece_that_is_no_number_is_none(
    uploads: Uploads, registry: WritableRegistry, tmp_path: Path, least: str
) -> None:
    def fault(handler: Writer) -> bool:
        if handler.command != "POST":
            return False
        name = "1"
        handler.registry.uploads[name] = bytearray()
        place = f"/v2/team/model/blobs/uploads/{name}"
        handler.answer(202, b"", Location=place, **{"OCI-Chunk-Min-Length": least})
        return True

    registry.faults.append(fault)
    send(uploads, tmp_path)
    assert registry.blobs["team/model", sha256_digest(DATA)] == DATA
    assert registry.count("PATCH") == 2


def test_a_range_without_end_is_none(uploads: Uploads, registry: WritableRegistry, tmp_path: Path) -> None:
    def fault(handler: Writer) -> bool:
        if handler.command != "PATCH":
            return False
        held = handler.registry.uploads[handler.path.partition("?")[0].rpartition("/")[2]]
        while data := handler.take():
            held += data
        handler.answer(202, b"", Location=handler.path, Range="0-" + "9" * 5000)
        return True

    registry.faults.append(fault)
    send(uploads, tmp_path)
    assert registry.blobs["team/model", sha256_digest(DATA)] == DATA


@pytest.mark.parametrize("seconds", ["\u00b2", "9" * 5000, "1 2 3", "Mon, 99 Jan 0000 00:00:00 GMT"])
def test_a_wait_that_is_no_number_is_none(uploads: Uploads, registry: WritableRegistry, seconds: str) -> None:
    registry.faults.append(answering("POST", 503, **{"Retry-After": seconds}))
    with pytest.raises(UnreachableError, match="503"):
        uploads.check()


def test_a_length_that_is_no_number_is_none(
    registry: WritableRegistry, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    def answer(*_: object, **__: object) -> requests.Response:
        found = requests.Response()
        found.status_code, found.raw, found.url = 200, io.BytesIO(DATA), f"http://{registry.address}/"
        found.headers["Content-Length"] = "\u00b2"
        return found

    monkeypatch.setattr(requests.Session, "request", answer)
    asked = Registry(RemoteImage(domain=registry.address, path="team/model"), transport)
    assert b"".join(asked.blob(sha256_digest(DATA), len(DATA))) == DATA


def test_a_cache_of_layers_that_leads_nowhere_is_passed_over(registry: WritableRegistry) -> None:
    registry.faults.append(answering("HEAD", 307, Location="https://[x"))
    name = RemoteImage(domain=registry.address, path="team/model", tag="1")
    found, reasons = recall([name], platform="linux/amd64", compressor="gzip-1")
    assert found == ()
    assert len(reasons) == 1
