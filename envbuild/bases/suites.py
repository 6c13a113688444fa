"""What an assembled base is made of: the suites, the packages asked for, and what of them is left out.

Pure data and predicates. Whoever changes a rule raises `RECIPE`, which is part of every base's key.
"""

from __future__ import annotations

from typing import Literal

from ..records import dataclass

# The revision of the rules in this file and of the files that `skeleton` and `assemble` generate.
RECIPE = 2

Archive = Literal["debian", "debian-security"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A release of the distribution. `automatic` suites are what `--base auto` may choose."""

    codename: str
    python: str
    automatic: bool
    note: str = ""

    @property
    def name(self) -> str:
        """`debian:bookworm`."""
        return f"debian:{self.codename}"

    @property
    def indexes(self) -> tuple[tuple[Archive, str], ...]:
        """(archive, suite) of every index that counts, as `dists/` spells them."""
        return (
            ("debian", self.codename),
            ("debian", f"{self.codename}-updates"),
            ("debian-security", f"{self.codename}-security"),
        )


SUITES: dict[str, Suite] = {
    "bookworm": Suite(codename="bookworm", python="3.11", automatic=True, note="Debian 12"),
    "trixie": Suite(codename="trixie", python="3.13", automatic=True, note="Debian 13"),
    "bullseye": Suite(
        codename="bullseye",
        python="3.9",
        automatic=False,
        note="Debian 11 and Python 3.9 no longer get security updates: never chosen on its own",
    ),
}

# machine name in Debian -> (OCI architecture, multiarch triplet, ELF machine, ld.so.cache flags)
# The flags are those of glibc's sysdeps/unix/sysv/linux: FLAG_ELF_LIBC6 (3) and the required ABI.
ARCHITECTURES: dict[str, tuple[str, str, int, int]] = {
    "amd64": ("amd64", "x86_64-linux-gnu", 62, 0x0303),
    "arm64": ("arm64", "aarch64-linux-gnu", 183, 0x0A03),
}

_COMMON = (
    "base-files",
    "ca-certificates",
    "libc-bin",
    "libc6",
    # The shared libraries that wheels of lightgbm, scikit-learn and others use and do not carry.
    "libgomp1",
    "libstdc++6",
    "media-types",
    "ncurses-base",
    "netbase",
    "tzdata",
)

# Needed by maintainer scripts and by shells; never at run time.
_EXCLUDED = frozenset(
    {
        "awk",
        "debconf",
        "debconf-2.0",
        "dpkg",
        "python3",
        "python3-lib2to3",
        "python3-minimal",
    }
)
# What the base's own packages need in the same way, or for a module that is left out (nis). Others really use it.
_EXCLUDED_FROM_BASE = frozenset({"libnsl2", "libtirpc3", "libtirpc3t64", "openssl"})


# Every Debian has them, so packages depend on them for their maintainer scripts: programs only where asked for by name.
_ESSENTIAL = frozenset(
    {
        "base-passwd",
        "bash",
        "bsdutils",
        "coreutils",
        "dash",
        "debianutils",
        "diffutils",
        "findutils",
        "grep",
        "gzip",
        "hostname",
        "init-system-helpers",
        "login",
        "ncurses-bin",
        "passwd",
        "sed",
        "sysvinit-utils",
        "tar",
        "util-linux",
        "util-linux-extra",
    }
)


def keeps_programs(package: str) -> bool:
    """Whether a package that came with another, which was asked for, brings its programs too."""
    return package not in _ESSENTIAL


def roots(suite: Suite) -> tuple[str, ...]:
    """The packages that a base of `suite` asks for; what they depend on comes with them."""
    python = (f"python{suite.python}-minimal", f"libpython{suite.python}-stdlib")
    # distutils left the standard library with 3.12; before it, Debian has most of it in a package of its own.
    distutils = ("python3-distutils",) if suite.python in ("3.9", "3.11") else ()
    return tuple(sorted((*_COMMON, *python, *distutils)))


def excluded(package: str, *, added: bool) -> bool:
    """Whether a dependency on `package` is not followed; `added` is for those of packages beyond the base's own."""
    return package in _EXCLUDED or (package in _EXCLUDED_FROM_BASE and not added)


_STDLIB_LEFT_OUT = (
    "ctypes/test",
    "distutils/tests",
    "ensurepip",
    "idlelib",
    "lib2to3/tests",
    "sqlite3/test",
    "test",
    "tkinter/test",
    "turtledemo",
    "unittest/test",
)

_LEFT_OUT = (
    "etc/ca-certificates",
    "etc/cron.d",
    "etc/cron.daily",
    "etc/init.d",
    "etc/profile.d",
    "etc/skel",
    "etc/update-motd.d",
    "usr/games",
    "usr/include",
    "usr/lib/systemd",
    "usr/share/apport",
    "usr/share/base-files",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/ca-certificates",
    "usr/share/debhelper",
    "usr/share/doc-base",
    "usr/share/gcc",
    "usr/share/gdb",
    "usr/share/info",
    "usr/share/libc-bin",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl5",
    "usr/share/python3",
    "usr/share/zoneinfo/posix",
    "usr/share/zoneinfo/right",
    "usr/src",
    "var/backups",
    "var/cache/ldconfig",
    "var/local",
    "var/lock",
    "var/mail",
    "var/run",
    "var/spool",
)

# What even a package that was asked for does without: nobody reads it in an image, or the base links it elsewhere.
_NEVER_READ = (
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "var/lock",
    "var/run",
)

# ctypes.util.find_library asks ldconfig; getent needs no shell and shows what the name service answers.
_PROGRAMS = frozenset({"getent", "ldconfig"})


def left_out(path: str, python: str, *, whole: bool = False) -> bool:
    """Whether the base leaves `path` (in its merged-/usr form, no leading slash) out of its layer.

    `whole` is for a file of a package that was asked for by name, or came with one: its programs stay.
    """
    parts = path.split("/")
    if path.startswith("usr/share/doc/"):
        return len(parts) > 5 or (len(parts) == 5 and parts[4] != "copyright")
    if whole:
        return _under(path, _NEVER_READ)
    if path.startswith(("usr/bin/", "usr/sbin/")):
        return parts[2] not in _PROGRAMS and parts[2] != f"python{python}"
    stdlib = f"usr/lib/python{python}/"
    if path.startswith(stdlib):
        inside = path[len(stdlib) :]
        return inside.startswith("lib-dynload/nis.") or _under(inside, _STDLIB_LEFT_OUT)
    if len(parts) > 3 and parts[:2] == ["usr", "lib"] and parts[3] == "gconv":
        return True
    return _under(path, _LEFT_OUT)


def _under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)
