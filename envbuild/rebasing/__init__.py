"""An image of envbuild on another base: its own layers stay, those of the base are exchanged."""
