"""Alembic migrations; run through ``zoe_store.migrate``."""
