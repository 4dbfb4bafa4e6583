"""Databases without a schema, beside those of all tests."""

from tests.storage.databases import empty_database

__all__ = ["empty_database"]
