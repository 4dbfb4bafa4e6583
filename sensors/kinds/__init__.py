"""Kinds of reading, one file each: a module here that holds `KIND` is all that a new kind needs."""
