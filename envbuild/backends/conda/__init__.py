"""Conda packages become layers: laid down by rattler in a folder beside the store, then written as tars."""

LAYOUT_REVISION = 1
"""Raise it when equal packages would give other bytes than before: another release line of rattler may do that too."""
