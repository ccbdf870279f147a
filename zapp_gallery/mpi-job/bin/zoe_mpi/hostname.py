"""Runs a command under a host name of its own: ``python3 hostname.py <name> <command>…``.

Open MPI tells nodes apart by their host names. Containers have different ones; processes of one
machine get them here, each in a UTS namespace of its own (``unshare(2)``, ``user_namespaces(7)``).
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

_NEW_UTS, _NEW_USER = 0x04000000, 0x10000000  # <linux/sched.h>


def take_name(name: str) -> None:
    """Give this process and its children the host name ``name``. Raises OSError."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_UTS | (_NEW_USER if user else 0)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user:  # who is not root may do it in a user namespace, in which she stays who she is
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    socket.sethostname(name)


if __name__ == "__main__":
    try:
        take_name(sys.argv[1])
    except OSError as error:
        sys.exit(f"No host name of its own: {error.strerror}")
    os.execvp(sys.argv[2], sys.argv[2:])
