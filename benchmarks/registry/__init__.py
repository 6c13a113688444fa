"""Pushing to a registry: bytes, seconds and memory, against `docker push` and against a bare hash of the file."""
