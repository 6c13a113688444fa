"""The layer that names the base's Python: the link to it, and pyvenv.cfg, beside the server's own files.

Where conda packages bring Python, it names none.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from ..attesting.layers import Blobs, read_layer
from ..errors import BaseImageError
from ..oci.store import Store
from ..oci.types import Layer
from ..planner.paths import PREFIX
from .rewriting import Content, with_content
from .types import Part, Recorded, Venv

_LINK, _SETTINGS = f"{PREFIX}/bin/python", f"{PREFIX}/pyvenv.cfg"
_TITLE = "server "


def server_index(own: Sequence[Part]) -> int:
    """Which of envbuild's layers is the server's. BaseImageError where none is."""
    for index, part in enumerate(own):
        if part.title.startswith(_TITLE):
            return index
    raise BaseImageError("the image has no layer of a server", hint="build it anew with `envbuild image`")


def python_of(recorded: Recorded, own: Sequence[Part], blobs: Blobs) -> Venv:
    """The Python of the image. Raises as `read_venv`."""
    if recorded.conda:
        return Venv(executable=f"/{_LINK}", version=recorded.conda, own=True)
    return read_venv(blobs, own[server_index(own)].layer)


def read_venv(blobs: Blobs, layer: Layer) -> Venv:
    """The Python that the image's virtual environment names. BaseImageError, IntegrityError."""
    found = read_layer(blobs, layer, keep=_SETTINGS.__eq__, hashed=lambda _: False)
    link = found.entries.get(_LINK)
    text = found.texts.get(_SETTINGS, b"").decode("utf-8", "replace")
    said = dict(line.partition(" = ")[::2] for line in text.splitlines())
    if link is None or not link.target.startswith("/") or not said.get("version"):
        raise BaseImageError(
            f"the image's /{PREFIX} does not name the Python of a base", hint="build it anew with `envbuild image`"
        )
    return Venv(executable=link.target, version=said["version"])


def on_python(part: Part, blobs: Blobs, store: Store, before: Venv, after: Venv) -> Part:
    """The server's layer as a build for the Python `after` writes it; `part` itself where that is `before`.

    BaseImageError where the layer is not what envbuild writes.
    """
    return with_content(part, blobs, store, _content(before), _content(after))


def _content(venv: Venv) -> Content:
    """As the planner has it."""
    home = posixpath.dirname(venv.executable)
    text = f"home = {home}\ninclude-system-site-packages = false\nversion = {venv.version}\n"
    return Content(texts={_SETTINGS: text}, links={_LINK: venv.executable})
