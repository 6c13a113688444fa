"""Base images of a few files, as OCI layouts: each with its own Python, C library, libraries and settings."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from envbuild.oci.canonical import sha256_digest

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_KIND = "application/vnd.oci.image."


def write_base(
    folder: Path,
    *,
    python: str = "3.11.9",
    prefix: str = "usr/local",
    glibc: str = "2.36",
    libraries: Sequence[str] = (),
    environment: Sequence[str] = (),
    architecture: str = "amd64",
    salt: str = "",
    musl: bool = False,
    beside: Sequence[str] = (),
    settings: Mapping[str, object] | None = None,
    **config: object,
) -> str:
    """Write the layout, of two layers, and give what `--base` calls it.

    `libraries` are the names of shared libraries that it has, `beside` of those that lie beside its Python alone,
    `settings` those of a container, `config` what stands beside them in the image config. `salt` makes its bytes
    unlike those of any other base.
    """
    minor = ".".join(python.split(".")[:2])
    lib = f"usr/lib/{TRIPLETS[architecture]}"
    libc = f"\x7fELF GNU C Library (Test) stable release version {glibc}.\n"
    lower = {"usr/lib/ld-musl-x86_64.so.1": "musl"} if musl else {f"{lib}/libc.so.6": libc}
    lower |= {f"{lib}/{name}": "a library" for name in libraries}
    upper = {
        f"{prefix}/bin/python{minor}": "#!not a real interpreter\n",
        f"{prefix}/lib/python{minor}/os.py": salt,
        f"{prefix}/include/python{minor}/patchlevel.h": f'#define PY_VERSION "{python}"\n',
    }
    upper |= {f"{prefix}/lib/{name}": "a library" for name in beside}
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, object]:
        digest = sha256_digest(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"mediaType": _KIND + media_type, "digest": digest, "size": len(data)}

    layers = [put(_tar(files), "layer.v1.tar") for files in (lower, upper)]
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": [f"PATH=/{prefix}/bin:/usr/bin:/bin", *environment], **(settings or {})},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        "history": [
            {"created": "2020-01-01T00:00:00Z", "created_by": f"a base {salt}"},
            {"created": "2020-01-01T00:00:00Z", "created_by": "ENV x=y", "empty_layer": True},
            {"created": "2020-01-01T00:00:00Z", "created_by": "python"},
        ],
        **config,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _KIND + "manifest.v1+json",
        "config": put(json.dumps(document).encode(), "config.v1+json"),
        "layers": layers,
    }
    index = {"schemaVersion": 2, "manifests": [put(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{folder}"


def _tar(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            data = content.encode()
            member.size, member.mode = len(data), 0o755
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()
