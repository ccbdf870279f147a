"""The client that widgets and magics share when they are given none."""

from __future__ import annotations

from functools import cache

from zoe_client._client import Client


@cache
def default_client() -> Client:
    """A client that finds Zoe and the token by itself; always the same one. Raises NoSettings."""
    return Client()
