"""Packages that are there as source alone: found, built in a sandbox of the base, and kept as wheels.

Nothing of such a package runs outside the sandbox, and nothing at all without `--allow-build`.
"""
