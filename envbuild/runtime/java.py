"""Let Spark's Java start as any user and with a strict /tmp, and say beforehand in words what it would stumble over.

Java asks the C library for its user's name and home, and knows none without an entry in /etc/passwd. Spark unpacks
libraries into /tmp and loads them from there. An image that is run under a strict policy has neither.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import MutableMapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

TEMPORARY = "/tmp"
"""Where Java unpacks libraries, whatever TMPDIR says."""
LIBRARIES = Path("/usr")
PASSWD = Path("/etc/passwd")
WRAPPERS = ("lib/*/libnss_wrapper.so", "lib64/libnss_wrapper.so", "lib/libnss_wrapper.so")
"""A library that answers who a user is from a file of one's own, as Spark's own images have it."""
SNAPPY = ("lib/*/jni/libsnappyjava.so", "lib/jni/libsnappyjava.so")
"""What Spark reads its models with, where Java finds it by itself."""
NOTHING_LOADED = (
    "-Dorg.xerial.snappy.use.systemlib=true",
    # zstd, the default, is loaded from /tmp too; lz4 goes without.
    "-Dspark.shuffle.mapStatus.compression.codec=lz4",
)


def prepare(environment: MutableMapping[str, str]) -> None:
    """Set what Java needs in the variables that it inherits, where pyspark is installed; the rest is said on stderr.

    Nothing is raised: a server that needs no Java, for all that pyspark is there, starts without.
    """
    try:
        if find_spec("pyspark") is None:
            return
        problems = [_name_user(environment), _load_libraries(environment)]
    except Exception as error:
        problems = [f"what its Java needs cannot be seen to: {type(error).__name__}: {error}"]
    with suppress(Exception):
        for problem in filter(None, problems):
            print(f"envbuild_runtime: Spark would fail here: {problem}", file=sys.stderr, flush=True)


def _name_user(environment: MutableMapping[str, str]) -> str:
    """Give the user an entry in a passwd of its own; what is wrong where that cannot be done."""
    import pwd

    user = os.getuid()
    with suppress(KeyError):
        pwd.getpwuid(user)
        return ""
    if environment.get("NSS_WRAPPER_PASSWD"):
        return ""
    wrapper = _found(WRAPPERS)
    if not wrapper:
        return (
            f"user {user} has no entry in /etc/passwd, which Java takes the name and the home from. Run the container "
            "as the image's own user (without --user or runAsUser), or bring libnss-wrapper into the image: by --apt, "
            "or in its base."
        )
    home = environment.get("HOME") or TEMPORARY
    own = f"user{user}:x:{user}:{os.getgid()}::{home}:/usr/sbin/nologin\n"
    try:
        place = _kept(f"envbuild-passwd-{user}", _lines(PASSWD) + os.fsencode(own))
    except OSError as error:
        return (
            f"user {user} has no entry in /etc/passwd, and none can be written to {TEMPORARY}: {error.strerror}. Mount "
            f"a folder there that can be written (--tmpfs {TEMPORARY}, an emptyDir)."
        )
    environment["NSS_WRAPPER_PASSWD"] = place
    environment["NSS_WRAPPER_GROUP"] = environment.get("NSS_WRAPPER_GROUP") or "/etc/group"
    environment["LD_PRELOAD"] = " ".join(filter(None, (wrapper, environment.get("LD_PRELOAD", ""))))
    return ""


def _load_libraries(environment: MutableMapping[str, str]) -> str:
    """Have Java load no library from /tmp where the mount forbids that; what is wrong where it would have to."""
    given = environment.get("JAVA_TOOL_OPTIONS", "")
    if "-Djava.io.tmpdir=" in given or not _forbids_libraries(TEMPORARY):
        return ""
    if not _found(SNAPPY):
        return (
            f"{TEMPORARY} is mounted with noexec, and Spark loads libraries from there. Mount it without "
            f"(--tmpfs {TEMPORARY}:exec, an emptyDir), or bring libsnappy-jni into the image: by --apt, or in its base."
        )
    environment["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, (*NOTHING_LOADED, given)))
    return ""


def _forbids_libraries(folder: str) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0))
    except OSError:
        return False


def _found(patterns: tuple[str, ...]) -> str:
    return next((str(path) for pattern in patterns for path in sorted(LIBRARIES.glob(pattern))), "")


def _kept(name: str, content: bytes) -> str:
    """A file with that content that this user alone may write, the same at each start. OSError.

    Anybody may have put something else under its name into a folder that all share; then it gets another name.
    """
    place = Path(tempfile.gettempdir(), name)
    if _is_own(place, content):
        return str(place)
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-")
    made = Path(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        made.unlink()
        raise
    with suppress(OSError):
        made = made.replace(place)
    return str(made)


def _is_own(path: Path, content: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        own = found.st_uid == os.getuid() and found.st_mode == stat.S_IFREG | 0o600 and found.st_nlink == 1
        return own and os.read(descriptor, len(content) + 1) == content
    finally:
        os.close(descriptor)


def _lines(path: Path) -> bytes:
    """A file's bytes, whose names may be in any encoding; none where it cannot be read."""
    try:
        text = path.read_bytes()
    except OSError:
        return b""
    return text if text.endswith(b"\n") or not text else text + b"\n"
