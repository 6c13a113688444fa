from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import CorruptBlobError, IntegrityError, NetworkError
from envbuild.oci.store import Store
from envbuild.progress import Progress
from envbuild.resolver import fetch
from envbuild.resolver.download import Downloader

Make = Callable[..., Any]
ALPHA = "/files/alpha-1.0-py3-none-any.whl"
FOR_A_FILE = "`envbuild lock MODEL -o FILE --upgrade`"  # beside --lock, --upgrade is refused


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def locked(index: Any, env: Make, run: Make) -> Any:
    """A lock of three wheels, alpha the largest; what the resolution asked for is forgotten."""
    index.wheel("alpha", padding=600_000)
    index.wheel("beta")
    index.wheel("gamma")
    lock = run(env("alpha", "beta", "gamma"))
    index.requests.clear()
    index.headers.clear()
    return lock


def leftovers(store: Store) -> list[Path]:
    return list((store.root / "tmp").iterdir())


def test_every_wheel_lies_in_the_store_under_its_hash(index: Any, locked: Any, store: Store, notes: Any) -> None:
    done = fetch(locked, store, notes)
    for package in done.packages:
        wheel = index.folder / package.filename
        assert store.read(f"sha256:{package.sha256}") == wheel.read_bytes()
        assert package.size == wheel.stat().st_size
    assert sorted(index.downloads()) == sorted(f"/files/{p.filename}" for p in locked.packages)
    assert notes.advanced == sum(p.size for p in done.packages) == notes.summaries["fetch"].size
    assert done.digest == locked.digest


def test_nothing_is_downloaded_twice(index: Any, locked: Any, store: Store, notes: Any) -> None:
    first = fetch(locked, store)
    index.requests.clear()
    again = fetch(locked, store, notes)
    assert index.requests == []
    assert again.packages == first.packages
    assert (notes.summaries["fetch"].cached, notes.summaries["fetch"].cached_size) == (3, notes.summaries["fetch"].size)


def test_sizes_are_remembered_with_the_lock(index: Any, locked: Any, store: Store, env: Make, run: Make) -> None:
    part = replace(locked, packages=locked.packages[:1])
    fetch(part, store)
    sizes = [package.size for package in run(env("alpha", "beta", "gamma")).packages]
    assert sizes == [(index.folder / locked.packages[0].filename).stat().st_size, 0, 0]
    fetch(locked, store)
    assert all(package.size for package in run(env("alpha", "beta", "gamma")).packages)


def test_a_wheel_of_another_size_in_the_store_is_fetched_again(index: Any, locked: Any, store: Store) -> None:
    done = fetch(locked, store)
    damaged = store.blob(f"sha256:{done.packages[0].sha256}")
    damaged.write_bytes(b"short")
    index.requests.clear()
    assert fetch(done, store).packages == done.packages
    assert index.downloads() == [ALPHA]


def test_a_wheel_whose_hash_differs_is_refused_and_not_kept(index: Any, locked: Any, store: Store) -> None:
    index.replaced["beta-1.0-py3-none-any.whl"] = b"not the wheel that was locked"
    with pytest.raises(IntegrityError) as caught:
        fetch(locked, store)
    beta = locked.packages[1]
    assert "beta-1.0-py3-none-any.whl of beta 1.0" in caught.value.message
    assert beta.sha256 in caught.value.message
    assert caught.value.message.count("sha256:") == 2
    assert FOR_A_FILE in caught.value.hint
    assert not store.has(f"sha256:{beta.sha256}")
    assert leftovers(store) == []
    index.replaced.clear()
    assert len(fetch(locked, store).packages) == 3


