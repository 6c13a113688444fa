"""An engine that keeps images in containerd: fetched from Debian, started beside the machine's own, stopped after."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import EngineError
from envbuild.oci import archive
from envbuild.oci.archive import stream_archive
from envbuild.oci.image import make_image as of_layers
from envbuild.oci.reading import read_docker_archive
from envbuild.oci.reference import Reference
from envbuild.oci.store import Store
from envbuild.oci.types import LAYER_GZIP, Image, Layer
from envbuild.shipping.engine import Engine, RefusedError
from envbuild.shipping.load import load
from envbuild.shipping.unix import UnixEngine

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.network]

Names = list[Reference]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror() -> str:
    """The Debian mirror of this machine."""
    if named := os.environ.get("ENVBUILD_DEBIAN_MIRROR"):
        return named.rstrip("/")
    folder = Path("/etc/apt")
    lines = [
        line.split()
        for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
        if path.is_file()
        for line in path.read_text().splitlines()
    ]
    for words in lines:
        addresses = words[1:] if words[:1] in (["URIs:"], ["deb"]) else []
        for address in addresses:
            if "://" in address and address.rstrip("/").endswith("/debian"):
                return address.rstrip("/")
    pytest.skip("no Debian mirror in apt's sources; name one in ENVBUILD_DEBIAN_MIRROR")


def fetch(suite: str, cache: Path) -> Path:
    """The unpacked packages docker.io and containerd of a suite, verified by apt itself."""
    root = cache / "root"
    if (root / "usr/sbin/dockerd").is_file() and (root / "usr/bin/containerd").is_file():
        return root
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    (cache / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": cache / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": cache / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": cache / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    for command in (["update"], ["download", "docker.io", "containerd"]):
        done = subprocess.run([*apt, *command], cwd=cache / "debs", capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"apt-get {command[0]} of {suite} failed: {done.stderr.strip()}")
    for deb in sorted((cache / "debs").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
    return root


@contextmanager
def process(command: list[str], log: Path, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is stopped by its own id."""
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PATH": path})
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def started(root: Path, work: Path) -> Iterator[Path]:
    """The socket of an engine of its own: no network, no bridge, nothing shared with the machine's."""
    (work / "containerd.toml").write_text(
        f'version = 2\nroot = "{work}/c-root"\nstate = "{work}/c-state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{work}/c.sock"\n[ttrpc]\naddress = "{work}/c.sock.ttrpc"\n'
    )
    (work / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    path = f"{root}/usr/sbin:{root}/usr/bin:{os.environ['PATH']}"
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "d.pid", "config-file": "daemon.json"}
    docker = [
        f"{root}/usr/sbin/dockerd",
        *(word for name, value in places.items() for word in (f"--{name}", str(work / value))),
        *("--containerd", f"{work}/c.sock", "--host", f"unix://{work}/d.sock"),
        *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
    ]
    with ExitStack() as stack:
        containerd = [f"{root}/usr/bin/containerd", "-c", f"{work}/containerd.toml"]
        stack.enter_context(process(containerd, work / "containerd.log", path))
        wait_for(lambda: (work / "c.sock").exists(), work / "containerd.log")
        stack.enter_context(process(docker, work / "dockerd.log", path))

        def answers() -> bool:
            with suppress(EngineError):
                UnixEngine(str(work / "d.sock")).close()
                return True
            return False

        wait_for(answers, work / "dockerd.log")
        yield work / "d.sock"


def wait_for(condition: Any, log: Path) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"the engine did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module", params=["trixie", "forky"])
def socket(request: pytest.FixtureRequest) -> Iterator[Path]:
    missing = [tool for tool in ("apt-get", "dpkg-deb", "runc") if shutil.which(tool) is None]
    if missing or os.getuid() != 0 or not Path(KEYRING).is_file():
        pytest.skip(f"needs root, Debian's keyring and its tools (missing: {', '.join(missing) or 'none'})")
    root = fetch(request.param, request.config.cache.mkdir(f"containerd-store-{request.param}"))
    # Sockets have short paths, and images do not belong into a home folder.
    work = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        with started(root, work) as path:
            yield path
    finally:
        shutil.rmtree(work, ignore_errors=True)


@pytest.fixture
def engine(socket: Path, names: Names) -> Iterator[Engine]:
    found = UnixEngine(str(socket))
    yield found
    for name in names:
        found.remove_image(name.familiar)
    found.close()


def saved(engine: Engine, name: Reference, store: Store) -> list[str]:
    """The layers of an image as the engine gives them out."""
    with engine.save(name.familiar) as stream:
        return [layer.diff_id for layer in read_docker_archive(stream, store).layers]


def diff_ids(image: Image) -> list[str]:
    return [layer.diff_id for layer in image.layers]


def test_everything_that_holds_for_an_engine_holds_here(socket: Path) -> None:
    env = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "ENVBUILD_TEST_REQUIRE": "engine"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "engine"]
    tests = str(Path(__file__).with_name("test_load.py"))
    done = subprocess.run([*command, tests], env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-5000:]


def test_the_store_is_told_and_the_id_is_that_of_the_manifest(
    make_image: Any, names: Names, store: Store, engine: Engine
) -> None:
    image = make_image()

    assert engine.info().store == "containerd"
    assert load(image, names, store, engine).image_id == image.manifest_digest


def test_only_the_changed_layer_is_sent_and_the_image_is_whole(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    load(make_image(), names[:1], store, engine)
    changed = make_image(b"changed")

    loaded = load(changed, names[:1], store, engine)

    assert loaded.omitted == 2
    assert loaded.sent < changed.layers[-1].size + 20_000
    assert saved(engine, names[0], Store(tmp_path / "other")) == diff_ids(changed)


def test_an_image_that_the_engine_has_in_part_is_not_believed(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    image = make_image()
    omit = frozenset(diff_ids(image)[:2])
    with suppress(RefusedError):
        engine.load(stream_archive(image, names, store, omit=omit))
    claimed = engine.inspect_image(names[0].familiar)
    assert claimed is not None
    assert claimed["Id"] == image.manifest_digest

    loaded = load(image, names, store, engine)

    assert not loaded.already
    assert loaded.sent > image.size
    assert saved(engine, names[0], Store(tmp_path / "other")) == diff_ids(image)


def test_a_name_does_not_stay_with_an_image_in_part(
    make_image: Any, names: Names, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_image(), make_image(b"second")
    load(first, names[:1], store, engine)
    top = frozenset({second.layers[-1].diff_id})
    monkeypatch.setattr(archive, "stream_archive", lambda *given, omit: stream_archive(*given, omit=omit | top))

    with pytest.raises(EngineError):
        load(second, names[:1], store, engine)

    found = engine.inspect_image(names[0].familiar)
    assert found is None or found["Id"] == first.manifest_digest


def test_a_layer_that_the_engine_has_in_another_compression_is_sent(
    make_image: Any, names: Names, store: Store, engine: Engine, tmp_path: Path
) -> None:
    plain = make_image()
    lower = plain.layers[0]
    packed = gzip.compress(store.read(lower.digest), mtime=0)
    other = Layer(diff_id=lower.diff_id, digest=store.put(packed), size=len(packed), media_type=LAYER_GZIP)
    image = of_layers(plain.config, [other, *plain.layers[1:]], {})
    load(plain, names[:1], store, engine)

    loaded = load(image, names[1:], store, engine)

    assert loaded.image_id == image.manifest_digest
    assert loaded.omitted == 2
    engine.remove_image(names[0].familiar)
    assert saved(engine, names[1], Store(tmp_path / "other")) == diff_ids(image)
