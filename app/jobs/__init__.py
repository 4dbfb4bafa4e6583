"""One file per job; the only place that joins storage and rules."""
