from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import CorruptBlobError, EngineError, UsageError
from envbuild.oci.archive import stream_archive, write_archive
from envbuild.oci.reading import read_docker_archive
from envbuild.oci.reference import Reference, parse_reference
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_ZSTD, Image, Layer
from envbuild.progress import Progress
from envbuild.shipping.engine import Engine, EngineInfo, connect
from envbuild.shipping.load import load
from envbuild.shipping.unix import UnixEngine

Names = list[Reference]


@pytest.fixture
def engine(names: Names) -> Iterator[Engine]:
    """The engine of this machine; what a test loads into it is removed."""
    found = connect(required=True)
    assert found is not None
    yield found
    for name in names:
        found.remove_image(name.familiar)
    found.close()


def skip_if_forgetful(engine: Engine) -> None:
    info = engine.info()
    if info.store == "containerd" and int(info.version.partition(".")[0]) < 27:
        pytest.skip("this engine itself forgets an image that loses its name")


def skip_if_all_or_nothing(engine: Engine) -> None:
    if engine.info().product == "podman":
        pytest.skip("podman takes whole archives only")


class Count(Progress):
    def __init__(self) -> None:
        self.bytes = 0

    def advance(self, phase: Any, amount: int = 1, *, what: str = "") -> None:
        self.bytes += amount


def image_id(image: Image, engine: Engine) -> str:
    return image.manifest_digest if engine.info().store == "containerd" else image.config_digest