def test_no_more_is_fetched_than_the_size_that_is_known(
    index: Any, locked: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = replace(locked.packages[0], size=10)
    taken: list[int] = []
    real = Downloader.stream

    def counted(self: Downloader, url: str, *, what: str) -> Iterator[bytes]:
        for chunk in real(self, url, what=what):
            taken.append(len(chunk))
            yield chunk

    monkeypatch.setattr(Downloader, "stream", counted)
    with pytest.raises(IntegrityError, match=r"alpha-1\.0-py3-none-any\.whl of alpha 1\.0 .* more than the 10 bytes"):
        fetch(replace(locked, packages=(alpha,)), store)
    assert len(taken) == 1 and taken[0] < 600_000
    assert not store.has(f"sha256:{alpha.sha256}")


def test_a_wheel_that_is_gone_says_so(index: Any, locked: Any, store: Store) -> None:
    (index.folder / "beta-1.0-py3-none-any.whl").unlink()
    with pytest.raises(NetworkError, match=r"beta 1\.0: .*404") as caught:
        fetch(locked, store)
    assert "--upgrade" in caught.value.hint
    assert FOR_A_FILE in caught.value.hint
    assert leftovers(store) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_index_is_asked_again(index: Any, locked: Any, store: Store, status: int) -> None:
    index.answers[ALPHA] = [status]
    fetch(locked, store)
    assert index.downloads().count(ALPHA) == 2


@pytest.mark.parametrize("said", ["\u00b2", "-1", "soon", "1e3", "9" * 5000])
def test_an_index_that_asks_to_wait_for_no_time_that_it_can_name_is_asked_again(
    index: Any, locked: Any, store: Store, said: str
) -> None:
    index.answers[ALPHA] = [503]
    index.retry_after = said
    fetch(locked, store)
    assert index.downloads().count(ALPHA) == 2


def test_an_index_that_lets_one_wait_is_told_of_meanwhile(index: Any, locked: Any, store: Store) -> None:
    class Waits(Progress):
        count = 0

        def advance(self, phase: Any, amount: int = 1, *, what: str = "") -> None:
            self.count += phase == "fetch" and amount == 0

    index.answers[ALPHA] = [503]
    index.retry_after = "2"
    waits = Waits()
    fetch(locked, store, waits)
    assert waits.count >= 2


def test_an_index_that_stays_busy_is_given_up(
    index: Any, locked: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envbuild.resolver.download._ATTEMPTS", 2)
    index.answers[ALPHA] = [503] * 9
    with pytest.raises(NetworkError, match="503") as caught:
        fetch(locked, store)
    assert index.downloads().count(ALPHA) == 2
    assert "again" in caught.value.hint


def test_a_broken_connection_goes_on_where_it_stopped(index: Any, locked: Any, store: Store) -> None:
    index.cut[ALPHA] = 300_000
    done = fetch(locked, store)
    assert index.downloads().count(ALPHA) == 2
    ranges = [h["Range"] for (_, path), h in zip(index.requests, index.headers, strict=True) if "Range" in h]
    assert len(ranges) == 1
    assert 0 < int(ranges[0].removeprefix("bytes=").rstrip("-")) <= 300_000
    assert done.packages[0].size > 600_000


def test_no_index_at_all(index: Any, locked: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envbuild.resolver.download._ATTEMPTS", 2)
    index.close()
    with pytest.raises(NetworkError, match="refused"):
        fetch(locked, store)
    assert leftovers(store) == []


def test_find_links_are_copied_from_the_disk(
    index: Any, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "my wheels"
    folder.mkdir()
    index.wheel("alpha").rename(folder / "alpha-1.0-py3-none-any.whl")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    lock = run(env("alpha"))
    assert fetch(lock, store).packages[0].size > 0
    assert index.downloads() == []
    (folder / "alpha-1.0-py3-none-any.whl").unlink()
    with pytest.raises(NetworkError, match="cannot be read"):
        fetch(lock, Store(tmp_path / "other"))


def test_a_wheel_that_is_removed_from_the_cache_meanwhile_is_told(
    index: Any, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("alpha")
    lock = fetch(run(env("alpha")), store)
    digest = f"sha256:{lock.packages[0].sha256}"

    def gone(*_: object) -> bool:
        store.blob(digest).unlink(missing_ok=True)
        return True

    monkeypatch.setattr(Store, "has", gone)
    with pytest.raises(CorruptBlobError, match=digest):
        fetch(lock, store)


def test_a_folder_that_is_named_from_here_is_another_in_another_place(
    index: Any, env: Make, run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", "./wheels")
    for version, place in (("1.0", "one"), ("2.0", "two")):
        (tmp_path / place / "wheels").mkdir(parents=True)
        wheel = index.wheel("alpha", version)
        wheel.rename(tmp_path / place / "wheels" / wheel.name)
    for version, place in (("1.0", "one"), ("2.0", "two"), ("1.0", "one")):
        monkeypatch.chdir(tmp_path / place)
        assert [package.version for package in run(env("alpha")).packages] == [version]


def with_login(simple: str) -> str:
    return simple.replace("http://", "http://bob:s3cret@")


def test_credentials_of_the_index_are_used_and_not_sent_elsewhere(
    index: Any, make_index: Make, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_index("files")
    wheel = index.wheel("alpha")
    (other.folder / wheel.name).write_bytes(wheel.read_bytes())
    index.login = "bob:s3cret"
    monkeypatch.setenv("UV_DEFAULT_INDEX", with_login(index.simple))
    lock = run(env("alpha"))
    index.redirect = other.base.replace("127.0.0.1", "localhost")
    fetch(lock, store)
    assert other.downloads() == [ALPHA]
    assert [h for h in other.headers if "Authorization" in h] == []


def test_two_indexes_of_one_host_have_passwords_of_their_own(
    index: Any, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, package in (("one", "alpha"), ("two", "beta")):
        (index.folder / name).mkdir()
        index.wheel(package).rename(index.folder / name / f"{package}-1.0-py3-none-any.whl")
    one, two = (f"http://bob:{name}@127.0.0.1:{index.port}/whl/{name}/" for name in ("one", "two"))
    monkeypatch.setenv("UV_INDEX", one)
    monkeypatch.setenv("UV_DEFAULT_INDEX", two)
    lock = run(env("alpha", "beta"))
    index.logins = {"/files/one/": "bob:one", "/files/two/": "bob:two"}
    fetched = fetch(lock, store)
    assert [package.size > 0 for package in fetched.packages] == [True, True]


def test_credentials_come_from_netrc_too(
    index: Any, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("alpha")
    index.login = "bob:s3cret"
    netrc = Path(os.environ["HOME"]) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login bob password s3cret\n")
    netrc.chmod(0o600)
    assert fetch(run(env("alpha")), store).packages[0].size > 0


def test_missing_credentials_are_asked_for(index: Any, locked: Any, store: Store) -> None:
    index.login = "bob:s3cret"
    with pytest.raises(NetworkError, match="401") as caught:
        fetch(locked, store)
    assert ".netrc" in caught.value.hint


def test_a_keyring_is_asked_where_uv_asks_it(
    index: Any, env: Make, run: Make, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.wheel("alpha")
    index.login = "bob:s3cret"
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$3" = bob ] && echo s3cret\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple.replace("http://", "http://bob@"))
    assert fetch(run(env("alpha")), store).packages[0].size > 0


def test_an_address_that_is_none(locked: Any, store: Store) -> None:
    odd = tuple(replace(package, url="ftp://example.org/x.whl") for package in locked.packages)
    with pytest.raises(NetworkError, match="no address"):
        fetch(replace(locked, packages=odd), store)


def test_a_wheel_is_told_as_soon_as_it_came(index: Any, locked: Any, store: Store) -> None:
    seen: list[tuple[str, bool]] = []

    def arrived(package: Any) -> None:
        seen.append((package.name, store.has(f"sha256:{package.sha256}")))

    fetch(locked, store, arrived=arrived)
    assert sorted(seen) == [("alpha", True), ("beta", True), ("gamma", True)]
    fetch(locked, store, arrived=arrived)
    assert len(seen) == 3


def test_a_hash_of_the_models_own_is_the_requirements_to_correct(
    index: Any, env: Make, run: Make, store: Store
) -> None:
    name = index.wheel("alpha").name
    text = f"alpha @ {index.base}/files/{name}#sha256={'0' * 64}"
    with pytest.raises(IntegrityError) as caught:
        fetch(run(env(text)), store)
    assert f"is not the file that the requirement {text!r} names" in caught.value.message
    assert "--upgrade" not in caught.value.hint


def test_a_file_that_was_replaced_is_locked_anew_the_way_that_its_lock_allows(
    index: Any, locked: Any, store: Store
) -> None:
    index.replaced[ALPHA.rpartition("/")[2]] = b"another"
    hints = []
    for lock in (locked, replace(locked, from_cache=True), replace(locked, from_cache=True, entry="")):
        with pytest.raises(IntegrityError, match="is not the file that was locked") as caught:
            fetch(lock, store)
        hints.append(caught.value.hint)
    assert ["resolve anew with --upgrade" in hint for hint in hints] == [True, True, False]
    assert all(FOR_A_FILE in hint for hint in hints)
