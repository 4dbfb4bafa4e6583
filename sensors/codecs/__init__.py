"""One file per format: bytes in, readings or a rejection out."""
