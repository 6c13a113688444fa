"""The three bases for real: from the Debian archive, run by their own loader and by a Docker engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases import catalogue, interpreter_command, interpreter_environment, open_base, rootfs
from envbuild.oci.archive import stream_archive
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.store import Store

NAMES = ["debian:bookworm", "debian:trixie", "debian:bullseye"]

CHECK = r"""
import bz2, ctypes, ctypes.util, curses, dbm, dbm.ndbm, decimal, grp, hashlib, locale, lzma, mimetypes, multiprocessing
import os, pwd, readline, socket, sqlite3, ssl, sys, tempfile, time, uuid, zlib, zoneinfo
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert sqlite3.connect(":memory:").execute("select 1 + 1").fetchone() == (2,)
for name in ("libgomp.so.1", "libstdc++.so.6", None):
    ctypes.CDLL(name)
assert ctypes.util.find_library("gomp") == "libgomp.so.1"
assert bz2.decompress(bz2.compress(b"x")) == lzma.decompress(lzma.compress(b"x")) == b"x"
assert uuid.uuid1() != uuid.uuid4()
curses.setupterm("xterm", 1)
for zone in ("Europe/Berlin", "America/New_York", "UTC"):
    zoneinfo.ZoneInfo(zone)
assert time.tzname == ("UTC", "UTC")
users = {user.pw_uid: user.pw_name for user in pwd.getpwall()}
assert users == {0: "root", 65534: "nobody", 65532: "nonroot"}, users
assert os.getuid() not in users or pwd.getpwuid(os.getuid()).pw_name == users[os.getuid()]
assert grp.getgrnam("nonroot").gr_gid == 65532
assert socket.gethostbyname("localhost") == "127.0.0.1"
assert socket.getservbyname("https") == 443
assert locale.setlocale(locale.LC_ALL, "") == "C.UTF-8"
assert locale.getpreferredencoding(False).upper() == "UTF-8"
assert mimetypes.guess_type("a.json")[0] == "application/json"
assert oct(os.stat("/tmp").st_mode) == "0o41777"
for absent in ("/bin/sh", "/bin/bash", "/usr/bin/perl", "/usr/bin/gcc", "/usr/bin/pip", "/usr/bin/apt"):
    assert not os.path.exists(absent), absent
for module in ("pip", "ensurepip", "idlelib", "test.support"):
    try:
        __import__(module)
    except ImportError:
        continue
    raise SystemExit(module + " is there")
if "READ_ONLY" in os.environ:
    try:
        open("/var/tmp/x", "w")
    except OSError:
        pass
    else:
        raise SystemExit("not read-only")
    tempfile.TemporaryFile().close()
