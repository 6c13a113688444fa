from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from envbuild.bases import lock as lock_module
from envbuild.bases import open_base
from envbuild.bases.download import ATTEMPTS, Downloader
from envbuild.bases.lock import BaseLock
from envbuild.bases.suites import SUITES
from envbuild.errors import BaseImageError, IntegrityError, NetworkError, UsageError
from envbuild.oci.store import Store

NAME = "debian:bookworm"
RELEASE = "/debian/dists/bookworm/InRelease"
PACKAGES = "/debian/dists/bookworm/main/binary-amd64/Packages.xz"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.bases.download.time.sleep", lambda _: None)
    original = Downloader.__init__

    def quick(self: Downloader, mirrors: Any, **_: Any) -> None:
        original(self, mirrors, pause=lambda _: None)

    monkeypatch.setattr(Downloader, "__init__", quick)


def ship(store: Store) -> dict[str, Any]:
    """Make the lock that `store` keeps the shipped one; returns its JSON."""
    kept = store.get_key("base-lock:bookworm:amd64")
    assert kept is not None
    lock_module.shipped_path("bookworm", "amd64").write_text(json.dumps(kept["lock"]))
    value: dict[str, Any] = kept["lock"]
    return value


def members(store: Store, digest: str) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(store.blob(digest)) as tar:
        return {member.name: member for member in tar}


def content(store: Store, digest: str, path: str) -> str:
    with tarfile.open(store.blob(digest)) as tar:
        source = tar.extractfile(path)
        assert source is not None
        return source.read().decode()


def test_a_base_without_a_lock_is_resolved_from_the_verified_index(archive: Any, store: Store) -> None:
    base = open_base(NAME, store)
    assert base.interpreter.version == "3.11.2"
    assert (base.interpreter.executable, base.interpreter.home) == ("/usr/bin/python3.11", "/usr")
    assert (base.glibc, base.architecture, base.assembled) == ("2.36", "amd64", True)
    assert len(base.packages) == 13
    assert all(len(package.sha256) == 64 for package in base.packages)
    assert base.config["config"] == {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
    }
    assert json.loads(store.read(base.digest))["layers"][0]["digest"] == base.layers[0].digest


def test_the_layer_has_what_packages_bring_and_what_their_scripts_would_make(archive: Any, store: Store) -> None:
    digest = open_base(NAME, store).layers[0].digest
    found = members(store, digest)
    assert {found[name].linkname for name in ("bin", "lib", "lib64", "sbin")} == {
        "usr/bin",
        "usr/lib",
        "usr/lib64",
        "usr/sbin",
    }
    assert not [name for name in found if name.startswith(("bin/", "lib/", "lib64/", "sbin/"))]
    assert found["usr/lib/x86_64-linux-gnu/libold.so"].linkname == "libnew.so"
    assert found["usr/lib64/ld-linux-x86-64.so.2"].linkname == "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    assert (found["tmp"].mode, found["root"].mode, found["usr"].mode) == (0o1777, 0o700, 0o755)
    assert found["usr/bin/python3"].linkname == "python3.11"
    assert found["usr/lib/ssl/cert.pem"].linkname == "/etc/ssl/certs/ca-certificates.crt"
    assert content(store, digest, "etc/ssl/certs/ca-certificates.crt") == "certificate A\ncertificate B\n"
    accounts = content(store, digest, "etc/passwd").splitlines()
    assert [(line.split(":")[0], line.split(":")[2]) for line in accounts] == [
        ("root", "0"),
        ("nobody", "65534"),
        ("nonroot", "65532"),
    ]
    assert "hosts:          files dns\n" in content(store, digest, "etc/nsswitch.conf")
    assert "usr/share/doc/base-files/copyright" in found
    for left_out in (
        "usr/share/doc/base-files/README",
        "usr/share/man",
        "usr/sbin/update-ca-certificates",
        "usr/lib/python3.11/test",
        "var/local",
    ):
        assert left_out not in found
    assert {(member.uid, member.gid, member.mtime) for member in found.values()} == {(0, 0, 315532800)}


