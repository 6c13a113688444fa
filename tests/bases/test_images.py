from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from envbuild.bases import images, open_base
from envbuild.errors import BaseImageError, EngineError, EnvbuildError
from envbuild.oci.canonical import canonical_json, sha256_digest
from envbuild.oci.store import Store

GLIBC = b"\x00GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
SLIM: dict[str, Any] = {
    "lib": "usr/lib",
    "usr/lib/x86_64-linux-gnu/libc.so.6": GLIBC,
    "usr/local/bin/python3.11": b"\x7fELF",
    "usr/local/bin/python3": "python3.11",
    "usr/local/bin/python": "python3",
    "usr/local/lib/python3.11/os.py": b"",
    "usr/local/lib/libpython3.11.so.1.0": b"junk 3.11.1 \x003.11.9\x00 more",
    "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n\n"
    b"Package: old\nStatus: deinstall ok config-files\nVersion: 1\n",
}
ENV = ["PATH=/usr/local/bin:/usr/bin:/bin"]


def tar_of(entries: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, what in entries.items():
            info = tarfile.TarInfo(path)
            if isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what
                tar.addfile(info)
            else:
                info.size, info.mode = len(what), 0o755
                tar.addfile(info, io.BytesIO(what))
    return out.getvalue()


def config_of(layers: list[bytes], env: list[str], architecture: str) -> bytes:
    return canonical_json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": env},
            "rootfs": {"type": "layers", "diff_ids": [sha256_digest(layer) for layer in layers]},
        }
    )


def docker_archive(path: Path, *trees: Mapping[str, Any], env: list[str] = ENV, architecture: str = "amd64") -> Path:
    layers = [tar_of(tree) for tree in trees]
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": ["test:1"], "Layers": names}]
    files = {"config.json": config_of(layers, env, architecture), **dict(zip(names, layers, strict=True))}
    path.write_bytes(tar_of({**files, "manifest.json": json.dumps(manifest).encode()}))
    return path


