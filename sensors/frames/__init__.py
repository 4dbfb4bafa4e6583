"""Frames of devices on a radio network, one file each: bytes and port in, what they say out; nothing else."""
