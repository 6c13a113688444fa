"""`--sign-key` that cannot be carried out is told before a model is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., int]
KEY = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYi\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "team.key"
    path.write_text(KEY)
    return path


def refused(call: Call, capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    # A model that is not there: whatever is told before is told before any work.
    code = call("image", "models:/nobody/1", "-t", "127.0.0.1:1/team/tiny:1", *words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return str(err)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sign-key", "KEY"), "--sign-key without --push"),
        (("--push", "--sign-key", ""), "--sign-key names no key"),
        (("--push", "--sign-key", "/no/such/key"), "--sign-key /no/such/key: no such file or directory"),
        (("--push", "--sign-key", "KEY"), "there is no cosign, which makes and checks signatures"),
        (("--push", "--sign-key", "awskms://alias/x"), "there is no cosign, which makes and checks signatures"),
    ],
)
def test_what_cannot_be_signed_is_told_before_any_work(
    call: Call,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    key: Path,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ENVBUILD_COSIGN", raising=False)
    err = refused(call, capsys, *(str(key) if word == "KEY" else word for word in words))
    assert said in err
    if "cosign," in said:
        assert "Debian's package" in err


def test_a_configuration_names_the_key_from_its_own_folder_and_for_pushes_alone(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "envbuild.toml"
    file.write_text('sign-key = "keys/team.key"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    err = refused(call, capsys, "--config", file, "--push")
    assert f"--sign-key {tmp_path / 'keys' / 'team.key'}: no such file" in err
    file.write_text('sign-key = "awskms://alias/x"\n')
    assert "there is no cosign" in refused(call, capsys, "--config", file, "--push")
    # Without a push there is nothing to sign: the next thing that is wrong is told.
    err = refused(call, capsys, "--config", file, "--output", "nonsense")
    assert "--output nonsense: not known" in err
