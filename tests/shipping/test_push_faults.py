"""Pushes through a registry that fails in every way there is: no name ever stands for a wrong or unfinished image."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from writable_registry import WritableRegistry, Writer, serving

from envbuild.errors import EnvbuildError, StorageError
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.image import make_image
from envbuild.oci.reference import parse_reference
from envbuild.oci.store import Store
from envbuild.oci.transport import Transport
from envbuild.oci.types import Image, Layer
from envbuild.shipping import push as pushing
from envbuild.shipping import target
from envbuild.shipping.push import push

SIZES = (0, 1, 700, 70_000, 300_000)
PIECE = 1 << 16


def layer(store: Store, data: bytes) -> Layer:
    digest = store.put(data)
    return Layer(diff_id=digest, digest=digest, size=len(data))


def image_of(store: Store, *blobs: bytes) -> Image:
    layers = [layer(store, data) for data in blobs]
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [one.diff_id for one in layers]}}
    return make_image(canonical_json(config), layers, {})


@pytest.fixture
def registry() -> Iterator[WritableRegistry]:
    with serving(WritableRegistry()) as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No pause between attempts, small pieces, and no login of the person who runs the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(pushing, "Transport", functools.partial(Transport, pause=lambda _: None))
    monkeypatch.setattr(target, "Uploads", functools.partial(target.Uploads, piece=PIECE))


def break_off(handler: Writer) -> bool:
    return handler.hang_up()


def break_off_after_some_bytes(handler: Writer) -> bool:
    name = handler.path.partition("?")[0].rpartition("/")[2]
    held = handler.registry.uploads.get(name)
    data = handler.take(random.Random(len(handler.registry.asked)).randint(1, PIECE))
    if held is not None:
        held += data
    return handler.hang_up()


def status(code: int) -> Callable[[Writer], bool]:
    def fault(handler: Writer) -> bool:
        handler.answer(code, b"{}", **({"Retry-After": "1"} if code == 429 else {}))
        return True

    fault.__name__ = f"answers_{code}"
    return fault


def token_runs_out(handler: Writer) -> bool:
    handler.registry.token = os.urandom(4).hex()
    return False


def upload_is_lost(handler: Writer) -> bool:
    handler.registry.uploads.clear()
    return False


def upload_is_damaged(handler: Writer) -> bool:
    for held in handler.registry.uploads.values():
        if held:
            held[len(held) // 2] ^= 0xFF
    return False


def blob_is_gone(handler: Writer) -> bool:
    """As a registry that collects its garbage at the wrong moment."""
    registry = handler.registry
    if registry.blobs:
        del registry.blobs[next(iter(registry.blobs))]
    return False


NOT_FOUND = status(404)
BEFORE: tuple[Callable[[Writer], bool], ...] = (
    break_off,
    break_off_after_some_bytes,
    NOT_FOUND,
    *(status(code) for code in (400, 405, 408, 413, 416, 429, 500, 502, 503, 504)),
    token_runs_out,
    upload_is_lost,
    upload_is_damaged,
    blob_is_gone,
)


class Chaos:
    """Faults at requests that a seed chooses; `injected` counts those that happened."""

    def __init__(self, seed: int, registry: WritableRegistry) -> None:
        self._random = random.Random(seed)
        self._share = self._random.choice((0.05, 0.2, 0.5))
        self.injected = 0
        registry.faults.append(self.before)
        registry.after.append(self.after)

    def before(self, handler: Writer) -> bool:
        with handler.registry.lock:
            if self._random.random() > self._share:
                return False
            self.injected += 1
            fault = self._random.choice(BEFORE)
        # A registry that says of a blob that it has not got it gets it again, whoever is right.
        if handler.command == "HEAD" and fault is NOT_FOUND:
            fault = break_off
        return fault(handler)

    def after(self, handler: Writer) -> bool:
        """The request was carried out, and the answer is lost."""
        with handler.registry.lock:
            if self._random.random() > self._share / 4:
                return False
            self.injected += 1
        return handler.hang_up()


def one_seed(seed: int, folder: Path) -> int:
    """Push two images with a common layer through faults, then once without; the number of faults."""
    rng = random.Random(seed)
    store = Store(folder / str(seed))
    common = rng.randbytes(rng.choice(SIZES))
    first = image_of(store, common, rng.randbytes(rng.choice(SIZES)))
    second = image_of(store, common, rng.randbytes(rng.choice(SIZES)), rng.randbytes(rng.choice(SIZES)))
    with serving(WritableRegistry()) as registry:
        registry.relative, registry.mounts = rng.random() < 0.5, rng.choice((201, 202, 405))
        old = [parse_reference(f"{registry.address}/team/a:1")]
        new = [*old, parse_reference(f"{registry.address}/team/b:1")]
        push(first, old, store)
        chaos = Chaos(seed, registry)
        told = None
        try:
            push(second, new, store)
        except EnvbuildError as error:
            told = error
        # Garbage that was collected at the wrong moment is the registry's own doing.
        registry.faults.clear()
        registry.after.clear()
        assert registry.stored_twice == []
        named = {raw for (_, tag), raw in registry.manifests.items() if tag == "1"}
        assert named <= {first.manifest, second.manifest}
        if told is None:
            assert registry.manifests["team/b", "1"] == registry.manifests["team/a", "1"] == second.manifest
        else:
            assert told.message
        registry.stored_twice.clear()
        push(second, new, store)
        registry.stored_twice.clear()
        assert registry.problems() == []
        assert registry.manifests["team/b", "1"] == registry.manifests["team/a", "1"] == second.manifest
    return chaos.injected


def test_fifty_seeded_faults(tmp_path: Path) -> None:
    injected = seed = 0
    while injected < 50:
        injected += one_seed(seed, tmp_path)
        seed += 1


@pytest.mark.slow
def test_two_thousand_more(tmp_path: Path) -> None:
    injected, seed = 0, 100_000
    while injected < 2000:
        injected += one_seed(seed, tmp_path)
        seed += 1
    print(f"{injected} faults in {seed - 100_000} pushes")


def test_no_room_for_temporary_files_is_a_storage_error_and_nothing_is_sent(
    registry: WritableRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    image = image_of(store, b"layer")
    name = [parse_reference(f"{registry.address}/team/full:1")]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError):
        push(image, name, store)
    full = tmp_path / "full"
    full.mkdir()
    (full / sha256_digest(image.config)[7:]).symlink_to("/dev/full")
    monkeypatch.setattr(pushing, "TemporaryDirectory", lambda **_: contextlib.nullcontext(str(full)))
    with pytest.raises(StorageError, match="the disk is full") as caught:
        push(image, name, store)
    assert caught.value.hint
    assert registry.blobs == {}


def test_a_cache_that_cannot_be_written_to_is_pushed_from(
    registry: WritableRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of a push, and the locks of others, cost bytes alone."""
    store = Store(tmp_path / "store")
    image = image_of(store, b"layer")

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(Store, "create", full)
    monkeypatch.setattr(Store, "put_key", full)
    push(image, [parse_reference(f"{registry.address}/team/full:1")], store)
    assert registry.problems() == []
    assert ("team/full", "1") in registry.manifests


