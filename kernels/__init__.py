"""Array kernels under Numba: arrays in, integers out; imports numpy and numba only."""