def test_scanners_find_every_package_with_the_sums_of_what_was_kept(archive: Any, store: Store) -> None:
    digest = open_base(NAME, store).layers[0].digest
    status = content(store, digest, "var/lib/dpkg/status.d/libc6")
    assert status.startswith("Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n")
    sums = content(store, digest, "var/lib/dpkg/status.d/libc6.md5sums")
    assert sums.split()[1::2] == ["usr/lib/x86_64-linux-gnu/libc.so.6"]
    assert "README" not in content(store, digest, "var/lib/dpkg/status.d/base-files.md5sums")


def test_opening_again_asks_nobody(archive: Any, store: Store, recorder: Any) -> None:
    first = open_base(NAME, store)
    archive.requests.clear()
    assert open_base(NAME, store, progress=recorder) == first
    assert archive.requests == []
    assert recorder.summaries[0].cached == 13


def test_the_highest_version_of_suite_updates_and_security_wins(archive: Any, store: Store) -> None:
    archive.add("tzdata", "1.0-1+deb12u10", suite="bookworm-security")
    archive.add("tzdata", "1.0-1+deb12u9", suite="bookworm-updates")
    archive.add("netbase", "1.0-1~bpo1", suite="bookworm-updates")
    archive.publish()
    versions = {package.name: package.version for package in open_base(NAME, store).packages}
    assert (versions["tzdata"], versions["netbase"]) == ("1.0-1+deb12u10", "1.0-1")


def test_dependencies_come_along_by_their_first_existing_alternative(archive: Any, store: Store) -> None:
    fields = "Depends: nowhere | libextra (>= 1), dpkg (>= 1.15), virtual-thing\nPre-Depends: python3:any\n"
    archive.add("tzdata", "9", fields=fields)
    archive.add("libextra", fields="Depends: tzdata\n")
    archive.add("real-thing", fields="Provides: other, virtual-thing (= 3)\n")
    archive.publish()
    names = {package.name for package in open_base(NAME, store).packages}
    assert {"libextra", "real-thing"} <= names
    assert not names & {"dpkg", "python3"}


def test_a_dependency_that_nobody_has_is_named(archive: Any, store: Store) -> None:
    archive.add("tzdata", "9", fields="Depends: nowhere\n")
    archive.publish()
    with pytest.raises(BaseImageError, match="no index has nowhere, which tzdata needs"):
        open_base(NAME, store)


def test_with_a_lock_no_index_is_read(archive: Any, store: Store, tmp_path: Path) -> None:
    first = open_base(NAME, store)
    ship(store)
    archive.requests.clear()
    again = open_base(NAME, Store(tmp_path / "other"))
    assert again.digest == first.digest
    assert again.notes == ()
    assert archive.asked_for("dists") == []
    assert len(archive.asked_for("pool")) == 13


def test_a_deb_that_is_gone_is_replaced_by_the_newest(
    archive: Any, store: Store, tmp_path: Path, recorder: Any
) -> None:
    first = open_base(NAME, store)
    ship(store)
    del archive.files["/debian/pool/main/t/tzdata/tzdata_1.0-1_amd64.deb"]
    archive.add("tzdata", "2.0-1", suite="bookworm-updates")
    archive.publish()
    other = Store(tmp_path / "other")
    again = open_base(NAME, other, progress=recorder)
    assert again.digest != first.digest
    assert any("no longer has tzdata 1.0-1" in note for note in recorder.notes)
    assert any("tzdata 1.0-1 -> 2.0-1" in note for note in recorder.notes)
    assert "not the ones that envbuild ships" in again.notes[0]
    assert open_base(NAME, other).notes == again.notes
    archive.requests.clear()
    assert open_base(NAME, other).digest == again.digest
    assert archive.requests == []


def test_refresh_takes_new_packages_and_a_newly_shipped_lock_takes_over(
    archive: Any, store: Store, tmp_path: Path
) -> None:
    open_base(NAME, store)
    shipped = ship(store)
    user = Store(tmp_path / "user")
    old = open_base(NAME, user)
    archive.add("tzdata", "3.0-1", suite="bookworm-updates")
    archive.publish()
    assert open_base(NAME, user).digest == old.digest
    new = open_base(NAME, user, refresh=True)
    assert {p.version for p in new.packages if p.name == "tzdata"} == {"3.0-1"}
    assert open_base(NAME, user).digest == new.digest
    shipped["packages"] = [p for p in shipped["packages"] if p["name"] != "netbase"]
    lock_module.shipped_path("bookworm", "amd64").write_text(json.dumps(shipped))
    assert "netbase" not in {p.name for p in open_base(NAME, user).packages}


