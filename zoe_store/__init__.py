"""Postgres: the tables, their migrations, and every query that Zoe makes.

All of it blocks: callers on an event loop run it in a thread.
"""
