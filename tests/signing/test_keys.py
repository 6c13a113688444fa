"""A key is looked at before any work: the wrong half of a pair, another program's, or none at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.signing.keys import check_private, check_public, key_id

PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YTYJtgPnnmMQRaD56kBvHhKG4KL\n"
    "Vu+YIHVFz5S46VfIVekHpFi1N6VFEUnUApREza3rweK+Bb2WMJK1LJN55Q==\n"
    "-----END PUBLIC KEY-----\n"
)
COSIGN = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYi\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
OPENSSL = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"


def file(folder: Path, text: str) -> str:
    path = folder / "some.key"
    path.write_text(text)
    return str(path)


def test_the_halves_of_a_pair_are_told_apart(tmp_path: Path) -> None:
    check_private(file(tmp_path, COSIGN), "--sign-key")
    check_private(file(tmp_path, COSIGN.replace("SIGSTORE", "COSIGN")), "--sign-key")
    assert check_public(file(tmp_path, PUBLIC), "--key").startswith("sha256:")
    with pytest.raises(UsageError, match="it is the public key"):
        check_private(file(tmp_path, PUBLIC), "--sign-key")
    with pytest.raises(UsageError, match="it is a private key, which stays with whoever signs") as caught:
        check_public(file(tmp_path, COSIGN), "--key")
    assert "cosign public-key --key" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"), [(OPENSSL, "a key of another program"), ("hello", "holds no key"), ("", "holds no key")]
)
def test_what_is_no_key_of_cosign_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_private(file(tmp_path, text), "--sign-key")
    with pytest.raises(UsageError, match="--key"):
        check_public(file(tmp_path, text), "--key")


@pytest.mark.parametrize("check", [check_private, check_public])
def test_what_cannot_be_read_is_told(check: object, tmp_path: Path) -> None:
    assert callable(check)
    with pytest.raises(UsageError, match="no such file or directory"):
        check(str(tmp_path / "none"), "--key")
    with pytest.raises(UsageError, match="is a directory"):
        check(str(tmp_path), "--key")
    with pytest.raises(UsageError, match="that is no path"):
        check("a\0b", "--key")


def test_an_address_is_for_cosign_to_understand() -> None:
    for address in ("awskms://alias/x", "hashivault://x", "env://KEY", "k8s://a/b"):
        check_private(address, "--sign-key")
        assert check_public(address, "--key") == ""


def test_the_id_of_a_key_does_not_depend_on_how_its_lines_break() -> None:
    joined = PUBLIC.replace("KG4KL\n", "KG4KL")
    assert key_id(PUBLIC) == key_id(joined) == key_id("text before\n" + PUBLIC)
    assert key_id("-----BEGIN PUBLIC KEY-----\n====\n-----END PUBLIC KEY-----") == ""