def refused(store: Store, archive: Any, error: type[Exception], text: str) -> None:
    """Opening fails with that message, leaves no layer, and works once the archive is sound again."""
    with pytest.raises(error, match=text) as caught:
        open_base(NAME, store)
    assert "Traceback" not in str(caught.value)
    assert "stack backtrace" not in str(caught.value)
    assert store.get_key("base-lock:bookworm:amd64") is None
    assert not list((store.root / "tmp").glob("*"))
    archive.date = datetime.now(timezone.utc)
    archive.until = None
    archive.publish()
    assert open_base(NAME, store).interpreter.version == "3.11.2"


def test_a_tampered_packages_file_is_refused(archive: Any, store: Store) -> None:
    good = archive.files[PACKAGES]
    text = lzma.decompress(good).replace(b"tzdata_1.0-1", b"tzdata_6.6-6")
    archive.files[PACKAGES] = lzma.compress(text)
    refused(store, archive, IntegrityError, "not what the signed release names|longer than its")


def test_a_packages_file_of_the_same_size_is_refused(archive: Any, store: Store) -> None:
    good = archive.files[PACKAGES]
    archive.files[PACKAGES] = good[:-1] + bytes([good[-1] ^ 1])
    refused(store, archive, IntegrityError, "not what the signed release names")


def test_a_tampered_inrelease_is_refused(archive: Any, store: Store) -> None:
    archive.files[RELEASE] = archive.files[RELEASE].replace(b"Origin: Debian", b"Origin: Debjan")
    refused(store, archive, IntegrityError, "signature of .*/debian/dists/bookworm/InRelease is not good")


def test_what_stands_before_the_signed_text_does_not_count(archive: Any, store: Store) -> None:
    evil = lzma.compress(lzma.decompress(archive.files[PACKAGES]).replace(b"tzdata_1.0-1", b"tzdata_6.6-6"))
    archive.files[PACKAGES] = evil
    archive.files[RELEASE] = archive.release("bookworm", evil).encode() + b"\n" + archive.files[RELEASE]
    refused(store, archive, IntegrityError, "not what the signed release names|longer than its|is not good")


def test_an_unsigned_inrelease_is_refused(archive: Any, store: Store) -> None:
    archive.files[RELEASE] = archive.release("bookworm", archive.files[PACKAGES]).encode()
    refused(store, archive, IntegrityError, "signature of .* is not good")


def test_an_inrelease_signed_by_a_stranger_is_refused(archive: Any, store: Store, keys: Any) -> None:
    archive.files[RELEASE] = archive.sign(archive.release("bookworm", archive.files[PACKAGES]), keys[2])
    refused(store, archive, IntegrityError, "signature of .* is not good")


def test_an_expired_index_is_refused(archive: Any, store: Store) -> None:
    archive.until = datetime.now(timezone.utc) - timedelta(minutes=1)
    archive.publish()
    refused(store, archive, IntegrityError, "was valid until")


def test_an_index_from_the_future_is_refused(archive: Any, store: Store) -> None:
    archive.date = datetime.now(timezone.utc) + timedelta(days=3)
    archive.publish()
    refused(store, archive, IntegrityError, "in the future")


def test_the_index_of_another_suite_is_refused(archive: Any, store: Store) -> None:
    archive.publish(codename="bullseye")
    refused(store, archive, IntegrityError, "signed, but for bullseye instead of bookworm")


def test_an_index_older_than_the_known_one_is_refused(archive: Any, store: Store) -> None:
    open_base(NAME, store)
    archive.date -= timedelta(days=30)
    archive.publish()
    with pytest.raises(IntegrityError, match="older than the known one"):
        open_base(NAME, store, refresh=True)
    assert open_base(NAME, store).interpreter.version == "3.11.2"


