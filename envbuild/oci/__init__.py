"""OCI images from plain values: tar, wheel, layer, image, store, layout and archive. Knows nothing of MLflow."""
