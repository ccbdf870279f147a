"""The supervisor of one instance: a small process of its own that outlives the master.

The master runs ``main`` in a Python of its own, with what to do on standard input (``Order``,
marshalled: it may hold secrets, so it is on no command line and in no file). It answers on standard
output with ``started`` or ``exists``. In the directory of the instance it writes

``started``  its own "pid start-time boot-id": whoever creates this file owns the instance
``log``      standard output and standard error of the command, up to a limit
``exit``     exit code (negative: by signal), then a sentence for people if there is more to say

and reads, when it gets SIGTERM, ``stop`` (seconds of grace, then perhaps a reason) or else ``ask``
(seconds of grace, then a signal for the command alone: to the rest it may mean nothing but death).
As a subreaper it becomes the parent of daemons that the command leaves behind, and ends them, as a
container would.

It imports little, because every start of an instance waits for it.
"""

import ctypes
import errno
import fcntl
import marshal
import os
import select
import struct
import sys
import time

TYPE_CHECKING = False  # as good to type checkers as that of typing, which takes 5 ms to import

if TYPE_CHECKING or __package__:
    from zoe_master.backends.process.primitives import (
        boot_id,
        descendants,
        read,
        start_time,
        write_atomically,
    )
else:  # in a shim our packages are not imported: they would bring the whole back-end
    from primitives import boot_id, descendants, read, start_time, write_atomically

if TYPE_CHECKING:
    import signal
    from typing import TypedDict

    class Order(TypedDict):
        """What a shim is told. Times are in seconds, ``log_limit`` is in bytes."""

        command: list[str]
        environment: dict[str, str]
        work_dir: str
        master_lock: str
        orphan_timeout: float
        grace: float
        log_limit: int

else:
    import _signal as signal  # the same without its enumerations, which take 5 ms to import

STARTED, EXISTS = b"started", b"exists"
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of commands that could not be run, as in a shell (POSIX 2.8.2)."""

LOCK = 3
"""The open file that tells a master that this shim lives, also before it has taken anything on."""

# `struct flock` of 64-bit Linux: type, whence, start, length, pid.
FLOCK = "hhqqi4x"
HEARTBEAT = 1.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def is_locked(file: int) -> bool:
    """Whether somebody else holds the lock of the open ``file``; asks without taking it."""
    question = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, question)
    return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


class Log:
    """Copies the command's output into a file until that is full; then it drains and drops it."""

    def __init__(self, limit: int) -> None:
        self.source, self.sink = os.pipe()
        os.set_blocking(self.source, False)
        self._file = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._room = limit
        self._limit = limit

    def copy(self) -> bool:
        """Copy one piece; False when there is none, after poll(2) said so: at the end."""
        try:
            data = os.read(self.source, 65536)
        except BlockingIOError:
            return False
        self._keep(data)
        return bool(data)

    def drain(self) -> None:
        """Copy all that there still is."""
        while self.copy():
            pass

    def say(self, sentence: str) -> None:
        """Add a line of our own, marked as such."""
        self._write(f"[zoe] {sentence}\n".encode(errors="backslashreplace"))

    def _keep(self, data: bytes) -> None:
        if self._room <= 0:
            return
        self._write(data[: self._room])
        self._room -= len(data)
        if self._room <= 0:
            self._write(b"\n")
            self.say(f"The log has reached {self._limit} bytes; what follows is not kept.")

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            self._room = 0  # the disk is full: the command goes on, its output is lost


