"""Signatures of images in registries, made and checked by sigstore's own program, cosign."""
