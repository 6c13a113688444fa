"""Signatures that are not what they should be, in a real registry, as cosign itself finds them."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from registry import push, registry
from tinyroad import write_base

from envbuild.errors import BaseImageError, IntegrityError, RegistryError
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.remote import RemoteImage
from envbuild.oci.transport import Transport
from envbuild.oci.types import INDEX, MANIFEST
from envbuild.signing.sign import signer_for
from envbuild.signing.verify import verify_signature

pytestmark = [
    pytest.mark.slow,
    pytest.mark.registry,
    pytest.mark.network,
    pytest.mark.usefixtures("alone"),
]


class Place:
    """The repository of a real registry, asked and changed by plain requests."""

    def __init__(self, address: str, path: str = "team/tiny") -> None:
        self.address, self.path = address, path
        self.name = f"{address}/{path}"

    def get(self, reference: str) -> tuple[bytes, str]:
        asked = urllib.request.Request(self._url(reference), headers={"Accept": f"{MANIFEST}, {INDEX}"})
        with urllib.request.urlopen(asked) as answer:
            return answer.read(), answer.headers["Content-Type"]

    def put(self, reference: str, raw: bytes, kind: str) -> None:
        asked = urllib.request.Request(self._url(reference), data=raw, method="PUT", headers={"Content-Type": kind})
        urllib.request.urlopen(asked).close()

    def blob(self, digest: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.address}/v2/{self.path}/blobs/{digest}") as answer:
            return bytes(answer.read())

    def put_blob(self, data: bytes) -> str:
        """Store a blob; its digest."""
        uploads = f"http://{self.address}/v2/{self.path}/blobs/uploads/"
        with urllib.request.urlopen(urllib.request.Request(uploads, data=b"", method="POST")) as answer:
            url = f"{answer.headers['Location']}&digest={sha256_digest(data)}"
        kind = {"Content-Type": "application/octet-stream"}
        urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT", headers=kind)).close()
        return sha256_digest(data)

    def digest(self, tag: str) -> str:
        return sha256_digest(self.get(tag)[0])

    def sign(self, tag: str, key: Path) -> str:
        """Sign what the tag stands for; its digest."""
        digest = self.digest(tag)
        with Transport() as transport:
            signer_for(str(key)).sign(RemoteImage(domain=self.address, path=self.path, digest=digest), transport)
        return digest

    def signature_tag(self, digest: str) -> str:
        """The tag under which the signature of a manifest is found: that of cosign 2, else that of its referrers."""
        tags = json.loads(urllib.request.urlopen(f"http://{self.address}/v2/{self.path}/tags/list").read())["tags"]
        (found,) = [tag for tag in tags if tag.startswith(digest.replace(":", "-"))]
        return str(found)

    def _url(self, reference: str) -> str:
        return f"http://{self.address}/v2/{self.path}/manifests/{reference}"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the registry keeps its files."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def address(storage: Path) -> Iterator[str]:
    with registry(storage) as address:
        yield address


@pytest.fixture
def place(
    address: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cosign: Path
) -> Place:
    """A repository of its own with two images, `good` and `evil`; nothing is signed."""
    monkeypatch.setenv("ENVBUILD_COSIGN", str(cosign))
    path = f"team/{''.join(c for c in request.node.name.lower() if c.isalnum())[-60:]}"
    for tag in ("good", "evil"):
        # Unlike those of any other test: a registry of other tests has their blobs.
        write_base(tmp_path / tag, salt=path + tag)
        push(tmp_path / tag, address, f"{path}:{tag}")
    return Place(address, path)


def test_what_is_signed_is_told_by_its_digest(place: Place, keys: tuple[Path, Path]) -> None:
    digest = place.sign("good", keys[0])
    found = verify_signature(f"{place.name}:good", str(keys[1]))
    assert found.image.canonical == f"{place.name}:good@{digest}"
    assert found.key_id.startswith("sha256:")
    # A copy under another name and in another registry is the same image.
    assert verify_signature(f"docker://{place.name}@{digest}", str(keys[1])).image.digest == digest


def test_a_name_that_was_put_on_another_image_is_found(place: Place, keys: tuple[Path, Path]) -> None:
    place.sign("good", keys[0])
    place.put("good", *place.get("evil"))
    with pytest.raises(IntegrityError, match=f"{place.digest('evil')} has no signature") as caught:
        verify_signature(f"{place.name}:good", str(keys[1]))
    assert "was good put on another image since?" in caught.value.hint


def test_a_signature_of_another_image_is_found(place: Place, keys: tuple[Path, Path]) -> None:
    good, evil = place.sign("good", keys[0]), place.digest("evil")
    tag = place.signature_tag(good)
    raw, kind = place.get(tag)
    other = tag.replace(good[7:], evil[7:])
    place.put(other, raw, kind)
    with pytest.raises(IntegrityError, match=f"{evil} is of another image"):
        verify_signature(f"{place.name}:evil", str(keys[1]))
    if kind == INDEX:  # the signature can be told to be about the other one, and says what it is about
        (entry,) = json.loads(raw)["manifests"]
        manifest = json.loads(place.get(entry["digest"])[0])
        manifest["subject"] |= {"digest": evil, "size": len(place.get("evil")[0])}
        changed = canonical_json(manifest)
        place.put(sha256_digest(changed), changed, MANIFEST)
        entry |= {"digest": sha256_digest(changed), "size": len(changed)}
        place.put(other, canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}), INDEX)
        with pytest.raises(IntegrityError, match=f"{evil} is of another image"):
            verify_signature(f"{place.name}:evil", str(keys[1]))


def test_a_signature_by_another_key_is_found(
    place: Place, keys: tuple[Path, Path], other_keys: tuple[Path, Path]
) -> None:
    digest = place.sign("good", other_keys[0])
    with pytest.raises(IntegrityError, match=f"{digest} is signed, but not by {keys[1]}"):
        verify_signature(f"{place.name}:good", str(keys[1]))
    # One that counts is enough.
    place.sign("good", keys[0])
    assert verify_signature(f"{place.name}:good", str(keys[1])).image.digest == digest


def test_a_signature_that_is_gone_is_found(place: Place, keys: tuple[Path, Path], storage: Path) -> None:
    digest = place.sign("good", keys[0])
    assert verify_signature(f"{place.name}:good", str(keys[1]))
    tags = storage / "data/docker/registry/v2/repositories" / place.path / "_manifests" / "tags"
    shutil.rmtree(tags / place.signature_tag(digest))
    with pytest.raises(IntegrityError, match="has no signature"):
        verify_signature(f"{place.name}:good", str(keys[1]))


def test_a_changed_manifest_is_another_image(place: Place, keys: tuple[Path, Path]) -> None:
    place.sign("good", keys[0])
    raw, kind = place.get("good")
    place.put("good", raw + b"\n", kind)
    with pytest.raises(IntegrityError, match="has no signature"):
        verify_signature(f"{place.name}:good", str(keys[1]))


def other_letter(text: str, at: int) -> str:
    """The text with another letter of base64 in one place."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def test_an_altered_signature_is_none(place: Place, keys: tuple[Path, Path]) -> None:
    digest = place.sign("good", keys[0])
    tag = place.signature_tag(digest)
    raw, kind = place.get(tag)
    content = json.loads(raw)
    if kind == MANIFEST:  # the signature is an annotation
        annotations = content["layers"][0]["annotations"]
        (name,) = [name for name in annotations if name.endswith("/signature")]
        annotations[name] = other_letter(annotations[name], 20)
    else:  # it is in a blob, which a manifest names, which the index names
        (entry,) = content["manifests"]
        manifest = json.loads(place.get(entry["digest"])[0])
        bundle = json.loads(place.blob(manifest["layers"][0]["digest"]))
        (signature,) = bundle["dsseEnvelope"]["signatures"]
        signature["sig"] = other_letter(signature["sig"], 20)
        changed = canonical_json(bundle)
        manifest["layers"][0] |= {"digest": place.put_blob(changed), "size": len(changed)}
        document = canonical_json(manifest)
        place.put(sha256_digest(document), document, MANIFEST)
        entry |= {"digest": sha256_digest(document), "size": len(document)}
    place.put(tag, canonical_json(content), kind)
    with pytest.raises(IntegrityError, match="is signed, but not by"):
        verify_signature(f"{place.name}:good", str(keys[1]))


def test_cosign_3_reads_what_cosign_2_made_and_not_the_other_way_round(
    place: Place, keys: tuple[Path, Path], cosign: Path, cosigns: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = place.sign("good", keys[0])
    for other in cosigns:
        monkeypatch.setenv("ENVBUILD_COSIGN", str(other))
        if cosigns.index(other) >= cosigns.index(cosign):
            assert verify_signature(f"{place.name}:good", str(keys[1])).image.digest == digest
        else:
            with pytest.raises(IntegrityError, match="a signature that cosign 2 cannot read"):
                verify_signature(f"{place.name}:good", str(keys[1]))


def test_what_is_not_there_is_no_missing_signature(place: Place, keys: tuple[Path, Path]) -> None:
    with pytest.raises((BaseImageError, RegistryError), match="has no none of"):
        verify_signature(f"{place.name}:none", str(keys[1]))
