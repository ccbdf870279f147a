"""What the shim and the master both need to know of processes and files.

It imports next to nothing, because every start of an instance waits for it; see ``shim``.
"""

import os


def stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third, the state, on (proc(5)).

    The second is a name in brackets, which may hold blanks and brackets itself.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when it has ended."""
    try:
        fields = stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in b"ZX" else fields[19].decode()


def boot_id() -> str:
    """What tells this boot of the machine from others: process ids and ticks begin anew."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def write_atomically(name: str, content: str) -> None:
    """Write a file that others see whole or not at all; OSError leaves nothing behind."""
    temporary = f"{name}.{os.urandom(8).hex()}"
    try:
        with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(content)
        os.replace(temporary, name)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def read(name: str) -> str | None:
    """The content of a file; None when there is none."""
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def descendants(ancestor: int) -> list[int]:
    """All living processes below ``ancestor``."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(stat(int(name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(name))
    found = list(children.get(ancestor, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found