print("sound", sys.version.split()[0], os.getuid())
"""


@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_a_base_is_made_from_its_lock_and_runs_on_this_host(name: str, real_store: Store) -> None:
    base = open_base(name, real_store)
    entry = {entry.name: entry for entry in catalogue()}[name]
    if not base.notes:  # the archive still has what was locked
        assert base.interpreter.version == entry.python
        assert base.glibc == entry.glibc
    assert base.layers[0].size < 60_000_000
    root = rootfs(base, real_store)
    code = "import sys, os, ssl, sqlite3; print(sys.version.split()[0], sys.prefix, os.__file__)"
    for environment in (interpreter_environment(base, root), {"PYTHONPATH": "/nowhere"}):
        command = [*interpreter_command(base, root), "-S", "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        version, prefix, module = done.stdout.split()
        assert version == base.interpreter.version
        assert Path(prefix) == root / "usr"
        assert Path(module) == root / f"usr/lib/python{base.interpreter.minor}/os.py"
    assert not list(root.rglob("__pycache__"))


@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_the_library_cache_is_what_ldconfig_makes(name: str, real_store: Store, tmp_path: Path) -> None:
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    if ldconfig is None or os.geteuid() != 0:
        pytest.skip("ldconfig -r needs root")
    base = open_base(name, real_store)
    root = tmp_path / "root"
    shutil.copytree(rootfs(base, real_store), root, symlinks=True)

    def listed(cache: str) -> list[str]:
        command = [ldconfig, "-p", "-C", str(root / "etc" / cache)]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line for line in shown.splitlines() if " => " in line]

    subprocess.run([ldconfig, "-r", str(root), "-X", "-C", "/etc/theirs"], check=True, capture_output=True)
    ours = listed("ld.so.cache")
    assert len(ours) > 30
    assert ours == listed("theirs")


@pytest.mark.network
def test_an_arm64_base_is_made_without_emulation(real_store: Store) -> None:
    base = open_base("debian:bookworm", real_store, platform="linux/arm64")
    assert base.architecture == base.config["architecture"] == "arm64"
    with tarfile.open(real_store.blob(base.layers[0].digest)) as tar:
        python = tar.extractfile("usr/bin/python3.11")
        cache = tar.extractfile("etc/ld.so.cache")
        assert python is not None
        assert cache is not None
        assert int.from_bytes(python.read(20)[18:], "little") == 183
        assert b"/lib/aarch64-linux-gnu/libc.so.6\0" in cache.read()


@pytest.fixture(scope="module", params=NAMES)
def engine_image(request: pytest.FixtureRequest, real_store: Store) -> Any:
    """(client, name) of a base that was loaded into the engine as it is."""
    import docker

    base = open_base(request.param, real_store)
    client = docker.from_env()
    tag = request.param.partition(":")[2]
    image = make_image(canonical_json(base.config), base.layers, {})
    client.images.load(stream_archive(image, [f"envbuild-bases-test:{tag}"], real_store))
    assert client.images.get(f"envbuild-bases-test:{tag}").id == image.config_digest
    yield client, f"envbuild-bases-test:{tag}"
    client.images.remove(f"envbuild-bases-test:{tag}")
    client.close()


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize(
    ("user", "read_only"), [("65532:65532", False), ("1000:1000", False), ("0:0", False), ("12345:0", True)]
)
def test_a_container_of_the_base_has_all_that_python_needs(engine_image: Any, user: str, read_only: bool) -> None:
    client, tag = engine_image
    output = client.containers.run(
        tag,
        ["/usr/bin/python3", "-W", "ignore", "-c", CHECK],
        user=user,
        read_only=read_only,
        tmpfs={"/tmp": "mode=1777"} if read_only else {},
        environment={"READ_ONLY": "1"} if read_only else {},
        network_mode="none",
        cap_drop=["ALL"],
        remove=True,
        stderr=True,
    )
    word, _version, uid = output.decode().split()
    assert (word, uid) == ("sound", user.partition(":")[0])


@pytest.mark.engine
@pytest.mark.network
def test_an_image_of_the_engine_is_a_base(engine_image: Any, tmp_path: Path) -> None:
    from envbuild.shipping.engine import connect

    engine = connect(required=True)
    assert engine is not None
    saved = []

    def save(reference: str) -> Any:
        saved.append(reference)
        return engine.save(reference)

    store = Store(tmp_path / "store")
    _, name = engine_image
    first = open_base(f"docker-daemon:{name}", store, save=save, inspect=engine.inspect_image)
    assert first == open_base(f"docker-daemon:{name}", store, save=save, inspect=engine.inspect_image)
    assert saved == [name]
    entry = {entry.name.partition(":")[2]: entry for entry in catalogue()}[name.partition(":")[2]]
    assert (first.interpreter.version, first.glibc) == (entry.python, entry.glibc)
    assert {package.name for package in first.packages} >= {"libc6", "libgomp1", "tzdata"}
    root = rootfs(first, store)
    command = [*interpreter_command(first, root), "-I", "-c", "import sys; print(sys.prefix)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == root / "usr"
