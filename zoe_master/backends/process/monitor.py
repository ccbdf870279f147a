"""Notices the end of processes at once, ours or not, without looking again and again."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable


class Monitor:
    """One thread that waits on a pidfd (pidfd_open(2)) for each process, and calls what was given.

    Calls happen on that thread, one after another; they must not raise.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._state = threading.Condition()
        self._new: list[tuple[int, Callable[[], None]]] = []
        self._followed = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="zoe-process-monitor", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def add(self, pid: int, ended: Callable[[], None]) -> None:
        """Call ``ended`` when the process has ended, which may be already."""
        with self._state:
            if not self._closing:
                self._new.append((pid, ended))
                self._followed += 1
                os.write(self._waker, b"+")

    def wait_idle(self, timeout: float) -> bool:
        """Wait until all processes have ended, at most ``timeout`` seconds; whether they have."""
        with self._state:
            return self._state.wait_for(lambda: self._followed == 0, timeout)

    def close(self) -> None:
        """Stop waiting; the processes go on."""
        with self._state:
            if self._closing or not self._thread.is_alive():
                return
            self._closing = True
            os.write(self._waker, b"-")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._waker)
        self._selector.close()

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    os.read(self._wake, 4096)
                    self._take_up()
                else:
                    self._finish(key)

    def _take_up(self) -> None:
        with self._state:
            new, self._new = self._new, []
        for pid, ended in new:
            try:
                self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, ended)
            except ProcessLookupError:
                self._call(ended)

    def _finish(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fd)
        try:
            os.waitid(os.P_PIDFD, key.fd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            pass  # it was started by an earlier master
        finally:
            os.close(key.fd)
        self._call(key.data)

    def _call(self, ended: Callable[[], None]) -> None:
        ended()
        with self._state:
            self._followed -= 1
            self._state.notify_all()
