"""Several machines on one: namespaces on a bridge, each with an address and room for an engine."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_numbers = itertools.count()  # one process may have several bridges

_ENTER = 'mount --make-rprivate / && mount --bind "$1" /run/docker && ip link set lo up && '
_SCRIPT = f'{_ENTER} hostname "$2" && echo ready && exec cat'


@dataclass(frozen=True, slots=True)
class Machine:
    """One of them: what ``enter`` is put before runs there. ``address`` is known to all others."""

    name: str
    address: str
    pid: int

    @property
    def enter(self) -> list[str]:
        """The beginning of a command that runs on this machine.

        ``ip netns exec`` would hide the control groups.
        """
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--uts", "--"]


@contextmanager
def machines(directory: Path, *names: str) -> Iterator[list[Machine]]:
    """Machines that reach each other and are reached from here; needs root.

    A machine is there for as long as the process that holds its namespaces, which ends with us,
    however that happens. So its mounts and its network survive an engine that is killed.
    """
    if os.getuid() != 0:
        pytest.skip("SEVERAL ENGINES ARE NOT TESTED: only root can make namespaces")
    if shutil.which("ip") is None:
        pytest.skip("SEVERAL ENGINES ARE NOT TESTED: ip is missing (apt install iproute2)")
    Path("/run/docker").mkdir(exist_ok=True)
    number = next(_numbers)
    subnet = f"10.203.{(os.getpid() + 101 * number) % 256}"
    bridge = f"zoe{number}-{os.getpid() % 100_000}"
    with ExitStack() as stack:
        _run("ip", "link", "add", bridge, "type", "bridge")
        stack.callback(_run, "ip", "link", "del", bridge)
        _run("ip", "address", "add", f"{subnet}.1/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        # An engine on this machine forbids all that is forwarded, bridges included.
        rule = ("FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT")
        _run("iptables", "--wait", "-I", *rule)
        stack.callback(_run, "iptables", "--wait", "-D", *rule)
        yield [
            stack.enter_context(_machine(directory / name, name, f"{subnet}.{number}", bridge))
            for number, name in enumerate(names, 2)
        ]


@contextmanager
def _machine(directory: Path, name: str, address: str, bridge: str) -> Iterator[Machine]:
    directory.mkdir(parents=True)
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "--uts", "sh", "-c", _SCRIPT, "sh", str(directory), name],
        stdin=subprocess.PIPE,  # `cat` ends when we do
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"ready\n"
        machine = Machine(name, address, holder.pid)
        _connect(machine, bridge)
        yield machine
    finally:
        holder.stdin.close()
        holder.wait(30)
        holder.stdout.close()


def _connect(machine: Machine, bridge: str) -> None:
    outside = f"{bridge}-{machine.address.rpartition('.')[2]}"
    inside = ("eth0", "netns", str(machine.pid))
    _run("ip", "link", "add", outside, "type", "veth", "peer", "name", *inside)
    _run("ip", "link", "set", outside, "master", bridge, "up")
    _run(*machine.enter, "ip", "address", "add", f"{machine.address}/24", "dev", "eth0")
    _run(*machine.enter, "ip", "link", "set", "eth0", "up")
    gateway = f"{machine.address.rpartition('.')[0]}.1"
    _run(*machine.enter, "ip", "route", "add", "default", "via", gateway)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