class Shim:
    """One instance, from its start until all its processes are gone."""

    def __init__(self, order: "Order") -> None:
        self._order = order
        self._libc = ctypes.CDLL(None)
        self._log = Log(order["log_limit"])
        self._lock = os.open(order["master_lock"], os.O_RDONLY | os.O_CREAT, 0o600)
        self._master_seen = self._next_heartbeat = time.monotonic()
        self._stop_asked = False
        self._deadline: float | None = None
        self._sent = 0  # the last signal that asked for an end
        self._forced = "It was killed."
        self._command = 0
        self._status: int | None = None
        self._detail = ""
        self._poll = select.poll()

    def claim(self) -> bool:
        """Become the one shim of this instance; False when there is or was one already."""
        self._listen_to_signals()  # from now on we can be found
        temporary = f"started.{os.getpid()}"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {start_time(os.getpid())} {boot_id()}\n")
        try:
            os.link(temporary, "started")
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
        return True

    def start(self) -> None:
        """Run the command; when that is impossible, the instance has exited with 126 or 127."""
        self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        failed, failing = os.pipe()
        shim = os.getpid()
        self._command = os.fork()
        if self._command == 0:
            self._become_the_command(failing, shim)
        os.close(failing)
        os.close(self._log.sink)
        self._poll.register(self._log.source, select.POLLIN)
        error = os.read(failed, 16)
        os.close(failed)
        if error:
            self._detail = self._explain(int(error))
            self._log.say(self._detail)

    def supervise(self) -> None:
        """Return when the command and everything that it started is gone."""
        self._look_for_stop(asked=False)
        while self._status is None:
            for file, _ in self._poll.poll(self._patience() * 1000):
                if file == self._wake:
                    os.read(self._wake, 4096)
                elif not self._log.copy():
                    self._poll.unregister(file)
            if self._stop_asked:
                self._stop_asked = False
                self._look_for_stop(asked=True)
            self._look_for_master()
            self._force_when_due()
            self._reap()
        self._end_the_rest()
        self._log.drain()

    def record_exit(self) -> None:
        """Write ``exit``: from now on the instance counts as exited."""
        assert self._status is not None
        code = os.waitstatus_to_exitcode(self._status)
        write_atomically("exit", f"{code}\n{self._detail}")

    def _listen_to_signals(self) -> None:
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._poll.register(self._wake, select.POLLIN)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True

    def _become_the_command(self, failing: int, shim: int) -> None:
        """The child after the fork: never returns."""
        try:
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != shim:
                return  # it was killed before that; `finally` ends us
            os.setsid()
            # Python ignores SIGPIPE and SIGXFSZ, which commands would inherit.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(self._log.sink, 1)
            os.dup2(self._log.sink, 2)
            os.chdir(self._order["work_dir"])
            command = self._order["command"]
            os.execvpe(command[0], command, self._order["environment"])
        except OSError as error:
            os.write(failing, str(error.errno).encode())
            missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
            os._exit(NOT_FOUND if missing else NOT_EXECUTABLE)
        finally:
            os._exit(NOT_EXECUTABLE)

    def _explain(self, error: int) -> str:
        name = self._order["command"][0]
        if error == errno.ENOENT:
            return f"The command {name!r} was not found."
        return f"The command {name!r} cannot be run: {os.strerror(error)}."

    def _patience(self) -> float:
        """Seconds until something must be looked at again."""
        due = self._next_heartbeat
        if self._deadline is not None:
            due = min(due, self._deadline)
        return max(0.0, due - time.monotonic())

    def _look_for_stop(self, *, asked: bool) -> None:
        """Obey the word that was left; without any a SIGTERM came from elsewhere (a shutdown)."""
        word, wish = read("stop"), read("ask")
        if word is not None:
            grace, _, self._detail = word.partition("\n")
            self._stop(float(grace))
        elif wish is not None:
            grace, number = wish.split()
            self._stop(float(grace), int(number))
        elif asked:
            self._stop(self._order["grace"])

    def _look_for_master(self) -> None:
        """Stop when no master has held its lock for ``orphan_timeout``."""
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + min(HEARTBEAT, self._order["orphan_timeout"] / 2)
        if is_locked(self._lock):
            self._master_seen = now
            return
        patience = self._order["orphan_timeout"]
        if now - self._master_seen >= patience and self._sent != signal.SIGTERM:
            self._detail = "It was stopped, because no master came back."
            self._stop(self._order["grace"])

    def _stop(self, grace: float, number: int = signal.SIGTERM) -> None:
        """Send the signal, unless one was sent before; SIGTERM may follow any other.

        The earliest deadline counts.
        """
        deadline = time.monotonic() + grace
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline
            self._forced = f"It did not end within {grace:g} s and was killed."
        last = number == signal.SIGTERM != self._sent
        if grace > 0 and (last or not self._sent):
            self._sent = number
            # The command was not reaped yet, so its number is its own.
            self._signal(descendants(os.getpid()) if last else [self._command], number)

    def _force_when_due(self) -> None:
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._detail = self._detail or self._forced
            self._signal(descendants(os.getpid()), signal.SIGKILL)
            self._deadline = now + HEARTBEAT  # for what was being forked just now

    def _signal(self, pids: list[int], number: int) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue  # ended meanwhile, or became another user's by sudo

    def _reap(self) -> None:
        """Collect who ended; sets the status when the command itself is among them."""
        while self._status is None:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._command:
                self._status = status

    def _end_the_rest(self) -> None:
        """End what the command left behind; no children means no descendants (subreaper)."""
        try:
            while True:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    self._signal(descendants(os.getpid()), signal.SIGKILL)
                    os.waitpid(-1, 0)
        except ChildProcessError:
            return


def read_order() -> "Order":
    """The whole of standard input; EOFError or ValueError when the master died while writing."""
    with open(0, "rb", closefd=False) as file:
        order: Order = marshal.loads(file.read())
    return order


def answer(word: bytes) -> None:
    """Tell the master and let go of its pipes."""
    try:  # noqa: SIM105 -- contextlib takes a while to import
        os.write(1, word)
    except BrokenPipeError:
        pass  # it died: the next one finds us by our files
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)


def main() -> None:
    """Be the shim of the instance whose directory is the only argument."""
    os.closerange(LOCK + 1, 1 << 20)  # whatever the master's libraries left inheritable
    os.set_inheritable(LOCK, False)
    order = read_order()
    os.chdir(sys.argv[1])
    shim = Shim(order)
    if not shim.claim():
        answer(EXISTS)
        return
    shim.start()
    answer(STARTED)
    shim.supervise()
    shim.record_exit()
