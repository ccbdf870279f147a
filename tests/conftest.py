"""Fixtures for every test."""

from hypothesis import settings

from tests.support.postgres import database, database_url, office, postgres

__all__ = ["database", "database_url", "office", "postgres"]

# No test asserts a time: by default Hypothesis fails one that takes longer than 0.2 s.
settings.register_profile("zoe", deadline=None)
settings.load_profile("zoe")
