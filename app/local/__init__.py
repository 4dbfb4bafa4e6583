"""Database and broker servers on this machine, for the demo and the tests."""
