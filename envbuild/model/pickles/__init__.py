"""What a model's pickles say of themselves, found without unpickling anything.

Read are pickles of all protocols, plain or compressed (zlib, gzip, bzip2, xz), joblib files, the pickles inside zip
archives (PyTorch), and the schema of skops files. Everything is capped: this tells what a model needs, it is no
security check.
"""

from __future__ import annotations

from .reading import modules_of
from .scanning import CACHE_REVISION, Cache, from_json, imported_modules, scan, to_json

__all__ = ["CACHE_REVISION", "Cache", "from_json", "imported_modules", "modules_of", "scan", "to_json"]
