"""The default back-end: instances are local processes, for one person on one machine."""

from zoe_master.backends.process.backend import ProcessBackend

__all__ = ["ProcessBackend"]