@pytest.mark.engine
def test_an_image_is_loaded_under_all_its_names(make_image: Any, names: Names, store: Store, engine: Engine) -> None:
    image, count = make_image(), Count()

    loaded = load(image, names, store, engine, count)

    assert loaded.reference == names[0].familiar
    assert loaded.image_id == image_id(image, engine)
    assert (loaded.omitted, loaded.already) == (0, False)
    assert loaded.sent == count.bytes > image.size
    for name in names:
        found = engine.inspect_image(name.familiar)
        assert found is not None
        assert found["Id"] == loaded.image_id
        assert found["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]


@pytest.mark.engine
def test_an_unchanged_image_is_not_sent(make_image: Any, names: Names, store: Store, engine: Engine) -> None:
    image = make_image()
    load(image, names[:1], store, engine)

    again = load(image, names, store, engine)

    assert (again.sent, again.already) == (0, True)
    tagged = engine.inspect_image(names[1].familiar)
    assert tagged is not None
    assert tagged["Id"] == again.image_id


@pytest.mark.engine
def test_a_changed_model_sends_its_own_layer_alone(make_image: Any, names: Names, store: Store, engine: Engine) -> None:
    skip_if_all_or_nothing(engine)
    load(make_image(), names, store, engine)
    changed = make_image(b"changed")

    loaded = load(changed, names, store, engine)

    assert loaded.omitted == 2
    assert changed.layers[-1].size < loaded.sent < changed.layers[-1].size + 20_000
    found = engine.inspect_image(names[0].familiar)
    assert found is not None
    assert found["Id"] == image_id(changed, engine)


@pytest.mark.engine
def test_another_model_of_the_same_libraries_sends_its_own_layer_alone(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    skip_if_all_or_nothing(engine)
    load(make_image(), names[:1], store, engine)

    assert load(make_image(b"another"), names[1:], store, engine).omitted == 2


@pytest.mark.engine
def test_what_arrived_in_parts_is_saved_whole(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    load(make_image(), names[:1], store, engine)
    changed = make_image(b"changed")
    load(changed, names[:1], store, engine)

    with engine.save(names[0].familiar) as stream:
        stored = read_docker_archive(stream, Store(tmp_path / "other"))

    assert [layer.diff_id for layer in stored.layers] == [layer.diff_id for layer in changed.layers]
    assert stored.config == json.loads(changed.config)
    assert parse_reference(stored.reference).tag == names[0].tag


@pytest.mark.engine
def test_a_layer_that_the_engine_lost_is_sent_after_all(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    first = make_image()
    loaded = load(first, names[:1], store, engine)
    engine.remove_image(names[0].familiar)
    assert engine.inspect_image(loaded.image_id) is None

    again = load(make_image(b"changed"), names[:1], store, engine)

    assert again.omitted == 0
    assert again.sent > first.size


@pytest.mark.engine
def test_a_wrong_guess_falls_back_to_everything(
    make_image: Any, names: Names, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image()
    every = frozenset(layer.diff_id for layer in image.layers)
    monkeypatch.setattr("envbuild.shipping.load.known", lambda *_: every)

    loaded = load(image, names, store, engine)

    assert loaded.omitted == 0
    assert loaded.sent > image.size


@pytest.mark.engine
def test_the_image_that_lost_its_name_is_removed_if_envbuild_made_it(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    skip_if_forgetful(engine)
    ours = load(make_image(b"1"), names[:1], store, engine).image_id
    theirs = load(make_image(b"2", ours=False), names[:1], store, engine).image_id
    assert engine.inspect_image(ours) is None

    load(make_image(b"3"), names[:1], store, engine)

    assert engine.inspect_image(theirs) is not None
    assert engine.remove_image(theirs)


@pytest.mark.engine
def test_an_image_with_another_name_or_a_container_stays(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    skip_if_forgetful(engine)
    named = load(make_image(b"1"), names, store, engine).image_id
    used = load(make_image(b"2"), names[:1], store, engine).image_id
    assert engine.inspect_image(named) is not None
    made = subprocess.run(["docker", "create", names[0].familiar], capture_output=True, text=True, check=True)

    load(make_image(b"3"), names[:1], store, engine)

    assert engine.inspect_image(used) is not None
    subprocess.run(["docker", "rm", made.stdout.strip()], capture_output=True, check=True)
    assert engine.remove_image(used)


@pytest.mark.engine
def test_a_docker_archive_is_loaded_by_an_engine_without_its_layers(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    image = make_image()
    archive = tmp_path / "image.tar"
    write_archive(image, names, store, archive, kind="docker")

    subprocess.run(["docker", "load", "-q", "-i", str(archive)], capture_output=True, check=True)

    found = engine.inspect_image(names[1].familiar)
    assert found is not None
    assert found["Id"] == image_id(image, engine)


@pytest.mark.engine
def test_a_damaged_blob_loads_nothing(make_image: Any, names: Names, store: Store, engine: Engine) -> None:
    image = make_image()
    path = store.blob(image.layers[0].digest)
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(CorruptBlobError):
        load(image, names, store, engine)
    assert engine.inspect_image(names[0].familiar) is None


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_load_leaves_nothing_and_the_next_one_works(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path, number: signal.Signals
) -> None:
    image = make_image()
    archive, mark = tmp_path / "image.tar", tmp_path / "half"
    write_archive(image, names, store, archive, kind="docker")
    code = f"""
import pathlib, time
from envbuild.shipping.engine import connect
def chunks():
    data = pathlib.Path({str(archive)!r}).read_bytes()
    yield data[: len(data) // 2]
    pathlib.Path({str(mark)!r}).touch()
    time.sleep(60)
connect(required=True).load(chunks())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    process.wait(20)

    assert engine.inspect_image(names[0].familiar) is None
    assert load(image, names, store, engine).image_id == image_id(image, engine)


@pytest.mark.engine
def test_an_engine_behind_tcp_is_served_alike(
    make_image: Any, names: Names, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = engine.address.removeprefix("unix://")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=relay, args=(listener, path), daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    remote = connect(required=True)
    assert remote is not None

    first = load(make_image(), names, store, remote)
    second = load(make_image(b"changed"), names[:1], store, remote)
    with remote.save(names[0].familiar) as stream:
        stored = read_docker_archive(stream, Store(tmp_path / "other"))

    assert remote.info() == engine.info()
    assert first.image_id == image_id(make_image(), engine)
    assert second.omitted == (0 if engine.info().product == "podman" else 2)
    assert stored.layers[-1].diff_id == make_image(b"changed").layers[-1].diff_id
    assert remote.inspect_image("envbuild-shipping-test-no-such-image") is None
    with pytest.raises(EngineError, match="says"):
        remote.load(iter([b"no archive at all" * 1000]))
    assert not remote.remove_image("envbuild-shipping-test-no-such-image")
    remote.close()
    listener.close()


def relay(listener: socket.socket, path: str) -> None:
    """Hand every connection on to a unix socket."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    while True:
        try:
            outer, _ = listener.accept()
        except OSError:
            return
        inner = socket.socket(socket.AF_UNIX)
        inner.connect(path)
        for pair in ((outer, inner), (inner, outer)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def test_an_engine_behind_tcp_that_is_not_there_is_an_engine_error(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")

    assert connect(required=False) is None
    with pytest.raises(EngineError, match=f"127.0.0.1:{port}") as caught:
        connect(required=True)
    assert caught.value.hint


def test_an_image_needs_a_name(make_image: Any, store: Store, daemon: Any) -> None:
    with pytest.raises(UsageError):
        load(make_image(), [], store, UnixEngine(str(daemon.path)))


def test_a_full_disk_of_the_engine_is_not_tried_twice(
    make_image: Any, names: Names, store: Store, daemon: Any, send: Callable[..., None]
) -> None:
    def refuse(handler: Any) -> None:
        daemon.read_body(handler)
        send(handler, 500, {"message": "write /var/lib/docker/tmp/x: no space left on device"})

    daemon.answers["POST /images/load"] = refuse

    with pytest.raises(EngineError, match="no space left on device"):
        load(make_image(), names, store, UnixEngine(str(daemon.path)))
    assert sum(request.startswith("POST /images/load") for request in daemon.requests) == 1


def test_an_engine_that_says_yes_and_has_nothing_is_not_believed(
    make_image: Any, names: Names, store: Store, daemon: Any, send: Callable[..., None]
) -> None:
    def swallow(handler: Any) -> None:
        daemon.read_body(handler)
        send(handler, 200, {"stream": "Loaded image"})

    daemon.answers["POST /images/load"] = swallow

    with pytest.raises(EngineError, match="does not have it"):
        load(make_image(), names, store, UnixEngine(str(daemon.path)))
    assert store.get_key("engine:fake") is None


def test_zstd_layers_are_refused_before_an_older_engine_gets_them(
    make_image: Any, names: Names, store: Store, daemon: Any
) -> None:
    image = make_image()
    zstd = Layer(diff_id="sha256:" + "1" * 64, digest=store.put(b"zstd"), size=4, media_type=LAYER_ZSTD)
    image = Image(config=image.config, manifest=image.manifest, layers=(zstd, *image.layers))

    with pytest.raises(EngineError, match="zstd"):
        load(image, names, store, UnixEngine(str(daemon.path)))
    assert daemon.received == 0


def test_podman_gets_everything(make_image: Any, names: Names, store: Store, daemon: Any) -> None:
    class Podman:
        """An engine that has the image before, and notes what it is sent."""

        address = "unix:///podman"
        now: Any = None
        got: frozenset[str] = frozenset()

        def info(self) -> EngineInfo:
            return EngineInfo(
                id="p", product="podman", version="4.3", store="classic", architecture="amd64", os="linux"
            )

        def inspect_image(self, reference: str) -> Any:
            return None if self.now is None or reference.startswith("sha256:") else self.now

        def load(self, chunks: Any) -> list[str]:
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
                self.got = frozenset(tar.getnames())
            self.now = describe(changed)
            return []

    def describe(image: Image) -> dict[str, Any]:
        layers = [layer.diff_id for layer in image.layers]
        return {"Id": image.config_digest, "RootFS": {"Layers": layers}, "RepoTags": ["x"]}

    first, changed = make_image(), make_image(b"changed")
    podman: Any = Podman()
    podman.now = describe(first)

    load(changed, names, store, podman)

    assert {f"blobs/sha256/{layer.digest[7:]}" for layer in changed.layers} <= podman.got


def test_a_layer_that_comes_again_higher_up_is_sent(make_image: Any, store: Store) -> None:
    from envbuild.shipping.known import known

    image = make_image()
    lower, middle, model = image.layers
    repeated = Image(config=image.config, manifest=image.manifest, layers=(lower, middle, model, lower))

    class Classic:
        address = "unix:///x"

        def info(self) -> EngineInfo:
            return EngineInfo(
                id="c", product="docker", version="20.10", store="classic", architecture="amd64", os="linux"
            )

    before = {"RootFS": {"Layers": [lower.diff_id, middle.diff_id]}}
    engine: Any = Classic()

    assert known(repeated, store, engine, [before]) == {middle.diff_id}
    assert stream_archive(repeated, ["x"], store, omit=frozenset({middle.diff_id}))


def test_interrupts_are_heard_while_the_engine_unpacks(daemon: Any) -> None:
    release = threading.Event()

    def slow(handler: Any) -> None:
        daemon.read_body(handler)
        release.wait(20)

    daemon.answers["POST /images/load"] = slow
    engine = UnixEngine(str(daemon.path))
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        engine.load([b"x"])
    assert time.monotonic() - start < 5
    release.set()
