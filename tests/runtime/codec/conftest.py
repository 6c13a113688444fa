"""Modules beside the tests can be imported, as in the models' environment, where pytest runs without this file."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
