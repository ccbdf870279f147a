"""Lets the master have as many files open as the system allows it."""

from __future__ import annotations

import resource

from zoe_master.backends.docker.engine import Log


def allow_open_files(log: Log) -> None:
    """Raise the soft limit of this process to the hard one.

    The log of each running container is a connection and a file here, so that the usual 1024 would
    do for some 500. Programs that wait with select(2) break above that: nothing here does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # a hard limit above what the kernel allows by now
        log.warning("No more than %d files can be open: %s", soft, error)
