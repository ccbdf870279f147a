"""The Docker back-end: instances are containers on one or many Docker Engines."""

from zoe_master.backends.docker.backend import DockerBackend

__all__ = ["DockerBackend"]