def test_a_tampered_deb_is_refused(archive: Any, store: Store) -> None:
    path = "/debian/pool/main/t/tzdata/tzdata_1.0-1_amd64.deb"
    good = archive.files[path]
    archive.files[path] = good[:-4] + b"evil"
    with pytest.raises(IntegrityError, match=r"is not tzdata 1\.0-1"):
        open_base(NAME, store)
    archive.files[path] = good
    assert open_base(NAME, store).interpreter.version == "3.11.2"


def test_a_deb_that_does_not_end_is_refused(archive: Any, store: Store) -> None:
    archive.files["/debian/pool/main/t/tzdata/tzdata_1.0-1_amd64.deb"] += b"x" * 1000
    with pytest.raises(IntegrityError, match=r"longer than the \d+ bytes of tzdata"):
        open_base(NAME, store)


def test_a_damaged_deb_in_the_cache_is_fetched_anew(archive: Any, store: Store, tmp_path: Path) -> None:
    good = open_base(NAME, store)
    ship(store)
    other = Store(tmp_path / "other")
    damaged = next(p for p in good.packages if p.name == "tzdata")
    other.put(b"")
    size = store.blob(f"sha256:{damaged.sha256}").stat().st_size
    other.blob(f"sha256:{damaged.sha256}").write_bytes(b"x" * size)
    assert open_base(NAME, other).digest == good.digest


def test_several_damaged_debs_are_fetched_anew_and_a_gone_one_is_told(
    archive: Any, store: Store, tmp_path: Path
) -> None:
    good = open_base(NAME, store)
    ship(store)
    other = Store(tmp_path / "other")
    for number, package in enumerate(good.packages):
        other.put(b"")
        size = store.blob(f"sha256:{package.sha256}").stat().st_size
        if number % 2:
            other.blob(f"sha256:{package.sha256}").write_bytes(b"x" * size)
    assert open_base(NAME, other).digest == good.digest
    third = Store(tmp_path / "third")
    third.put(b"")
    for package in good.packages:
        third.blob(f"sha256:{package.sha256}").write_bytes(b"x" * store.blob(f"sha256:{package.sha256}").stat().st_size)
    archive.files = {path: content for path, content in archive.files.items() if "/pool/" not in path}
    with pytest.raises(NetworkError, match="was damaged in the cache, and the mirror no longer has it"):
        open_base(NAME, third)


def test_two_runs_at_once_and_a_killed_one_leave_a_cache_that_works(archive: Any, store: Store, tmp_path: Path) -> None:
    expected = open_base(NAME, store)
    ship(store)
    code = (
        "import sys; from pathlib import Path; from envbuild.bases import lock, open_base, rootfs\n"
        "lock.DATA = Path(sys.argv[1]); from envbuild.oci.store import Store; store = Store(Path(sys.argv[2]))\n"
        "base = open_base('debian:bookworm', store); rootfs(base, store); print(base.digest)"
    )
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shared = tmp_path / "shared"
    command = [sys.executable, "-c", code, str(lock_module.DATA), str(shared)]
    runs = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    runs[0].kill()
    printed = [run.communicate()[0].strip() for run in runs]
    assert printed[1:] == [expected.digest] * 2
    assert open_base(NAME, Store(shared)).digest == expected.digest


