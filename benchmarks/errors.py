"""What stops a benchmark."""

from __future__ import annotations


class BenchError(Exception):
    """The figures cannot be taken; the message says why and what to do. Nothing is written then."""
