"""Runs inside the build: fetch the conda packages of the explicit list, each by its hash, into /conda-packages.

Proxies come from the usual variables. With BuildKit there may be secrets: `conda` has addresses with user and password
(`https://USER:PASSWORD@HOST/CHANNEL`), with blanks between, `netrc` is a netrc, `ca` the certificate
authorities to trust. Without BuildKit these lie in conda/ca.pem. Plain Python 3.8 or later.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import netrc
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

CONDA = Path(__file__).resolve().parent
SECRETS = Path("/run/secrets")
CACHE = Path("/var/cache/conda")  # a mount of BuildKit, else missing
PACKAGES = Path("/conda-packages")
ATTEMPTS = 4
BUSY = (408, 425, 429, 500, 502, 503, 504)


def main() -> None:
    """Fetch all that does not lie in the context."""
    (explicit,) = CONDA.glob("conda-*.txt")
    lines = [line for line in explicit.read_text(encoding="utf-8").split() if line.startswith(("http://", "https://"))]
    PACKAGES.mkdir(exist_ok=True)
    trusted = [path for path in (SECRETS / "ca", CONDA / "ca.pem") if path.is_file()]
    context = ssl.create_default_context(cafile=str(trusted[0]) if trusted else None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    known = logins()

    def fetch(line: str) -> str:
        return fetch_one(line, opener, known)

    with ThreadPoolExecutor(8) as pool:
        told = sorted(filter(None, pool.map(fetch, lines)))
    if told:
        sys.exit("\n".join(told))
    sys.stdout.write(f"{len(lines)} conda packages fetched\n")


def fetch_one(line: str, opener: urllib.request.OpenerDirector, known: dict[tuple[str, str, int, str], str]) -> str:
    """Have the file of a line; why that cannot be, or nothing."""
    url, _, sha256 = line.partition("#sha256:")
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not name or "/" in name or name in (".", ".."):
        return f"{url} names no file"
    target, kept = PACKAGES / name, CACHE / sha256
    if kept.is_file() and hash_of(kept) == sha256:
        shutil.copyfile(kept, target)
        return ""
    request = urllib.request.Request(url, headers={"User-Agent": "envbuild"})
    login = login_of(url, known)
    if login:
        # Whoever the channel sends this on to gets no password.
        request.add_unredirected_header("Authorization", login)
    reason = ""
    for attempt in range(ATTEMPTS):
        time.sleep(0.4 * 2**attempt if attempt else 0)
        try:
            with opener.open(request, timeout=60) as answer, target.open("wb") as out:
                shutil.copyfileobj(answer, out, 1 << 20)
        except urllib.error.HTTPError as error:
            reason = f"answered {error.code} {error.reason}"
            if error.code in (401, 403):
                reason += ": a channel with a password needs BuildKit and its secret `conda` or `netrc`"
            if error.code not in BUSY:
                break
        except (OSError, http.client.HTTPException) as error:
            reason = f"cannot be fetched: {getattr(error, 'reason', '') or str(error) or type(error).__name__}"
        else:
            if hash_of(target) == sha256:
                if CACHE.is_dir():
                    shutil.copyfile(target, kept)
                return ""
            reason = "has another hash than the lock says"
    return f"{url} {reason}"


def login_of(url: str, known: dict[tuple[str, str, int, str], str]) -> str:
    """What to send to `url`: of the addresses that it lies at or below, the longest one's; else its host's."""
    where, path = origin(url), urlsplit(url).path
    if {".", ".."} & set(unquote(path).replace("\\", "/").split("/")):
        return ""  # what lies below such a path lies elsewhere
    fit = [key for key in known if key[:3] == where and (path + "/").startswith(key[3] + "/")]
    return known[max(fit, key=lambda key: len(key[3]))] if fit else known.get(("", where[1], 0, ""), "")


def logins() -> dict[tuple[str, str, int, str], str]:
    """What to send to each address that wants a login: `(scheme, host, port, path)`.

    A netrc names a host alone: `("", host, 0, "")`.
    """
    found: dict[tuple[str, str, int, str], str] = {}
    if (SECRETS / "netrc").is_file():
        try:
            hosts = netrc.netrc(str(SECRETS / "netrc")).hosts
        except (netrc.NetrcParseError, UnicodeDecodeError):
            # Its text is a secret: no line of it is shown.
            sys.exit("the secret `netrc` is no netrc that can be read")
        for host, (user, _, password) in hosts.items():
            if host != "default":  # a model names its channels: what is for any host is for none of those
                found["", host, 0, ""] = basic(user, password or "")
    if (SECRETS / "conda").is_file():
        for address in (SECRETS / "conda").read_text(encoding="utf-8").split():
            try:
                parts, where = urlsplit(address), origin(address)
            except ValueError:
                sys.exit("the secret `conda` holds something that is no address")
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            # One without has a token, which is for the address of a file: no login to be sent.
            if user or password:
                found.setdefault((*where, parts.path.rstrip("/")), basic(user, password))
    return found


def basic(user: str, password: str) -> str:
    """The header for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def hash_of(path: Path) -> str:
    """The sha256 of a file, in hex."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


if __name__ == "__main__":
    main()
