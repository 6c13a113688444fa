"""The files of a base that no package carries: what maintainer scripts would have made.

Pure: each function gives paths and contents, `assemble` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOBODY = 65534
NONROOT = 65532

_PASSWD = f"""\
root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:{NOBODY}:{NOBODY}:nobody:/nonexistent:/usr/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/tmp:/usr/sbin/nologin
"""

_GROUP = f"""\
root:x:0:
tty:x:5:
staff:x:50:
nogroup:x:{NOBODY}:
nonroot:x:{NONROOT}:
"""

_NSSWITCH = """\
passwd:         files
group:          files
shadow:         files
gshadow:        files

hosts:          files dns
networks:       files

protocols:      db files
services:       db files
ethers:         db files
rpc:            db files
"""

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def files() -> dict[str, bytes]:
    """Contents by path: the accounts, the name service, the time zone."""
    texts = {
        "etc/group": _GROUP,
        "etc/nsswitch.conf": _NSSWITCH,
        "etc/passwd": _PASSWD,
        "etc/timezone": "Etc/UTC\n",
    }
    return {path: text.encode() for path, text in texts.items()}


def links(python: str) -> dict[str, str]:
    """Targets by path: what update-alternatives, tzdata, base-files and openssl would have linked."""
    return {
        "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
        "usr/bin/python3": f"python{python}",
        # Where OpenSSL, and so Python's ssl, looks by default.
        "usr/lib/ssl/cert.pem": _BUNDLE,
        "usr/lib/ssl/certs": "/etc/ssl/certs",
        "var/lock": "/run/lock",
        "var/run": "/run",
    }


def ca_bundle(certificates: Mapping[str, bytes]) -> bytes:
    """What update-ca-certificates writes: every certificate, in the order of its path, each ending in a newline."""
    return b"".join(content.rstrip(b"\n") + b"\n" for _, content in sorted(certificates.items()))


def status(control: str) -> bytes:
    """A package's entry for `var/lib/dpkg/status.d`, as scanners read it: its control stanza and that it is in."""
    name, _, rest = control.partition("\n")
    return f"{name}\nStatus: install ok installed\n{rest}".encode()


def md5sums(sums: Mapping[str, str], paths: Sequence[str]) -> bytes:
    """The md5sums of the files that are in the base, `sums` by the path as laid down."""
    lines = [f"{sums[path]}  {path}\n" for path in sorted(paths) if path in sums]
    return "".join(lines).encode("utf-8", "surrogateescape")


def library_folders(configuration: Mapping[str, bytes]) -> list[str]:
    """The folders that ldconfig would search: those of `/etc/ld.so.conf.d` in order, then the built-in ones."""
    found = []
    for path in sorted(configuration):
        for line in configuration[path].decode("utf-8", "replace").splitlines():
            text = line.partition("#")[0].strip()
            if text.startswith("/"):
                found.append(text.rstrip("/"))
    return list(dict.fromkeys([*found, "/lib", "/usr/lib"]))