def test_without_a_network_the_error_names_the_mirror_but_no_password(
    archive: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", "http://user:hush@127.0.0.1:9/debian")
    with pytest.raises(NetworkError) as caught:
        open_base(NAME, store)
    assert "http://127.0.0.1:9/debian/dists/bookworm/InRelease could not be read: " in caught.value.message
    assert "hush" not in caught.value.message + caught.value.hint
    assert "ENVBUILD_DEBIAN_MIRROR" in caught.value.hint


def test_a_mirror_without_the_suite_is_a_network_error(archive: Any, store: Store) -> None:
    del archive.files[RELEASE]
    refused(store, archive, NetworkError, r"InRelease does not exist \(404\)")


def test_a_passing_fault_is_tried_again(archive: Any, store: Store) -> None:
    archive.answers = [503, 500]
    assert open_base(NAME, store).interpreter.version == "3.11.2"


def test_a_lasting_fault_is_told(archive: Any, store: Store) -> None:
    archive.answers = [503] * ATTEMPTS
    refused(store, archive, NetworkError, "the mirror answers 503")


def test_the_second_mirror_helps_when_the_first_cannot(
    archive: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", f"http://127.0.0.1:9/debian,{archive.url}")
    assert open_base(NAME, store).interpreter.version == "3.11.2"


def test_two_packages_with_the_same_file_are_refused(archive: Any, store: Store) -> None:
    archive.add("tzdata", "9", {"usr/lib/os-release": b"mine"})
    archive.publish()
    with pytest.raises(BaseImageError, match="usr/lib/os-release comes from tzdata and from base-files"):
        open_base(NAME, store)
    assert not list((store.root / "tmp").glob("*"))


def test_other_platforms(archive: Any, store: Store) -> None:
    with pytest.raises(BaseImageError, match="cannot be assembled for s390x"):
        open_base(NAME, store, platform="linux/s390x")
    with pytest.raises(BaseImageError, match="has no packages for arm64"):
        open_base(NAME, store, platform="linux/arm64")
    with pytest.raises(UsageError, match="windows"):
        open_base(NAME, store, platform="windows/amd64")


def test_the_bytes_depend_on_nothing_of_the_machine(archive: Any, store: Store, tmp_path: Path) -> None:
    expected = open_base(NAME, store)
    ship(store)
    code = (
        "import sys, os, time; from pathlib import Path; os.umask(int(sys.argv[3], 8)); time.tzset();"
        "from envbuild.bases import lock, open_base; lock.DATA = Path(sys.argv[1]);"
        "from envbuild.oci.store import Store; print(open_base('debian:bookworm', Store(Path(sys.argv[2]))).digest)"
    )
    for number, (zone, umask, seed, locale) in enumerate(
        [("Asia/Tokyo", "077", "1", "C"), ("America/New_York", "000", "2", "tr_TR.UTF-8")]
    ):
        variables = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": locale}
        variables["PYTHONPATH"] = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", code, str(lock_module.DATA), str(tmp_path / f"s{number}"), umask]
        done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected.digest


def test_the_way_of_a_remembered_base_imports_nothing_heavy(archive: Any, store: Store) -> None:
    open_base(NAME, store)
    code = (
        "import sys; from pathlib import Path; from envbuild.bases import lock, open_base\n"
        "lock.DATA = Path(sys.argv[1])\n"
        "from envbuild.oci.store import Store; open_base('debian:bookworm', Store(Path(sys.argv[2])))\n"
        "print([m for m in ('requests', 'debian', 'pysequoia', 'yaml', 'docker', 'rich', 'tarfile', 'urllib.request')"
        " if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(lock_module.DATA), str(store.root)]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_lock_that_is_not_one_is_told(archive: Any, store: Store) -> None:
    path = lock_module.shipped_path("bookworm", "amd64")
    path.write_text("{")
    with pytest.raises(IntegrityError, match=r"bookworm-amd64\.json is damaged"):
        open_base(NAME, store)
    path.write_text('{"format": 99}')
    with pytest.raises(IntegrityError, match="no base lock of format"):
        open_base(NAME, store)


def test_refreshing_the_shipped_lock_writes_it(archive: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from envbuild.bases import refresh

    assert refresh.main(["bookworm"]) == 0
    assert "bookworm-amd64: 13 packages" in capsys.readouterr().out
    lock: BaseLock | None = lock_module.shipped("bookworm", "amd64")
    assert lock is not None
    assert len(lock.packages) == 13
    assert SUITES["bookworm"].name == NAME
    assert refresh.main(["nosuch"]) == 2
    assert "nosuch is no suite" in capsys.readouterr().err


def test_refreshing_makes_every_architecture_anew_whose_lock_is_shipped(
    archive: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from envbuild.bases import refresh

    archive.architectures = ("amd64", "arm64")
    archive.publish()
    assert refresh.main(["bookworm", "--architecture", "amd64", "--architecture", "arm64"]) == 0
    archive.add("tzdata", "9.0-1")
    archive.publish()
    capsys.readouterr()
    assert refresh.main(["bookworm"]) == 0
    assert capsys.readouterr().out.count("tzdata 1.0-1 -> 9.0-1") == 2
    locks = [lock_module.shipped("bookworm", architecture) for architecture in ("amd64", "arm64")]
    assert [lock.version("tzdata") for lock in locks if lock is not None] == ["9.0-1", "9.0-1"]
