"""Conda packages: which of them an environment needs, from which channels, and what is in them.

Nothing here imports rattler or conda_lock until packages have to be chosen or a conda-lock.yml is read or written.
"""
