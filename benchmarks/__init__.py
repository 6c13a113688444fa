"""Measures envbuild against the image that MLflow's own Dockerfile gives. `make bench` runs it."""
