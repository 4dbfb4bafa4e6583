"""One file per measure: columns to kernels to bounds to determinations."""
