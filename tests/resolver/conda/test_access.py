"""Where the credentials of a channel come from, and what they are for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.resolver.conda.access import Access, access_of

CHANNEL = "https://repo.mine.example/forge"
FILE = f"{CHANNEL}/linux-64/a-1.0-0.conda"


def asked(address: str, environ: dict[str, str], home: Path) -> Access:
    return access_of(address, {"HOME": str(home), **environ})


def write_stored(path: Path, **entries: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name.replace("_", "."): entry for name, entry in entries.items()}))
    return path


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ("https://me:p%40ss@repo.mine.example", ("me", "p@ss")),
        ("https://me:pw@repo.mine.example:443/forge/", ("me", "pw")),
        ("https://me:pw@repo.mine.example/for", None),
        ("https://me:pw@repo.mine.example/forge/linux-64/other", None),
        ("http://me:pw@repo.mine.example/forge", None),
        ("https://me:pw@repo.mine.example:8443/forge", None),
        ("https://me:pw@mine.example/forge", None),
    ],
)
def test_an_address_with_a_login_is_for_what_lies_at_or_below_it(
    tmp_path: Path, entry: str, login: tuple[str, str] | None
) -> None:
    for address in (CHANNEL, FILE):
        found = asked(address, {"ENVBUILD_CONDA_CREDENTIALS": entry}, tmp_path)
        assert (found.login, found.address) == (login, address)


@pytest.mark.parametrize("part", ["..", ".", "%2e%2E", ".%2e", "..%2fother", "..%5cother"])
def test_a_path_that_leads_elsewhere_gets_nothing(tmp_path: Path, part: str) -> None:
    entries = (
        "https://me:pw@repo.mine.example/forge https://repo.mine.example/t/t0k/forge https://me:pw@repo.mine.example"
    )
    address = f"https://repo.mine.example/forge/{part}/evil/noarch/a-1.0-0.conda"
    assert asked(address, {"ENVBUILD_CONDA_CREDENTIALS": entries}, tmp_path) == Access(address=address)
    assert asked(FILE, {"ENVBUILD_CONDA_CREDENTIALS": entries}, tmp_path).login == ("me", "pw")


@pytest.mark.parametrize("entry", ["s3cr3t", "me:s3cr3t@repo.mine.example/forge", "https://me:s3cr3t@repo:port/"])
def test_an_entry_that_is_no_address_is_told_without_its_text(tmp_path: Path, entry: str) -> None:
    """Were it passed over, the hint on what the server says would name the variable that is set already."""
    entries = f"https://me:pw@repo.mine.example {entry}"
    with pytest.raises(UsageError, match="entry 2 of ENVBUILD_CONDA_CREDENTIALS is no address") as caught:
        asked(FILE, {"ENVBUILD_CONDA_CREDENTIALS": entries}, tmp_path)
    assert "s3cr3t" not in f"{caught.value.message}{caught.value.hint}"
    assert asked("file:///mirror/forge", {"ENVBUILD_CONDA_CREDENTIALS": entries}, tmp_path).login is None


def test_the_longest_path_counts_for_a_login_and_for_a_token(tmp_path: Path) -> None:
    entries = (
        "https://all:one@repo.mine.example https://here:two@repo.mine.example/forge "
        "https://repo.mine.example/t/wide https://repo.mine.example/t/narrow/forge"
    )
    found = asked(FILE, {"ENVBUILD_CONDA_CREDENTIALS": entries}, tmp_path)
    assert found.login == ("here", "two")
    assert found.address == "https://repo.mine.example/t/narrow/forge/linux-64/a-1.0-0.conda"


def test_of_a_netrc_only_hosts_that_it_names_get_a_login(tmp_path: Path) -> None:
    """A model names its channels: what is for all hosts is not for those."""
    path = tmp_path / ".netrc"
    path.write_text("machine mine.example login me password one\ndefault login me password two\n")
    assert asked("https://mine.example/forge", {}, tmp_path).login == ("me", "one")
    assert asked("https://mine.example/forge", {"NETRC": str(path)}, tmp_path / "no").login == ("me", "one")
    assert asked("https://other.example/forge", {}, tmp_path).login is None
    assert asked("https://default/forge", {}, tmp_path).login is None
    path.write_text("no netrc at all {")
    assert asked("https://mine.example/forge", {}, tmp_path).login is None


def test_the_file_of_rattlers_tools_has_logins_and_tokens_by_host(tmp_path: Path) -> None:
    own = write_stored(
        tmp_path / ".rattler" / "credentials.json",
        repo_mine_example={"BasicHTTP": {"username": "me", "password": "pw"}},
        token_example={"CondaToken": "t0k"},
        odd_example={"BasicHTTP": "me"},
        **{"*_bearer_example": {"BearerToken": "b3ar"}},
    )
    assert asked(CHANNEL, {}, tmp_path).login == ("me", "pw")
    assert asked("https://token.example/forge", {}, tmp_path).address == "https://token.example/t/t0k/forge"
    for host in ("bearer.example", "a.bearer.example", "b.a.bearer.example"):
        assert asked(f"https://{host}/forge", {}, tmp_path).header == "Bearer b3ar"
    for host in ("notbearer.example", "odd.example", "a.repo.mine.example", "example"):
        assert asked(f"https://{host}/forge", {}, tmp_path) == Access(address=f"https://{host}/forge")
    (tmp_path / ".netrc").write_text("machine repo.mine.example login netrcs password pw\n")
    assert asked(CHANNEL, {}, tmp_path).login == ("me", "pw"), "the netrc comes behind it"
    named = write_stored(tmp_path / "named.json", repo_mine_example={"BearerToken": "other"})
    assert asked(CHANNEL, {"RATTLER_AUTH_FILE": str(named)}, tmp_path).header == "Bearer other"
    own.write_text("{")
    assert asked(CHANNEL, {}, tmp_path).login == ("netrcs", "pw")


@pytest.mark.parametrize("text", ["{", "[]", "s3cr3t", None])
def test_a_named_file_that_is_none_is_told_without_its_text(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "auth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"RATTLER_AUTH_FILE names .*auth\.json") as caught:
        asked(CHANNEL, {"RATTLER_AUTH_FILE": str(path)}, tmp_path)
    assert caught.value.hint and "s3cr3t" not in caught.value.message


def test_a_user_without_a_password_gets_that_of_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho asked >> {tmp_path}/asked\n[ "$2" = repo.mine.example ] && echo "pw of $3"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    entry = {"ENVBUILD_CONDA_CREDENTIALS": "https://me@repo.mine.example"}
    assert asked(CHANNEL, entry, tmp_path).login == ("me", "")
    assert not (tmp_path / "asked").exists()
    told = {**entry, "UV_KEYRING_PROVIDER": "subprocess"}
    for address in (CHANNEL, FILE, f"{CHANNEL}2"):
        assert asked(address, told, tmp_path).login == ("me", "pw of me")
    assert (tmp_path / "asked").read_text() == "asked\n" * 2, "once by its address and once by its name"
