"""What a build knows of an image of a few files: base, lock, plan, wheels; and tars for layers."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinywheels import make_wheel

from envbuild.bases.types import Base, Interpreter, SystemPackage
from envbuild.oci.canonical import canonical_json
from envbuild.oci.image import make_image
from envbuild.oci.store import Store
from envbuild.oci.types import Image, Layer
from envbuild.planner.paths import MODEL
from envbuild.planner.types import FileEntry, Plan, PlannedLayer
from envbuild.resolver.types import Lock, LockedPackage, Source

# A file's content, or the target of a link behind `->`.
BASE_FILES = {
    "etc/os-release": "../usr/lib/os-release->",
    "usr/lib/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    "var/lib/dpkg/status.d/libc6": "Package: libc6\nArchitecture: amd64\nVersion: 2.36-9+deb12u9\n",
    "var/lib/dpkg/status.d/libc6.md5sums": "0 usr/lib/libc.so.6\n",
    "var/lib/dpkg/status.d/zlib1g": "Package: zlib1g\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n",
    "usr/share/doc/zlib1g/copyright": "Format: https://example.org/format/\n\nFiles: *\nLicense: Zlib\n\nFiles: x\n"
    "License: GPL-2+ or Artistic\n\nLicense: GPL-2+\n text\n",
    "usr/share/doc/libc6": "zlib1g->",
}


@dataclass
class Made:
    """What a build knows before it makes the image."""

    store: Store
    base: Base
    lock: Lock
    plan: Plan
    wheels: dict[str, bytes]
    fetched: list[str]

    def fetch(self, wanted: Sequence[str]) -> None:
        self.fetched += wanted
        for sha256 in wanted:
            self.store.put(self.wheels[sha256])


def tar_of(files: Mapping[str, str | bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """A tar of files by path; a text that ends in `->` is the target of a symbolic link. `links` are hard ones."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str) and content.endswith("->"):
                member.type, member.linkname = tarfile.SYMTYPE, content.removesuffix("->")
                tar.addfile(member)
                continue
            data = content.encode() if isinstance(content, str) else content
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
    return out.getvalue()


def put_layer(store: Store, data: bytes) -> Layer:
    digest = store.put(data)
    return Layer(diff_id=digest, digest=digest, size=len(data))


def locked(path: Path) -> LockedPackage:
    data = path.read_bytes()
    name, version = path.name.split("-")[:2]
    return LockedPackage(
        name=name.replace("_", "-"),
        version=version,
        filename=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        url=f"https://user:secret@index.example/{path.name}",
    )


def entry(path: str, data: bytes) -> FileEntry:
    sha256 = hashlib.sha256(data).hexdigest()
    return FileEntry(path=path, sha256=sha256, size=len(data), mode=0o644, source=Path("/home/somebody") / path)


def make(folder: Path) -> Made:
    """An assembled base with two packages, three wheels that the store lacks, and a model of two files."""
    store = Store(folder / "store")
    layer = put_layer(store, tar_of(BASE_FILES))
    base = Base(
        name="debian:bookworm",
        digest="sha256:" + "b" * 64,
        architecture="amd64",
        interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
        glibc="2.36",
        layers=(layer,),
        config={},
        packages=(SystemPackage(name="libc6", version="2.36-9+deb12u9", sha256="c" * 64),),
        assembled=True,
    )
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [
            {"type": "library", "name": "Gamma", "version": "1.0", "purl": "pkg:pypi/Gamma@1.0?file_name=x.whl"},
            {"type": "library", "name": "openblas", "version": "0.3", "purl": "pkg:rpm/openblas@0.3"},
        ],
    }
    wheels = [
        make_wheel(folder, "alpha", headers=["License-Expression: MIT OR Apache-2.0"]),
        make_wheel(folder, "beta-lib", headers=["License: BSD-3-Clause"]),
        make_wheel(folder, "gamma", files={"gamma-1.0.dist-info/sboms/auditwheel.cdx.json": json.dumps(bom)}),
    ]
    lock = Lock(
        packages=tuple(map(locked, wheels)),
        python="3.11.2",
        platform="manylinux_2_36_x86_64",
        requirements=("alpha",),
    )
    plan = Plan(
        server="envbuild",
        base="debian:bookworm",
        base_digest=base.digest,
        python="3.11.2",
        platform="linux/amd64",
        lock_digest=lock.digest,
        bytecode="off",
        layers=(
            PlannedLayer(kind="base", title="base", why="", diff_id=layer.diff_id),
            PlannedLayer(kind="file", title="big.bin", why="", files=(entry(f"{MODEL}/big.bin", b"weights"),)),
            PlannedLayer(kind="model", title="model", why="", files=(entry(f"{MODEL}/MLmodel", b"flavors: {}"),)),
        ),
        config={"architecture": "amd64", "os": "linux", "config": {}},
        decisions=(),
        left_out=(),
        annotations={
            "dev.envbuild.lock": lock.digest,
            "dev.envbuild.model.id": "m-1",
            "dev.envbuild.model.run": "run-1",
            "org.opencontainers.image.title": "MLflow model",
        },
    )
    held = {hashlib.sha256(path.read_bytes()).hexdigest(): path.read_bytes() for path in wheels}
    return Made(store=store, base=base, lock=lock, plan=plan, wheels=held, fetched=[])


def built_from(lock: Lock, *sources: Source) -> Lock:
    """`lock`, whose first packages were built from these sources."""
    named = [replace(p, source=s, url="") for p, s in zip(lock.packages, sources, strict=False)]
    return replace(lock, packages=(*named, *lock.packages[len(named) :]))


# An archive of an index with a password and a token; repositories of the world, of a private network, of this machine.
ARCHIVE = Source(
    url="https://user:secret@index.example/alpha-1.0.tar.gz?token=secret", filename="alpha-1.0.tar.gz", sha256="e" * 64
)
PUBLIC = Source(url="ssh://git@example.org/me/beta.git", commit="f" * 40, subdirectory="python", ref="v1.0")
PRIVATE = Source(url="https://10.0.0.7/me/beta.git", commit="f" * 40)
LOCAL = Source(url="file:///home/somebody/gamma", commit="d" * 40)


def metadata(name: str, version: str, *headers: str) -> dict[str, str]:
    """The files by which an image says that a Python package is installed, by path."""
    site = "opt/envbuild/lib/python3.11/site-packages"
    lines = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers)
    return {
        f"{site}/{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{site}/{name}-{version}.dist-info/METADATA": "\n".join(lines) + "\n",
    }


def image(store: Store, layers: Sequence[bytes], *, architecture: str = "amd64", **settings: object) -> Image:
    """An image of these tars, with the settings of its config."""
    made = [put_layer(store, layer) for layer in layers]
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": "1980-01-01T00:00:00Z",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in made]},
        "history": [
            {"created_by": "a base"},
            {"created_by": "ENV x", "empty_layer": True},
            *({"created_by": f"envbuild: layer {number}"} for number in range(2, len(made) + 1)),
        ],
    }
    return make_image(canonical_json(config), made, {"annotated": "yes"})
