"""What an image is made of and how it was made, in the forms that others read: SBOMs, provenance, attestations."""
