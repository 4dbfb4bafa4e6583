"""The evidence bundle of a statement: made, published, checked and recomputed from its bytes alone."""
