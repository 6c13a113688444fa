"""Packages that an index has as source alone."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinysources import EATER, FORKER, HIDER, source_files, write_sdist
from tinywheels import make_wheel

from envbuild.bases.rootfs import host_architecture
from envbuild.errors import IntegrityError, NetworkError, ResolveError
from envbuild.model.types import Line
from envbuild.oci.store import Store
from envbuild.resolver import fetch
from envbuild.resolver.source.sandbox import Limits
from envbuild.resolver.source.sdists import find_sdist
from envbuild.resolver.target import platform_of

Make = Callable[..., Any]

# It has much, which all of its children have without taking more of it.
SHARER = """
import os, time
held = bytearray(os.urandom(1 << 20)) * 60
for each in range(6):
    if not os.fork():
        time.sleep(2)
        os._exit(0)
time.sleep(1)
"""


def module_of(store: Store, package: Any) -> str:
    """The text of the one module of a package that was built."""
    with zipfile.ZipFile(store.blob(f"sha256:{package.sha256}")) as wheel:
        return wheel.read(f"{package.name.replace('-', '_')}/__init__.py").decode()


def test_it_is_built_where_that_is_allowed_and_comes_out_of_the_cache_afterwards(
    index: Any, build: Make, run: Make, env: Make, notes: Any, store: Store
) -> None:
    write_sdist(index.folder, "only-source")
    asked = env("only-source==1.0", "other")
    index.wheel("other")
    lock = build(asked, progress=notes)
    package = lock.packages[0]
    assert (package.name, package.version) == ("only-source", "1.0")
    assert package.filename == "only_source-1.0-py3-none-any.whl"
    assert (package.source.filename, package.url) == ("only_source-1.0.tar.gz", "")
    assert module_of(store, package) == "__version__ = '1.0'"
    note = "only-source 1.0 is built from only_source-1.0.tar.gz, in a sandbox of the base: --allow-build"
    assert note in lock.notes
    assert any(said.startswith("building only-source 1.0, from only_source") for said in notes.notes)
    index.requests.clear()
    # Without anything that could build, and for the same inputs: nothing is run, and nobody is asked.
    again = run(asked, python=lock.python, architecture=host_architecture(), allow_build=("all",), locked=True)
    assert again.packages == lock.packages
    assert not index.requests
    # What runs on every Python serves the others too, though none of them could build here.
    other = run(asked, python="3.9.2", allow_build=("only-source",))
    assert other.packages[0].sha256 == package.sha256


@pytest.mark.parametrize("allow", [(), ("another",)])
def test_without_leave_nothing_of_it_is_fetched_or_run(index: Any, build: Make, env: Make, allow: Any) -> None:
    write_sdist(index.folder, "only-source")
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"), allow=allow)
    assert "--allow-build only-source does that, in a sandbox" in caught.value.hint
    assert "conda.yaml:7: only-source" in caught.value.message
    assert not index.downloads()


def test_a_name_that_may_be_built_and_is_nowhere_is_told(index: Any, build: Make, env: Make, notes: Any) -> None:
    write_sdist(index.folder, "only-source")
    index.wheel("alpha")
    asked = env("only-source", "alpha")
    build(asked, allow=("all", "alpha", "only-source", "only-sourse"), progress=notes)
    told = [note for note in notes.notes if "not among" in note]
    assert told == ["--allow-build only-sourse: it is not among the packages"]


def test_what_another_package_needs_of_it_is_kept(index: Any, build: Make, env: Make) -> None:
    write_sdist(index.folder, "only-source", "1.0")
    write_sdist(index.folder, "only-source", "2.0", files=source_files("only-source", "2.0"))
    index.wheel("needs", requires=["only-source<2"])
    lock = build(env("needs"), allow=("only-source",))
    assert [(p.name, p.version) for p in lock.packages] == [("needs", "1.0"), ("only-source", "1.0")]


def test_what_nobody_asked_for_is_not_built(index: Any, build: Make, env: Make) -> None:
    for number in ("1.0", "2.0"):
        write_sdist(index.folder, "only-source", number, files=source_files("only-source", number))
    lock = build(env("only-source[extra]<2"))
    assert [package.version for package in lock.packages] == ["1.0"]
    assert index.downloads() == ["/files/only_source-1.0.tar.gz"]


def test_an_index_that_does_not_answer_is_told_as_such(index: Any, tmp_path: Path) -> None:
    platform = platform_of("3.11.2", "2.36", "amd64")
    assert find_sdist("alpha", (), platform, cache=tmp_path / "uv", environ=os.environ) is None
    nowhere = {**os.environ, "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple", "UV_HTTP_RETRIES": "0"}
    with pytest.raises(NetworkError):
        find_sdist("alpha", (), platform, cache=tmp_path / "uv", environ=nowhere)


def test_a_wheel_is_taken_where_there_is_one(index: Any, run: Make, env: Make) -> None:
    index.wheel("alpha", "1.0")
    write_sdist(index.folder, "alpha", "2.0")
    (package,) = run(env("alpha"), allow_build=("all",)).packages
    assert (package.version, package.source) == ("1.0", None)


@pytest.mark.parametrize(("name", "version"), [("numpy", "1.0"), ("only-source", "9.9")])
def test_a_build_that_gives_another_package_is_refused(
    index: Any, build: Make, env: Make, store: Store, name: str, version: str
) -> None:
    write_sdist(index.folder, "only-source", files=source_files(name, version))
    with pytest.raises(IntegrityError) as caught:
        build(env("only-source==1.0"))
    assert "the build gave another package than the one asked for" in caught.value.message
    assert not [key for key in store.key_files() if b'"built:' in key.read_bytes()]


@pytest.mark.parametrize(
    ("first", "limits", "says", "hint"),
    [
        ("raise RuntimeError('so it is')", Limits(), "RuntimeError: so it is", "or choose a version that has one"),
        pytest.param(
            "import subprocess; subprocess.run(['gcc-none', 'x.c'])",
            Limits(),
            "gcc-none",
            "--find-links",
            marks=pytest.mark.slow,
        ),
        (
            "raise SystemExit(\"error: command 'x86_64-linux-gnu-gcc' failed: No such file\")",
            Limits(),
            "gcc",
            "no compiler",
        ),
        pytest.param(
            "import time; time.sleep(60)",
            Limits(seconds=1),
            "it took longer than 1 seconds",
            "another machine",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "[open(f'/{place}/{n}', 'wb').truncate(1 << 20) for place in ('tmp', 'dev/shm') for n in range(3)]\n"
            "import time; time.sleep(60)",
            Limits(disk=5 << 20),
            "more than 5 M",
            "",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "open('/tmp/x', 'wb').truncate(1 << 30)",
            Limits(disk=1 << 20),
            "File too large",
            "",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "import os, time\nfor each in range(1200):\n    os.mkdir('d' * 99)\n    os.chdir('d' * 99)\ntime.sleep(60)",
            Limits(),
            "deeper ones, than can be counted",
            "",
            marks=pytest.mark.slow,
        ),
        pytest.param("", Limits(wheel=10), "and 10 are allowed", "", marks=pytest.mark.slow),
        pytest.param(EATER, Limits(memory=200 << 20), "more than 200 MiB of memory", "--find-links"),
        pytest.param(HIDER, Limits(memory=200 << 20), "more than 200 MiB of memory", "", marks=pytest.mark.slow),
        pytest.param(FORKER, Limits(tasks=40), "more than 40 processes", "--find-links", marks=pytest.mark.slow),
    ],
)
def test_a_build_that_fails_says_why_and_leaves_nothing(
    index: Any, build: Make, bench: Make, env: Make, store: Store, first: str, limits: Limits, says: str, hint: str
) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first))
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"), bench=bench(limits))
    assert says in caught.value.message
    assert "only-source 1.0, from only_source-1.0.tar.gz" in caught.value.message
    assert hint in caught.value.hint
    assert not list((store.root / "tmp").iterdir())


def test_the_reason_of_a_failed_build_is_not_behind_what_it_printed_before(index: Any, build: Make, env: Make) -> None:
    first = "for each in range(30):\n    print('checking', each)\nraise SystemExit('error: libfoo.h was not found')"
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first))
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"))
    assert caught.value.message.splitlines()[-2:] == ["  checking 29", "  error: libfoo.h was not found"]


def test_programs_that_a_build_starts_keep_no_words_back(index: Any, build: Make, env: Make) -> None:
    first = (
        "import os, subprocess, sys\n"
        "said = \"import os; print('chec' 'king'); os.write(2, b'error: so it' b' is\\\\n'); os._exit(1)\"\n"
        "raise SystemExit(subprocess.run([sys.executable, '-c', said]).returncode)"
    )
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first))
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"))
    assert caught.value.message.index("checking") < caught.value.message.index("error: so it is")


def test_an_archive_without_anything_to_build_by_is_told_as_such(index: Any, build: Make, env: Make) -> None:
    index.wheel("setuptools", "80.0")
    index.wheel("wheel")
    write_sdist(index.folder, "only-source", files={"README": "nothing"})
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"))
    assert "it has neither a pyproject.toml nor a setup.py" in caught.value.message
    assert "no package that can be built" in caught.value.hint


@pytest.mark.parametrize("suffix", [".tar.gz", pytest.param(".zip", marks=pytest.mark.slow)])
def test_a_script_in_an_archive_can_be_run_whosever_it_was(
    index: Any, build: Make, env: Make, store: Store, suffix: str
) -> None:
    # Its owner is nobody here, nor may root inside the sandbox give files away.
    files = source_files("only-source", content="oct(os.stat('tool.sh').st_mode & 0o777)") | {"tool.sh": "#!/bin/sh\n"}
    archive = write_sdist(index.folder, "only-source", files=files, owner=1234, mode=0o755)
    if suffix == ".zip":
        with tarfile.open(archive) as tar, zipfile.ZipFile(index.folder / "only-source-1.0.zip", "w") as opened:
            for member in filter(tarfile.TarInfo.isfile, tar):
                info = zipfile.ZipInfo(member.name)
                info.external_attr = (stat.S_IFREG | member.mode) << 16
                opened.writestr(info, (tar.extractfile(member) or io.BytesIO()).read())
        archive.unlink()
    (package,) = build(env("only-source")).packages
    assert package.source.filename.endswith(suffix)
    assert module_of(store, package) == "0o755"


@pytest.mark.slow
def test_memory_that_processes_share_counts_once(index: Any, build: Make, bench: Make, env: Make) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=SHARER))
    assert build(env("only-source"), bench=bench(Limits(memory=200 << 20))).packages


def test_what_builds_is_taken_from_the_indexes_as_wheels(index: Any, build: Make, env: Make, store: Store) -> None:
    make_wheel(index.folder, "maker", "1.0", files={"maker_word.py": "WORD = 'made'"})
    make_wheel(index.folder, "helper", "1.0", files={"helper_word.py": "WORD = 'helped'"})
    files = source_files(
        "only-source",
        needs=("maker>=1",),
        content="f'WORDS = {maker_word.WORD!r}, {__import__(\"helper_word\").WORD!r}' if asked else ''",
        first="import glob, maker_word\nasked = bool(glob.glob('/tmp/requires/helper_*'))\n"
        "def get_requires_for_build_wheel(config_settings=None):\n    return ['helper >= 1.0']\n",
    )
    write_sdist(index.folder, "only-source", files=files)
    (package,) = build(env("only-source")).packages
    assert module_of(store, package) == "WORDS = 'made', 'helped'"


@pytest.mark.parametrize(
    ("needs", "says", "hint"),
    [
        (("maker @ file:///etc/passwd",), "names an address", ""),
        (("-r /etc/passwd",), "which is no requirement", ""),
        (("nowhere-to-be-found",), "what it is built with (nowhere-to-be-found) cannot be had", "spelling"),
        (("also-source",), "what it is built with (also-source) cannot be had", "taken from wheels alone"),
    ],
)
def test_what_builds_is_named_and_versioned_and_nothing_else(
    index: Any, build: Make, env: Make, needs: tuple[str, ...], says: str, hint: str
) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", needs=needs))
    write_sdist(index.folder, "also-source")
    with pytest.raises(ResolveError) as caught:
        build(env("only-source"))
    assert says in caught.value.message
    assert hint in caught.value.hint
    # It is never built for the sake of another build.
    assert "--allow-build" not in caught.value.hint


@pytest.mark.slow
def test_a_wheel_for_one_base_is_built_again_on_another(
    index: Any, build: Make, bench: Make, env: Make, system_python: tuple[str, str]
) -> None:
    tag = f"cp3{system_python[1].split('.')[1]}"
    import platform

    files = source_files(
        "only-source", tag=f"{tag}-{tag}-linux_{platform.machine()}", content="repr(__import__('os').urandom(4))"
    )
    write_sdist(index.folder, "only-source", files=files)
    first = build(env("only-source")).packages[0]
    assert build(env("only-source"), upgrade=True).packages[0].sha256 == first.sha256
    other = build(env("only-source"), bench=bench(digest="1" * 64), upgrade=True).packages[0]
    assert other.sha256 != first.sha256


@pytest.mark.slow
def test_equal_sources_give_equal_bytes_whatever_order_and_time_the_backend_writes(
    index: Any, build: Make, env: Make, tmp_path: Path
) -> None:
    write_sdist(index.folder, "only-source")
    first = build(env("only-source")).packages[0]
    store = Store(tmp_path / "cache" / "store")
    store.drop(f"sha256:{first.sha256}")
    assert build(env("only-source"), upgrade=True).packages[0].sha256 == first.sha256


@pytest.mark.slow
def test_a_wheel_that_was_damaged_in_the_cache_is_built_again(index: Any, build: Make, env: Make, store: Store) -> None:
    write_sdist(index.folder, "only-source")
    lock = build(env("only-source"))
    (package,) = lock.packages
    blob = store.blob(f"sha256:{package.sha256}")
    good = blob.read_bytes()
    blob.write_bytes(good[:-1] + b"x")
    assert build(env("only-source"), upgrade=True).packages == (package,)
    assert blob.read_bytes() == good
    # And one that is gone is not asked of any index.
    store.drop(f"sha256:{package.sha256}")
    with pytest.raises(ResolveError, match="is not in the cache any more") as caught:
        fetch(lock, store)
    assert "--allow-build only-source" in caught.value.hint


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink('/etc/passwd', path)",
        pytest.param("os.mkfifo(path)", marks=pytest.mark.slow),
        pytest.param("os.mkdir(path)", marks=pytest.mark.slow),
    ],
)
def test_what_is_no_file_is_not_taken_for_a_wheel(index: Any, build: Make, env: Make, trick: str) -> None:
    files = source_files("only-source")
    files["own_backend.py"] += (
        "\ndef build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        f"    path = os.path.join(folder, 'only_source-1.0-py3-none-any.whl')\n    {trick}\n    return path\n"
    )
    write_sdist(index.folder, "only-source", files=files)
    with pytest.raises(IntegrityError, match="left"):
        build(env("only-source"))


def test_a_hash_in_the_model_is_that_of_the_archive(index: Any, build: Make, env: Make) -> None:
    import hashlib

    path = write_sdist(index.folder, "only-source")
    good, bad = hashlib.sha256(path.read_bytes()).hexdigest(), "0" * 64
    asked = env("only-source==1.0")

    def hashed(value: str) -> Any:
        span = asked.pip[0].span
        return replace(asked, lines=(Line(text=f"--hash=sha256:{value}", span=span),))

    assert build(hashed(good)).packages
    with pytest.raises(IntegrityError, match="none of the hashes"):
        build(hashed(bad))


def test_the_password_of_an_index_is_sent_and_kept_nowhere(
    index: Any, build: Make, env: Make, notes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index.folder, "maker")
    write_sdist(index.folder, "only-source", files=source_files("only-source", needs=("maker",)))
    index.login = "bob:pa55-that-nobody-keeps"
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple.replace("://", f"://{index.login}@"))
    lock = build(env("only-source"), progress=notes)
    assert lock.packages[0].source.url == f"{index.base}/files/only_source-1.0.tar.gz"
    assert not [note for note in (*notes.notes, *lock.notes) if "pa55" in note]
    places = [tmp_path / "cache" / name for name in ("locks", "store/keys", "store/blobs", "vouched")]
    kept = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"pa55-that" in path.read_bytes()]