SCRIPT = """
import sys
from pathlib import Path
from envbuild.oci.reference import parse_reference
from envbuild.oci.store import Store
from envbuild.shipping.push import push
sys.path.insert(0, sys.argv[3])
from test_push_faults import image_of
store = Store(Path(sys.argv[1]))
image = image_of(store, b"a" * 3000000, b"b" * 5000000, b"c" * 2000000)
print("begins", flush=True)
push(image, [parse_reference(sys.argv[2])], store)
"""


@pytest.mark.parametrize("milliseconds", [0, 10, 30, 60, 100, 200])
def test_a_push_that_is_killed_leaves_no_name_or_the_whole(
    registry: WritableRegistry, tmp_path: Path, milliseconds: int
) -> None:
    def slowly(handler: Writer) -> bool:
        time.sleep(0.01)
        return False

    registry.faults.append(slowly)
    name = f"{registry.address}/team/killed:1"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here.parent / 'support'}"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "store"), name, str(here)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert registry.problems() == []
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert registry.problems() == []
    assert ("team/killed", "1") in registry.manifests


def test_two_pushes_of_the_same_layers_at_once_send_each_once(registry: WritableRegistry, tmp_path: Path) -> None:
    name = f"{registry.address}/team/both:1"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here.parent / 'support'}"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "store"), name, str(here)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert registry.problems() == []
    assert registry.received < 11_000_000
