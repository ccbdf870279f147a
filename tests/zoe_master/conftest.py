"""A fake engine, and the hub's end of the wire to masters."""

from tests.support.masters import engine, hub

__all__ = ["engine", "hub"]
