"""A whole road without the outside world: a tiny base, a tiny model, and the command itself."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tinywheels import serve

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}


@dataclass
class Road:
    """A model, an index, a base and a cache, and the command that uses them."""

    folder: Path
    model: Path
    index: Path
    index_url: str
    base: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)

    def variables(self, **changes: str) -> dict[str, str]:
        """The environment of the command; no variable of an engine, an index or a cache comes from outside."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "ENVBUILD_", "DOCKER_", "PIP_"))}
        return {
            **kept,
            "ENVBUILD_CACHE_DIR": str(self.cache),
            "UV_DEFAULT_INDEX": self.index_url + "/simple",
            "NO_COLOR": "1",
            **self.environment,
            **changes,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "envbuild", *arguments]

    def image_arguments(self, output: Path, *arguments: str) -> list[str]:
        base = ["--base", f"oci:{self.base}", "--server", "envbuild", "--bytecode", "off"]
        return ["image", str(self.model), "-t", "tiny", *base, "--output", f"oci-archive={output}", *arguments]

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env=self.variables(**changes),
            cwd=self.folder,
            timeout=120,
            check=False,
        )

    def run_in_python(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `script` as the command is run, with these in its sys.argv. Raises CalledProcessError."""
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            env=self.variables(),
            cwd=self.folder,
            check=True,
        )

    def image(self, *arguments: str, name: str = "tiny.tar", **changes: str) -> subprocess.CompletedProcess[str]:
        """Build the model into an archive `name` beside it."""
        return self.run(*self.image_arguments(self.folder / name, *arguments), **changes)

    def config_digest(self, *arguments: str, **changes: str) -> str:
        """The config digest of a build that must go well."""
        done = self.image("--json", *arguments, **changes)
        assert done.returncode == 0, done.stderr
        digest = json.loads(done.stdout)["config_digest"]
        assert isinstance(digest, str)
        return digest


@contextmanager
def laid(folder: Path, index: Path) -> Iterator[Road]:
    """A road in an empty folder, with an empty cache; the folder `index` is served as its package index."""
    write_model(folder / "model")
    write_base(folder / "base")
    with serve(index) as url:
        yield Road(
            folder=folder,
            model=folder / "model",
            index=index,
            index_url=url,
            base=folder / "base",
            cache=folder / "cache",
        )


def write_model(folder: Path) -> None:
    """A model folder whose packages the tiny index has."""
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors:\n"
        "  python_function:\n"
        "    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n"
        "    loader_module: tiny_loader\n"
        "    python_version: 3.11.9\n"
        "mlflow_version: 3.17.2\n"
        "model_uuid: 0123456789abcdef0123456789abcdef\n"
        "signature:\n"
        '  inputs: \'[{"type": "double", "name": "a", "required": true}]\'\n'
    )
    (folder / "conda.yaml").write_text(
        "name: mlflow-env\n"
        "channels:\n"
        "- conda-forge\n"
        "dependencies:\n"
        "- python=3.11.9\n"
        "- pip<=24\n"
        "- pip:\n"
        "  - mlflow==3.17.2\n"
        "  - tiny-loader==1.0\n"
    )
    (folder / "requirements.txt").write_text("mlflow==3.17.2\ntiny-loader==1.0\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 40)


def write_base(folder: Path, *, salt: str = "", architecture: str = "amd64") -> None:
    """An OCI layout of one layer with what a base must have: a Python and a glibc, both by name only.

    `salt` makes its bytes unlike those of any other base.
    """
    layer = io.BytesIO()
    files = {
        "usr/local/bin/python3.11": b"#!not a real interpreter\n",
        "usr/local/lib/python3.11/os.py": salt.encode(),
        f"usr/lib/{TRIPLETS[architecture]}/libc.so.6": b"\x7fELF GNU C Library (Test) stable release version 2.36.\n",
    }
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    kind = "application/vnd.oci.image."
    tar_descriptor = put(layer.getvalue(), kind + "layer.v1.tar")
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.11.9"]},
        "rootfs": {"type": "layers", "diff_ids": [tar_descriptor["digest"]]},
        "history": [{"created": "1980-01-01T00:00:00Z", "created_by": "test"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind + "manifest.v1+json",
        "config": put(json.dumps(config).encode(), kind + "config.v1+json"),
        "layers": [tar_descriptor],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": kind + "index.v1+json",
        "manifests": [put(json.dumps(manifest).encode(), kind + "manifest.v1+json")],
    }
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def add_base(base: Path, folder: Path, *, architecture: str) -> None:
    """Add a base of another architecture to the layout `base`; it is written to `folder` on the way."""
    write_base(folder, architecture=architecture)
    index = json.loads((base / "index.json").read_text())
    index["manifests"] += json.loads((folder / "index.json").read_text())["manifests"]
    (base / "index.json").write_text(json.dumps(index))
    shutil.copytree(folder / "blobs", base / "blobs", dirs_exist_ok=True)
