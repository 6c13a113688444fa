"""The sandbox that an engine makes: what goes in, what is taken out, and what foreign code reaches meanwhile."""

from __future__ import annotations

import io
import json
import signal
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinysources import FORKER, SPY, source_files, write_sdist

from envbuild.containing import _out_of_memory, _packed, _taken, _waited
from envbuild.errors import EngineError, ResolveError
from envbuild.resolver.source.sandbox import Limits

Make = Callable[..., Any]


def foreign(*members: tuple[str, bytes, bytes]) -> list[bytes]:
    """A tar as an engine gives it, of names, kinds and contents."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd" if kind != tarfile.REGTYPE else ""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return [data.getvalue()]


def test_only_plain_files_are_taken_out(tmp_path: Path) -> None:
    members = [
        ("out", tarfile.DIRTYPE, b""),
        ("out/a.whl", tarfile.REGTYPE, b"wheel"),
        ("out/link.whl", tarfile.SYMTYPE, b""),
        ("out/hard.whl", tarfile.LNKTYPE, b""),
        ("out/fifo.whl", tarfile.FIFOTYPE, b""),
        ("out/..", tarfile.REGTYPE, b"x"),
        ("out/../../up", tarfile.REGTYPE, b"x"),
        ("/etc/above", tarfile.REGTYPE, b"x"),
        ("other/b.whl", tarfile.REGTYPE, b"x"),
    ]
    _taken(foreign(*members), tmp_path, Limits())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.whl": b"wheel"}
    with pytest.raises(EngineError, match="more than a wheel may have"):
        _taken([b"x" * (2 << 20)], tmp_path, Limits(wheel=1))


def test_what_goes_in_is_of_nobody_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "given" / "source").mkdir(parents=True)
    (tmp_path / "given" / "source" / "a").write_text("a")
    (tmp_path / "given" / "source" / "a").chmod(0o600)
    data = io.BytesIO()
    _packed(tmp_path / "given", data)
    with tarfile.open(fileobj=data) as tar:
        members = {member.name: member for member in tar}
    assert set(members) == {"given", "given/source", "given/source/a", "out", "tmp"}
    assert members["given/source/a"].mode & 0o444 == 0o444
    assert {(m.uid, m.uname, m.mtime) for name, m in members.items() if name.startswith("given")} == {(0, "", 0)}


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.engine
@pytest.mark.network
def test_nothing_of_this_machine_is_reached_from_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Any, contained: Any, run: Make, env: Make
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    # What docker itself would hand to every container.
    (tmp_path / "docker").mkdir()
    proxies = {"default": {"httpProxy": "http://bob:s3cret@127.0.0.1:1"}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    first = SPY.replace("PORT", str(index.port)).replace("SECRET", str(secret))
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first, content="SEEN"))
    python = contained.base.interpreter.version
    (package,) = run(env("only-source"), python=python, allow_build=("all",), bench=contained.bench()).packages
    with zipfile.ZipFile(contained.store.blob(f"sha256:{package.sha256}")) as wheel:
        seen = json.loads(wheel.read("only_source/__init__.py"))
    assert not [value for value in seen["values"] if "s3cret" in value]
    assert not [name for name in seen["environ"] if "proxy" in name.lower()]
    assert seen["home"] == []
    assert seen["homes"] == [] or all(name.startswith("/root/.") for name in seen["homes"])
    for place in ("secret", "network", "lookup", "etc", "usr", "root", "given"):
        assert seen[place].startswith("no: "), (place, seen[place])
    assert seen["interfaces"] == []
    assert int(seen["capabilities"], 16) == 0
    assert contained.images
    assert contained.left() == []


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize(
    ("first", "limits", "says"),
    [
        ("raise RuntimeError('so it is')", Limits(), "RuntimeError: so it is"),
        ("import time; time.sleep(60)", Limits(seconds=1), "it took longer than 1 seconds"),
        ("held = bytearray(b'x' * (1 << 20)) * 400", Limits(memory=200 << 20), "more than 200 MiB of memory"),
        (FORKER, Limits(tasks=40), "Resource temporarily unavailable"),
    ],
)
def test_a_container_is_held_to_the_limits_and_leaves_nothing(
    index: Any, contained: Any, run: Make, env: Make, first: str, limits: Limits, says: str
) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", first=first))
    python, bench = contained.base.interpreter.version, contained.bench(limits)
    with pytest.raises(ResolveError) as caught:
        run(env("only-source"), python=python, allow_build=("all",), bench=bench)
    assert says in caught.value.message
    assert "--find-links" in caught.value.hint
    assert contained.images
    assert contained.left() == []


def test_an_engine_without_bounds_for_memory_names_none() -> None:
    assert _out_of_memory(Limits(), 200 << 20) == "it took more than 200 MiB of memory"
    assert _out_of_memory(Limits(), None) == "the memory of the engine's machine ran out"


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.engine
@pytest.mark.network
def test_a_build_that_is_interrupted_leaves_neither_container_nor_image(
    index: Any, contained: Any, run: Make, env: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", first="import time; time.sleep(60)"))
    bench, there = contained.bench(), []

    def interrupted(client: Any, identity: str, *rest: Any) -> str:
        """It runs, under the name and the label by which it can be found; then somebody presses Ctrl-C."""
        state = client.inspect_container(identity)
        there.append((state["State"]["Running"], state["Config"]["Labels"]["envbuild-sandbox"]))
        threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
        return _waited(client, identity, *rest)

    monkeypatch.setattr("envbuild.containing._waited", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(env("only-source"), python=contained.base.interpreter.version, allow_build=("all",), bench=bench)
    assert there == [(True, contained.images[0])]
    assert contained.left() == []


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.engine
@pytest.mark.network
def test_a_container_whose_run_was_killed_ends_by_itself(
    index: Any, contained: Any, run: Make, env: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sdist(index.folder, "only-source", files=source_files("only-source", first="import time; time.sleep(60)"))
    took: list[float] = []

    def unseen(client: Any, identity: str, *_: Any) -> str:
        """Nobody looks at the time outside, as if nobody was there."""
        started = time.monotonic()
        client.wait(identity)
        took.append(time.monotonic() - started)
        return ""

    monkeypatch.setattr("envbuild.containing._waited", unseen)
    monkeypatch.setattr("envbuild.resolver.source.making._GRACE", 1)
    bench = contained.bench(Limits(seconds=2))
    with pytest.raises(ResolveError, match="exit code 1"):
        run(env("only-source"), python=contained.base.interpreter.version, allow_build=("all",), bench=bench)
    assert took[0] < 30
    assert contained.left() == []
