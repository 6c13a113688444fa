"""An OCI layout whose image somebody changed: a layer, the config, with every digest made to fit again."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Entry = tuple[tarfile.TarInfo, bytes | None]
EditEntries = Callable[[list[Entry]], Iterable[Entry]]


class Layout:
    """The one image of a layout in a folder, of plain layers. `save` writes what was changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = json.loads((folder / "index.json").read_text())
        self.manifest = self._json(self.index["manifests"][0]["digest"])
        self.config = self._json(self.manifest["config"]["digest"])

    def layer(self, number: int) -> bytes:
        """The tar of a layer."""
        return self._blob(self.manifest["layers"][number]["digest"]).read_bytes()

    def holding(self, path: str) -> int:
        """The number of the last layer that has this path."""
        for number in reversed(range(len(self.manifest["layers"]))):
            with tarfile.open(fileobj=io.BytesIO(self.layer(number))) as tar:
                if path in tar.getnames():
                    return number
        raise AssertionError(f"no layer has {path}")

    def put_layer(self, number: int, data: bytes, *, consistent: bool = True) -> None:
        """Replace a layer; the config goes on naming the old one where it is not to be `consistent`."""
        digest = self._put(data)
        self.manifest["layers"][number] |= {"digest": digest, "size": len(data)}
        if consistent:
            self.config["rootfs"]["diff_ids"][number] = digest

    def add_layer(self, data: bytes, created_by: str) -> None:
        """One more layer on top."""
        self.manifest["layers"].append({**self.manifest["layers"][-1]})
        self.config["rootfs"]["diff_ids"].append("")
        self.config["history"].append({"created_by": created_by})
        self.put_layer(len(self.manifest["layers"]) - 1, data)

    def edit(self, path: str, change: EditEntries) -> None:
        """Replace the layer that has `path` by one with other entries."""
        number = self.holding(path)
        with tarfile.open(fileobj=io.BytesIO(self.layer(number))) as tar:
            found = [(m, source.read() if (source := tar.extractfile(m)) is not None else None) for m in tar]
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for member, content in change(found):
                if content is not None:
                    member.size = len(content)
                tar.addfile(member, io.BytesIO(content) if content is not None else None)
        self.put_layer(number, out.getvalue())

    def flip(self, path: str, byte: int = 0) -> None:
        """Change one bit of a file, and nothing else of the tar."""
        number = self.holding(path)
        data = bytearray(self.layer(number))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            data[tar.getmember(path).offset_data + byte] ^= 1
        self.put_layer(number, bytes(data))

    def save(self, config: bytes = b"") -> Path:
        """Write config, manifest and index; gives the folder. `config` has other bytes for the config."""
        config = config or json.dumps(self.config).encode()
        self.manifest["config"] |= {"digest": self._put(config), "size": len(config)}
        manifest = json.dumps(self.manifest).encode()
        self.index["manifests"][0] |= {"digest": self._put(manifest), "size": len(manifest)}
        (self.folder / "index.json").write_text(json.dumps(self.index))
        return self.folder

    def _put(self, data: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self._blob(digest).write_bytes(data)
        return digest

    def _blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "/")

    def _json(self, digest: str) -> Any:
        return json.loads(self._blob(digest).read_bytes())
