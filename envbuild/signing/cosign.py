"""The program cosign: found, asked what it knows, and run without a terminal.

Versions 2 and 3 are known. Neither is let near a transparency log: an image's name, digest and key are nobody's
business but that of who pushes it, and a key of one's own needs no witness.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import EnvbuildError, NetworkError, UsageError
from ..records import dataclass

VARIABLE = "ENVBUILD_COSIGN"
"""The environment variable that names the program, where it is not on the PATH."""
PASSWORD = "COSIGN_PASSWORD"
_SECONDS = 300  # cosign gives up by itself after 180
# Places to sign through (a log, a time stamp), and whom to believe for them: none.
_NO_SERVICES = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
_NO_ROOT = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}
_LAST = "error during command execution: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run came to: its exit code, stdout, and what it said of its failure in one line, without secrets."""

    code: int
    output: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosign:
    """The program at `path`. With `bundles` it is version 3, which keeps signatures as sigstore bundles."""

    path: str
    bundles: bool

    def run(self, *arguments: str, environ: Mapping[str, str], secrets: Sequence[str] = ()) -> Done:
        """Run it with no terminal to ask at; `secrets` are kept out of what it says.

        Raises UsageError where it cannot be run, NetworkError where it does not end.
        """
        # Without the variable it would ask; with an empty one it takes a key that has no password.
        given = {PASSWORD: "", **environ}
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=given,
                timeout=_SECONDS,
                check=False,
            )
        except OSError as error:
            raise UsageError(f"{self.path} cannot be run: {error.strerror or error}", hint=_HINT) from error
        except subprocess.TimeoutExpired as error:
            raise NetworkError(
                f"cosign {arguments[0]} did not end within {_SECONDS} seconds",
                hint="check the network, and the service that keeps the key",
            ) from error
        reason = _reason(done.stderr.decode("utf-8", "replace"), done.returncode, (given[PASSWORD], *secrets))
        return Done(code=done.returncode, output=done.stdout.decode("utf-8", "replace"), reason=reason)

    def without_log(self, folder: Path) -> list[str]:
        """The arguments that keep a signature out of every transparency log; files that they need go to `folder`."""
        if not self.bundles:
            return ["--tlog-upload=false"]
        services, root = folder / "signing-config.json", folder / "trusted-root.json"
        services.write_text(json.dumps(_NO_SERVICES))
        # Without one it would fetch sigstore's own from the internet.
        root.write_text(json.dumps(_NO_ROOT))
        return [f"--signing-config={services}", f"--trusted-root={root}"]


_HINT = f"cosign is Debian's package of that name from trixie on, and sigstore's own; {VARIABLE} names another place"


def find_cosign(environ: Mapping[str, str] | None = None) -> Cosign:
    """The program that ENVBUILD_COSIGN names, else that of the PATH. UsageError where there is none, or another."""
    environ = os.environ if environ is None else environ
    named = environ.get(VARIABLE, "")
    path = shutil.which(named or "cosign", path=environ.get("PATH"))
    if path is None:
        what = f"{VARIABLE} names no program" if named else "there is no cosign, which makes and checks signatures"
        raise UsageError(what, hint=_HINT)
    asked = Cosign(path=path, bundles=False).run("sign", "--help", environ=environ)
    if asked.code or "--key" not in asked.output:
        raise UsageError(f"{path} is no cosign that is known here: {asked.reason}", hint=_HINT)
    # Debian's builds do not tell their version.
    return Cosign(path=path, bundles="--use-signing-config=true" in asked.output or "--tlog-upload" not in asked.output)


def _reason(said: str, code: int, secrets: Sequence[str]) -> str:
    """The last error in what cosign said, in one line."""
    lines = [line for line in said.splitlines() if line.strip()]
    tail = lines[-1] if lines else f"exit code {code}"
    for line in lines:
        if line.startswith(_LAST):
            tail = line.removeprefix(_LAST)
    for secret in secrets:
        tail = tail.replace(secret, "***") if len(secret) > 3 else tail
    tail = re.sub(r"(?<=://)[^/\s@]+@", "***@", tail)
    return "".join(c for c in tail if c.isprintable())[:400]


def key_trouble(done: Done, key: str, environ: Mapping[str, str]) -> EnvbuildError:
    """The error for a key that cosign could not take."""
    if "decryption failed" in done.reason:
        if PASSWORD not in environ:
            return UsageError(
                f"the key {key} has a password, and {PASSWORD} is not set", hint=f"set {PASSWORD}; nobody is asked"
            )
        return UsageError(f"{PASSWORD} is not the password of the key {key}", hint=f"correct {PASSWORD}")
    kind = NetworkError if re.search(r"dial tcp|request send failed|i/o timeout", done.reason) else UsageError
    return kind(f"cosign cannot use the key {key}: {done.reason}", hint="check the key, and who may use it")
