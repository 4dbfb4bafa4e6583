"""Wiring and doors: command line, jobs, exports, local servers; nothing imports it."""