def oci_layout(path: Path, tree: Mapping[str, Any], *, tag: str = "1") -> Path:
    blobs = path / "blobs/sha256"
    blobs.mkdir(parents=True)
    layer = tar_of(tree)
    config = config_of([layer], ENV, "amd64")

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        digest = sha256_digest(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    kind = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind + "manifest.v1+json",
        "config": put(config, kind + "config.v1+json"),
        "layers": [put(layer, kind + "layer.v1.tar")],
    }
    entry = put(canonical_json(manifest), kind + "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_bytes(canonical_json({"schemaVersion": 2, "manifests": [entry]}))
    return path


def test_a_docker_archive_tells_its_python_its_libc_and_its_packages(store: Store, tmp_path: Path) -> None:
    base = open_base(f"docker-archive:{docker_archive(tmp_path / 'a.tar', SLIM)}", store)
    assert base.interpreter.version == "3.11.9"
    assert base.interpreter.executable == "/usr/local/bin/python3.11"
    assert base.interpreter.home == "/usr/local"
    assert base.glibc == "2.36"
    assert not base.assembled
    assert [(package.name, package.version) for package in base.packages] == [("libc6", "2.36-9")]
    assert store.has(base.layers[0].digest)


def test_an_unchanged_archive_is_not_read_again_and_a_changed_one_is(store: Store, tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "a.tar", SLIM)
    first = open_base(f"docker-archive:{path}", store)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.chmod(0o600)
    os.utime(path, ns=times)
    assert open_base(f"docker-archive:{path}", store) == first
    docker_archive(path, SLIM, {"etc/new": b"1"})
    assert open_base(f"docker-archive:{path}", store).digest != first.digest


def test_an_archive_whose_status_shows_no_change_is_known_by_its_content(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in squashfs, where another archive may have the same size, times and inode."""
    path, found, read = tmp_path / "a.tar", os.statvfs(tmp_path), images._read
    read_only = os.statvfs_result([*found[:8], found.f_flag | os.ST_RDONLY, found.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)
    reads: list[Path] = []

    def counted(kind: str, path: Path, *rest: Any) -> Any:
        reads.append(path)
        return read(kind, path, *rest)

    monkeypatch.setattr(images, "_read", counted)
    bases = []
    for revision in (b"1", b"1", b"2"):
        docker_archive(path, {**SLIM, "etc/revision": revision})
        path.write_bytes(path.read_bytes())
        assert path.stat().st_mtime_ns == path.stat().st_ctime_ns
        bases.append(open_base(f"docker-archive:{path}", store))
    assert bases[0] == bases[1] != bases[2]
    assert len(reads) == 2


def test_a_layout_and_an_oci_archive_give_the_same_base(store: Store, tmp_path: Path) -> None:
    layout = oci_layout(tmp_path / "layout", SLIM)
    packed = tmp_path / "layout.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(layout, arcname=".")
    by_folder = open_base(f"oci:{layout}", store)
    assert open_base(f"oci:{layout}:1", store).digest == by_folder.digest
    assert open_base(f"oci-archive:{packed}", store).digest == by_folder.digest
    assert open_base(f"oci:{layout}", store) == by_folder


def test_whiteouts_of_upper_layers_count(store: Store, tmp_path: Path) -> None:
    upper = {
        "usr/local/bin/.wh.python3.11": b"",
        "usr/local/lib/python3.11/.wh..wh..opq": b"",
        "usr/bin/python3.9": b"\x003.9.2\x00",
        "usr/lib/python3.9/os.py": b"",
    }
    path = docker_archive(tmp_path / "a.tar", SLIM, upper)
    found = open_base(f"docker-archive:{path}", store).interpreter
    assert (found.version, found.executable) == ("3.9.2", "/usr/bin/python3.9")


def test_a_conda_environment_of_azure_comes_first(store: Store, tmp_path: Path) -> None:
    conda = {
        "azureml-envs/m/bin/python3.10": b"\x003.10.4\x00",
        "azureml-envs/m/bin/python": "python3.10",
        "azureml-envs/m/lib/python3.10/os.py": b"",
    }
    env = ["AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/m", *ENV]
    path = docker_archive(tmp_path / "a.tar", SLIM, conda, env=env)
    assert open_base(f"docker-archive:{path}", store).interpreter.home == "/azureml-envs/m"


def test_a_virtual_environment_leads_to_its_python(store: Store, tmp_path: Path) -> None:
    venv = {"opt/venv/bin/python": "/usr/local/bin/python3", "opt/venv/bin/python3": "python"}
    path = docker_archive(tmp_path / "a.tar", SLIM, venv, env=["PATH=/opt/venv/bin:/usr/bin"])
    assert open_base(f"docker-archive:{path}", store).interpreter.executable == "/usr/local/bin/python3.11"


def test_the_images_variable_tells_the_version_where_files_do_not(store: Store, tmp_path: Path) -> None:
    tree = {**SLIM, "usr/local/lib/libpython3.11.so.1.0": b"stripped"}
    path = docker_archive(tmp_path / "a.tar", tree, env=[*ENV, "PYTHON_VERSION=3.11.13"])
    assert open_base(f"docker-archive:{path}", store).interpreter.version == "3.11.13"


def refused(store: Store, path: Path, tree: Mapping[str, Any], **options: Any) -> EnvbuildError:
    archive = docker_archive(path, tree, **options)
    with pytest.raises(BaseImageError) as caught:
        open_base(f"docker-archive:{archive}", store)
    return caught.value


def without(*parts: str) -> dict[str, Any]:
    return {path: what for path, what in SLIM.items() if not any(part in path for part in parts)}


def test_an_image_without_python_is_refused(store: Store, tmp_path: Path) -> None:
    error = refused(store, tmp_path / "a.tar", without("python"))
    assert "has no Python 3" in error.message
    assert "docker-daemon:python:3.11-slim" in error.hint


def test_a_musl_image_is_refused_by_name(store: Store, tmp_path: Path) -> None:
    tree = {path: what for path, what in without("libc.so").items() if path != "lib"}
    assert "musl" in refused(store, tmp_path / "a.tar", {**tree, "lib/ld-musl-x86_64.so.1": b"x"}).message


def test_an_image_without_any_libc_is_refused(store: Store, tmp_path: Path) -> None:
    assert "no C library" in refused(store, tmp_path / "a.tar", without("libc.so")).message


def test_an_image_for_another_platform_is_refused(store: Store, tmp_path: Path) -> None:
    error = refused(store, tmp_path / "a.tar", SLIM, architecture="arm64")
    assert "linux/arm64" in error.message


def test_an_unknown_version_is_told_and_not_guessed(store: Store, tmp_path: Path) -> None:
    error = refused(store, tmp_path / "a.tar", {**SLIM, "usr/local/lib/libpython3.11.so.1.0": b""})
    assert "could not be found out" in error.message
    assert "PYTHON_VERSION" in error.hint


def test_files_that_are_no_images_are_refused(store: Store, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk" * 1000)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dir").mkdir()
    for name in (
        f"docker-archive:{junk}",
        f"oci-archive:{junk}",
        f"oci:{junk}",
        f"oci:{tmp_path / 'dir'}",
        f"docker-archive:{tmp_path / 'dir'}",
        f"docker-archive:{tmp_path / 'pipe'}",
        f"oci-archive:{tmp_path / 'nothing'}",
    ):
        with pytest.raises(EnvbuildError) as caught:
            open_base(name, store)
        assert caught.value.exit_code in (5, 7)


class FakeEngine:
    """An engine with one image, which counts how often it was saved."""

    def __init__(self, path: Path) -> None:
        self.saved = 0
        self.id = "sha256:" + "1" * 64
        self._path = path

    def save(self, reference: str) -> AbstractContextManager[BinaryIO]:
        @contextmanager
        def stream() -> Iterator[BinaryIO]:
            self.saved += 1
            with self._path.open("rb") as file:
                yield file

        return stream()

    def inspect(self, reference: str) -> Mapping[str, Any] | None:
        return {"Id": self.id} if reference == "test:1" else None


def test_an_unchanged_image_of_an_engine_is_saved_once(store: Store, tmp_path: Path) -> None:
    engine = FakeEngine(docker_archive(tmp_path / "a.tar", SLIM))
    for _ in range(2):
        base = open_base("docker-daemon:test:1", store, save=engine.save, inspect=engine.inspect)
        assert base.interpreter.version == "3.11.9"
    assert engine.saved == 1
    engine.id = "sha256:" + "2" * 64
    open_base("docker-daemon:test:1", store, save=engine.save, inspect=engine.inspect)
    assert engine.saved == 2


def test_an_image_that_the_engine_lacks_is_told(store: Store, tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path / "none")
    with pytest.raises(BaseImageError, match="the engine has no image other") as caught:
        open_base("docker-daemon:other", store, save=engine.save, inspect=engine.inspect)
    assert "docker pull other" in caught.value.hint


def test_without_an_engine_its_images_cannot_be_had(store: Store) -> None:
    with pytest.raises(EngineError, match="needs a container engine"):
        open_base("docker-daemon:test:1", store)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("opt/env/include/python3.12/patchlevel.h", b'#define PY_MINOR_VERSION 12\n#define PY_VERSION  "3.12.7+"\n'),
        ("opt/env/conda-meta/python-3.12.7-hc5c86c4_0_cpython.json", b"{}"),
    ],
)
def test_the_version_is_found_beside_a_python_whose_binary_does_not_tell(
    store: Store, tmp_path: Path, path: str, content: bytes
) -> None:
    tree = {
        "usr/lib/libc.so.6": GLIBC,
        "opt/env/bin/python3.12": b"\x7fELF /opt/pythons/3.12.1\x00",
        "opt/env/lib/python3.12/os.py": b"",
        path: content,
    }
    archive = docker_archive(tmp_path / "a.tar", tree)
    assert open_base(f"docker-archive:{archive}", store).interpreter.version == "3.12.7"
