"""Fixtures for every test."""

from tests.support.postgres import database, database_url, office, postgres

__all__ = ["database", "database_url", "office", "postgres"]
