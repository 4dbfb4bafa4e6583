"""The command `poniente`."""
