"""cosign is found and told what it needs; what it says is cleaned of secrets. Programs of a few lines stand for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from envbuild.errors import EnvbuildError, NetworkError, RegistryError, UsageError
from envbuild.oci.patience import BrokenError, UnreachableError
from envbuild.oci.remote import RemoteImage
from envbuild.oci.transport import Transport
from envbuild.signing.access import trouble
from envbuild.signing.cosign import Cosign, Done, find_cosign
from envbuild.signing.sign import Signer, signer_for
from envbuild.signing.verify import Verdict, verdict

DIGEST = "sha256:" + "0" * 64
IMAGE = RemoteImage(domain="127.0.0.1:1", path="team/tiny", digest=DIGEST)
VERSION_2 = "Flags:\n    --key='':\n    --tlog-upload=true:\n"
VERSION_3 = "Flags:\n    --key='':\n    --signing-config='':\n    --use-signing-config=true:\n"


def program(folder: Path, script: str, help_text: str = VERSION_2) -> Path:
    path = folder / "cosign"
    (folder / "help.txt").write_text(help_text)
    path.write_text(f'#!/bin/sh\n[ "$2" = --help ] && exec cat {folder}/help.txt\n{script}\n')
    path.chmod(0o755)
    return path


def environ(folder: Path, **changes: str) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH",)}
    return {**kept, "HOME": str(folder), "DOCKER_CONFIG": str(folder / "docker"), **changes}


def test_the_program_is_the_one_that_is_named_or_that_of_the_path(tmp_path: Path) -> None:
    path = program(tmp_path, "exit 1")
    named = find_cosign(environ(tmp_path, ENVBUILD_COSIGN=str(path)))
    found = find_cosign(environ(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}"))
    assert named == found == Cosign(path=str(path), bundles=False)


def test_a_missing_program_is_told_with_where_it_is_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no cosign") as caught:
        find_cosign(environ(tmp_path, PATH=str(tmp_path)))
    assert "Debian's package" in caught.value.hint
    with pytest.raises(UsageError, match="ENVBUILD_COSIGN names no program"):
        find_cosign(environ(tmp_path, ENVBUILD_COSIGN=str(tmp_path / "none")))


def test_another_program_is_not_taken_for_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no cosign that is known here"):
        find_cosign(environ(tmp_path, ENVBUILD_COSIGN="true"))
    broken = program(tmp_path, "")
    broken.write_text("#!/no/such/shell\n")
    with pytest.raises(UsageError, match="cannot be run"):
        find_cosign(environ(tmp_path, ENVBUILD_COSIGN=str(broken)))


@pytest.mark.parametrize(("help_text", "bundles"), [(VERSION_2, False), (VERSION_3, True)])
def test_no_version_is_let_near_a_log(tmp_path: Path, help_text: str, bundles: bool) -> None:
    path = program(tmp_path, "exit 1", help_text)
    cosign = find_cosign(environ(tmp_path, ENVBUILD_COSIGN=str(path)))
    assert cosign.bundles == bundles
    arguments = cosign.without_log(tmp_path)
    if not bundles:
        assert arguments == ["--tlog-upload=false"]
        return
    values = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    assert set(values) == {"signing-config", "trusted-root"}
    # Neither names a service.
    assert all(set(json.loads(Path(value).read_text())) == {"mediaType"} for value in values.values())


def test_it_is_asked_without_a_terminal_and_with_a_password_in_any_case(tmp_path: Path) -> None:
    script = 'echo "${COSIGN_PASSWORD-unset}:$(wc -c)"'
    cosign = Cosign(path=str(program(tmp_path, script)), bundles=False)
    assert cosign.run("sign", environ=environ(tmp_path)).output == ":0\n"
    assert cosign.run("sign", environ=environ(tmp_path, COSIGN_PASSWORD="xyz")).output == "xyz:0\n"


def test_no_secret_is_in_what_it_says(tmp_path: Path) -> None:
    script = (
        "echo 'Error: first' >&2\n"
        'echo "error during command execution: Get https://me:token-1@host/v2/: key password-2, login password-3" >&2\n'
        "printf 'and a tail\\033[31m\\n' >&2; exit 3"
    )
    cosign = Cosign(path=str(program(tmp_path, script)), bundles=False)
    done = cosign.run("sign", environ=environ(tmp_path, COSIGN_PASSWORD="password-2"), secrets=("password-3",))
    assert done.code == 3
    assert done.reason == "Get https://***@host/v2/: key ***, login ***"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("GET http://h/v2/: UNAUTHORIZED: authentication required", RegistryError),
        ("PUT https://h/v2/: DENIED: no", RegistryError),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", NetworkError),
        ("dial tcp 127.0.0.1:1: connect: connection refused", BrokenError),
        ("PUT http://h/v2/: unexpected status code 503 Service Unavailable", BrokenError),
        ("unexpected EOF", BrokenError),
        ("the key is on another planet", EnvbuildError),
    ],
)
def test_what_it_says_becomes_an_error_of_its_kind(reason: str, kind: type[EnvbuildError]) -> None:
    assert type(trouble(Done(code=1, output="", reason=reason), "it is not signed", IMAGE)) is kind


def test_a_registry_that_stays_away_is_asked_four_times(tmp_path: Path) -> None:
    script = f"echo x >> {tmp_path}/count; echo 'error during command execution: unexpected EOF' >&2; exit 1"
    cosign = Cosign(path=str(program(tmp_path, script)), bundles=False)
    signer = Signer("some.key", cosign, "")
    transport = Transport(environ(tmp_path), pause=lambda _: None)
    with pytest.raises(UnreachableError, match="is not signed, and its names stay as they were: unexpected EOF"):
        signer.sign(IMAGE, transport)
    assert (tmp_path / "count").read_text() == "x\n" * 4


def test_a_signature_that_another_build_wrote_over_is_made_again(tmp_path: Path) -> None:
    script = (
        f'[ "$1" = sign ] && echo x >> {tmp_path}/count && exit 0\n'
        f'[ "$(cat {tmp_path}/count 2> /dev/null | wc -l)" -ge 2 ] && echo {DIGEST} && exit 0\n'
        'echo "error during command execution: no signatures found" >&2; exit 10'
    )
    signer = Signer("some.key", Cosign(path=str(program(tmp_path, script)), bundles=False), "")
    assert signer.sign(IMAGE, Transport(environ(tmp_path), pause=lambda _: None)) is True
    assert (tmp_path / "count").read_text() == "x\n" * 2


def test_a_signature_that_the_registry_took_and_has_not_is_no_signature(tmp_path: Path) -> None:
    script = '[ "$1" = sign ] && exit 0\necho "error during command execution: no signatures found" >&2; exit 10'
    signer = Signer("some.key", Cosign(path=str(program(tmp_path, script)), bundles=False), "")
    with pytest.raises(UnreachableError, match="it took the signature, and does not have it"):
        signer.sign(IMAGE, Transport(environ(tmp_path), pause=lambda _: None))


def test_an_exit_code_of_zero_is_not_enough(tmp_path: Path) -> None:
    from envbuild.signing.access import access

    cosign = Cosign(path=str(program(tmp_path, "echo '[]'")), bundles=False)
    with access(IMAGE, Transport(environ(tmp_path))) as way:
        assert verdict(cosign, "some.pub", way)[0] is Verdict.UNKNOWN


def test_a_key_for_which_there_is_no_public_one_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "echo nothing")
    with pytest.raises(EnvbuildError, match="gives no public key for --sign-key awskms://alias/x"):
        signer_for("awskms://alias/x", environ(tmp_path, ENVBUILD_COSIGN=str(path)))
