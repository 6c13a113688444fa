"""Whether an engine can run programs of another architecture: it is asked to, with the smallest one there is."""

from __future__ import annotations

import secrets
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import EngineError
from ..oci.reference import parse_reference
from ..shipping.engine import Engine
from .container import client_of

if TYPE_CHECKING:
    from ..oci.store import Store
    from ..oci.types import Image

_PATIENCE = 30
_BASE, _HEADERS = 0x400000, 64 + 56
# The system call `exit(0)`, and the machine's number in ELF.
_EXIT = {
    # mov x8, 93; mov x0, 0; svc 0
    "arm64": (183, struct.pack("<III", 0xD2800BA8, 0xD2800000, 0xD4000001)),
    # mov eax, 60; xor edi, edi; syscall
    "amd64": (62, bytes.fromhex("b83c000000 31ff 0f05")),
}


def can_run(engine: Engine, architecture: str, store: Store) -> bool:
    """Whether a container of an image for `architecture` (`arm64`) starts in `engine`, by emulation say.

    Nothing is left of the image and the container that find it out. Raises EngineError where no container can be had.
    """
    from docker.errors import DockerException
    from requests import RequestException

    from ..shipping.load import load

    reference = parse_reference(f"envbuild-trial/{secrets.token_hex(6)}:latest")
    client = client_of(engine)
    try:
        load(_image(architecture, store), [reference], store, engine)
        return _ends_well(client, reference.familiar)
    except (DockerException, RequestException):
        return False
    finally:
        with suppress(EngineError):
            engine.remove_image(reference.familiar)
        client.close()


def smallest_program(architecture: str) -> bytes:
    """A static ELF executable for `architecture` that ends at once, and well."""
    machine, code = _EXIT[architecture]
    size = _HEADERS + len(code)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return head + segment + code


def _image(architecture: str, store: Store) -> Image:
    from ..oci.image import finish_image
    from ..oci.layer import build_layer

    layer = build_layer(store, lambda tar: tar.data("exit", smallest_program(architecture), 0o755))
    return finish_image(
        base_config={},
        base_layers=(),
        layers=[(layer, "a program that ends")],
        config={"architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/exit"]}},
        annotations={},
        created="1980-01-01T00:00:00Z",
    )


def _ends_well(client: Any, image: str) -> bool:
    settings = client.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True)
    identity = client.create_container(image, host_config=settings)["Id"]
    try:
        client.start(identity)
        return int(client.wait(identity, timeout=_PATIENCE)["StatusCode"]) == 0
    finally:
        client.remove_container(identity, force=True, v=True)
