"""A push that is signed: by cosign itself, before any name is given, and again where the registry is busy."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from cosigns import PASSWORD
from writable_registry import WritableRegistry, Writer, serving

from envbuild.errors import NetworkError, RegistryError, UsageError
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.reference import parse_reference
from envbuild.oci.store import Store
from envbuild.oci.transport import Transport
from envbuild.oci.types import Image, Layer
from envbuild.shipping import push as pushing
from envbuild.shipping.push import Pushed, push
from envbuild.signing.keys import check_public
from envbuild.signing.sign import signer_for
from envbuild.signing.verify import verify_signature

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.usefixtures("alone")]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, cosign: Path) -> None:
    monkeypatch.setenv("ENVBUILD_COSIGN", str(cosign))
    monkeypatch.setattr(pushing, "Transport", functools.partial(Transport, pause=lambda _: None))


@pytest.fixture
def there() -> Iterator[WritableRegistry]:
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def image_of(store: Store, data: bytes) -> Image:
    digest = store.put(data)
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest]}}
    return make_image(canonical_json(config), [Layer(diff_id=digest, digest=digest, size=len(data))], {})


def signed_push(store: Store, image: Image, key: Path, *names: str) -> Pushed:
    return push(image, [parse_reference(name) for name in names], store, signer=signer_for(str(key)))


def stores_signature(writer: Writer) -> bool:
    """Whether a signature is stored: under a tag of its image, or as a manifest of its own."""
    return writer.command == "PUT" and "/manifests/sha256" in writer.path and "cosign" in writer.headers["User-Agent"]


def test_a_name_is_given_only_when_all_repositories_have_the_signature(
    store: Store, there: WritableRegistry, keys: tuple[Path, Path]
) -> None:
    def refusing(writer: Writer) -> bool:
        if stores_signature(writer) and "/other/" in writer.path:
            writer.answer(403, b'{"errors": [{"code": "DENIED", "message": "no more manifests here"}]}')
            return True
        return False

    name = f"{there.address}/team/tiny:1"
    signed_push(store, image_of(store, b"old"), keys[0], name)
    before = there.manifests["team/tiny", "1"]
    there.faults.append(refusing)
    new = image_of(store, b"new")
    names = (name, f"{there.address}/team/tiny:2", f"{there.address}/other/tiny:1")
    with pytest.raises(RegistryError) as caught:
        signed_push(store, new, keys[0], *names)
    assert f"other/tiny@{new.manifest_digest} is not signed, and its names stay as they were" in caught.value.message
    assert there.manifests["team/tiny", "1"] == before
    assert {(repository, tag) for repository, tag in there.manifests if not tag.startswith("sha256")} == {
        ("team/tiny", "1")
    }
    there.faults.clear()
    done = signed_push(store, new, keys[0], *names)
    assert done.sent == 0
    assert done.signature is not None
    # The first repository kept the signature that it had got.
    assert done.signature.made == 1
    for each in names:
        assert verify_signature(each, str(keys[1])).image.digest == new.manifest_digest
    assert there.problems() == []


def test_a_registry_that_is_busy_is_asked_again(
    store: Store, there: WritableRegistry, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(pushing, "Transport", functools.partial(Transport, pause=pauses.append))
    left = [2]

    def busy(writer: Writer) -> bool:
        if stores_signature(writer) and left[0]:
            left[0] -= 1
            writer.answer(425, b"")
            return True
        return False

    there.faults.append(busy)
    image = image_of(store, b"data")
    done = signed_push(store, image, keys[0], f"{there.address}/team/tiny:1")
    assert left == [0]
    # cosign comes again by itself for other answers than this.
    assert len(pauses) == 2
    assert done.signature is not None
    assert done.signature.made == 1
    assert verify_signature(f"{there.address}/team/tiny:1", str(keys[1])).image.digest == image.manifest_digest


def test_a_key_that_cannot_be_used_is_told_before_anything_is_sent(
    keys: tuple[Path, Path], cosign: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert signer_for(str(keys[0])).key_id == check_public(str(keys[1]), "--key")
    monkeypatch.setenv("COSIGN_PASSWORD", "another one")
    with pytest.raises(UsageError, match="COSIGN_PASSWORD is not the password of the key"):
        signer_for(str(keys[0]))
    monkeypatch.delenv("COSIGN_PASSWORD")
    with pytest.raises(UsageError, match="has a password, and COSIGN_PASSWORD is not set"):
        signer_for(str(keys[0]))
    with pytest.raises(UsageError, match="unrecognized scheme: nokms://"):
        signer_for("nokms://some/key")
    # A service for keys that is not there.
    settings = {"REGION": "nowhere", "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "a secret of the service"}
    for name, value in {**settings, "MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with pytest.raises(NetworkError, match="cannot use the key --sign-key awskms://") as refused:
        signer_for("awskms://127.0.0.1:1/alias/x")
    assert "a secret of the service" not in refused.value.message
    broken = tmp_path / "broken.key"
    broken.write_text(keys[0].read_text().replace("eyJ", "eeJ"))
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    with pytest.raises(UsageError, match="cannot use the key") as caught:
        signer_for(str(broken))
    assert PASSWORD not in caught.value.message
