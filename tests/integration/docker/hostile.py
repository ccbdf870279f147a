"""Hostile ZApps: what a person may hand in who means harm, and what must come of it."""

import io
import os
import shlex
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.docker_engine import TEST_IMAGE, DockerEngine

HOSTILE_IMAGE = "zoe/hostile:latest"
"""Wants to run as root, says that it is somebody else's, and brings what may give it power."""

# The address of the machine in the container's own network.
_GATE = "gate=$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')"

_ENDED = "mallory ended it"
_FULL = "what follows is not kept"

PIDS_LIMIT = 64
LOG_LIMIT = 2**20  # bytes
MEMORY = 64 * 2**20  # bytes

_INSTRUCTIONS = [
    "USER root",
    "VOLUME /precious",
    "ENV LD_PRELOAD=/bin/evil.so PATH=/bin ZOE_UID=0",
    "LABEL zoe.deployment=c0ffee00-0000-4000-8000-000000000000 zoe.execution=1",
    'CMD ["sleep", "infinity"]',
]


def add_hostile_image(engine: DockerEngine) -> None:
    """Import it."""
    name, _, tag = HOSTILE_IMAGE.partition(":")
    engine.client.api.import_image_from_data(_hostile_system(), name, tag, _INSTRUCTIONS)


def _hostile_system() -> bytes:
    """Busybox, once more with the bit that makes programs run as root, and the machine's disk."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for directory in ("bin", "dev", "etc", "precious", "proc", "sys", "tmp"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(entry)
        busybox = Path("/bin/busybox").read_bytes()
        for name, mode in (("busybox", 0o755), ("busybox-root", 0o4755)):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.mode, entry.size = mode, len(busybox)
            tar.addfile(entry, io.BytesIO(busybox))
        for name in ("cat", "dd", "echo", "id", "sh", "sleep"):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        disk = tarfile.TarInfo("disk")
        device = os.stat("/").st_dev
        disk.type, disk.mode = tarfile.BLKTYPE, stat.S_IFBLK | 0o666
        disk.devmajor, disk.devminor = os.major(device), os.minor(device)
        tar.addfile(disk)
    return content.getvalue()


def description(**fields: Any) -> dict[str, Any]:
    """A description of one service; fields of the service may be given."""
    service = {
        "name": "main",
        "image": TEST_IMAGE,
        "monitor": True,
        "total_count": 1,
        "essential_count": 1,
        "command": "true",
        "resources": {"memory": {"min": MEMORY, "max": MEMORY}, "cores": {"min": 0.01}},
    }
    return {"name": "hostile", "version": 4, "services": [service | fields]}


def shell(script: str) -> str:
    """The command that runs a script."""
    return shlex.join(["sh", "-c", script])


@dataclass(frozen=True)
class Refused:
    """What is refused when it is handed in; ``says`` is in the answer."""

    fields: dict[str, Any]
    says: str
    status: int = 422


@dataclass(frozen=True)
class Attack:
    """What is started: a service with ``fields``, in a description with ``more``.

    ``reason`` is a regular expression for why it ended, as people read it, ``prints`` and ``hides``
    are such for what its output must and must not hold. ``until``: its owner, mallory, ends it when
    its output holds this.
    """

    fields: dict[str, Any]
    status: str = "terminated"
    reason: str = "has finished"
    prints: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    until: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def attack(script: str, **expected: Any) -> Attack:
    """A script that is run by a shell, its output in order."""
    service = expected.pop("service", {})
    return Attack({"command": shell(f"exec 2>&1; {script}"), **service}, **expected)


def _volume(path: str, name: str = "data") -> dict[str, Any]:
    return {"volumes": [{"name": name, "path": path}]}


REFUSED = {
    "host path": Refused(_volume("/etc"), "has allowed no directory"),
    "docker socket": Refused(_volume("/var/run/docker.sock"), "has allowed no directory"),
    "dots in a host path": Refused(_volume("/srv/../etc"), "an absolute path without . or .."),
    "dots in a volume": Refused(_volume("/etc", "../../etc"), "letters, digits and . _ -"),
    "colons in a volume": Refused(_volume("/etc", "x:rw"), "letters, digits and . _ -"),
    "dots in a service": Refused({"name": "../../other"}, "must be letters, digits and hyphens"),
    "privileged": Refused({"privileged": True}, "privileged"),
    "capabilities": Refused({"cap_add": ["ALL"]}, "cap_add"),
    "devices": Refused({"devices": ["/dev/sda"]}, "devices"),
    "root": Refused({"user": "root"}, "user"),
    "host processes": Refused({"pid_mode": "host"}, "pid_mode"),
    "host network": Refused({"network": "host"}, "has allowed no network"),
    "an option as image": Refused({"image": "--privileged"}, "must be the name of an image"),
    "forged label": Refused({"labels": ["zoe.deployment=x"]}, "zoe.deployment=x"),
    "forged variable": Refused({"environment": [["A=B", "x"]]}, "a name must be letters"),
    "NUL in a variable": Refused({"environment": [["A", "x\0y"]]}, "without NUL"),
    "NUL in a command": Refused({"command": "echo \0"}, "must not contain NUL"),
    "command of a megabyte": Refused(
        {"command": "echo " + "x" * 900_000}, "has 900005 characters, must have 1 to 32768"
    ),
    "variable of a megabyte": Refused(
        {"environment": [["A", "x" * 900_000]]}, "at most 32768 characters"
    ),
    "more than a megabyte": Refused(
        {"environment": [[f"A{number}", "x" * 32_000] for number in range(40)]}, "1 MB", status=413
    ),
    "ten thousand ports": Refused(
        {"ports": [{"name": f"p{each}", "port_number": each} for each in range(1, 10_001)]},
        "services[0].ports: is a list of 10000: must have at most 64 entries",
    ),
    "more than there is": Refused(
        {"total_count": 1000, "essential_count": 1000}, "at once; the nodes"
    ),
}


def attacks(victim: str, victim_address: str) -> dict[str, Attack]:
    """All that is started; the victim is another user's execution, which listens on port 7000."""
    return _on_privileges() | _on_resources() | _on_others(victim, victim_address) | _on_endings()


def _on_privileges() -> dict[str, Attack]:
    """To be root, or to reach what belongs to the machine."""
    return {
        "an image that wants to be root": attack(
            "id -u; busybox-root id -u; echo said $ZOE_UID; "
            # busybox drops a right that it has not been given, so the kernel is asked, too.
            "grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; "
            "dd if=/disk of=/dev/null count=1; echo x > /precious/x; echo done",
            service={"image": HOSTILE_IMAGE},
            prints=(
                r"\A1000\n1000\nsaid 1000\nCapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1\n",
                "'/disk': Operation not permitted",
                "/precious/x: Permission denied",
            ),
        ),
        "mount": attack(
            "mount -t tmpfs x /etc; mknod /tmp/disk b 8 0; chroot / id; unshare -r id; "
            "unshare -m id; nsenter -t 1 -m id; ls -d /proc/[0-9]* | wc -l; echo done",
            prints=(r"^[1-9]\ndone\n\Z",),
            hides=("uid=",),
        ),
        "kernel": attack(
            "for each in /proc/sysrq-trigger /proc/sys/kernel/hostname /sys/power/state; do "
            "[ -w $each ] && echo open $each; done; hostname evil; echo done",
            prints=("not permitted", r"done\n\Z"),
            hides=("open",),
        ),
        "privileged port": attack(
            f"nc -l -p 80 & sleep 0.2; {_GATE}; echo gate $gate; "
            "nc -w 1 $gate 80 </dev/null && echo through; kill $!; echo done",
            prints=(r"gate [0-9]+\.", r"done\n\Z"),
            hides=("through",),
        ),
        "variables": Attack(
            {
                "command": "/bin/sh -c 'echo $ZOE_UID $ZOE_WORKSPACE'",
                "environment": [
                    ["LD_PRELOAD", "/workspace/evil.so"],
                    ["DOCKER_HOST", "tcp://evil:1"],
                    ["PATH", "/workspace"],
                    ["ZOE_UID", "0"],
                    ["ZOE_WORKSPACE", "/"],
                ],
            },
            prints=(r"\A1000 /workspace\n\Z",),
        ),
    }


def _on_resources() -> dict[str, Attack]:
    """To take what others need, or to fill the machine."""
    # The engine may lose the news of the memory: see test_isolation.
    too_much = r"killed: it used more than 64 MB|ended by signal 9 \(Killed\)"
    fill = "exec dd if=/dev/zero bs=1M count=200 of="
    shared = {"memory": {"min": MEMORY, "max": MEMORY}, "shm": 2**30}
    variables = [[f"A{number}", "x" * 32_000] for number in range(28)]
    return {
        "fork bomb": attack(
            "bomb() { bomb | bomb & }; bomb; sleep 1000", until="fork", reason=_ENDED
        ),
        "memory": attack("exec tail -c 200m /dev/zero", status="error", reason=too_much),
        "memory in files": attack(
            f"{fill}/tmp/x", service={"image": HOSTILE_IMAGE}, status="error", reason=too_much
        ),
        "shared memory": attack(
            f"{fill}/dev/shm/x", service={"resources": shared}, status="error", reason=too_much
        ),
        "flood": attack(
            "yes | head -c 40m; echo; echo all; sleep 1000", until=_FULL, reason=_ENDED
        ),
        "one long line": attack(
            "head -c 20m /dev/zero | tr '\\0' x; sleep 1000", until=_FULL, reason=_ENDED
        ),
        "endless loop": attack(
            "while :; do :; done", more={"runtime_limit": 3}, reason="runtime limit"
        ),
        "large environment": attack(
            "echo ${#A27}", service={"environment": variables}, prints=(r"\A32000\n",)
        ),
    }


def _on_others(victim: str, victim_address: str) -> dict[str, Attack]:
    """To get at other users, or at Zoe."""
    return {
        "other workspaces": attack(
            "ls -a /workspace/.. /home /root; cat ../alice/secret; "
            "find / -name secret -exec cat {} \\; ; echo done",
            prints=(r"done\n\Z",),
            hides=("s3cr3t", "^alice"),
        ),
        "other networks": attack(
            f"for each in {victim} {victim_address}; do "
            "nc -w 2 $each 7000 </dev/null && echo reached; done; echo done",
            prints=("bad address", r"done\n\Z"),
            hides=("reached", "hello"),
        ),
        "another's name": attack(
            f"nslookup {victim}; echo done",
            service={"name": victim},
            prints=(r"done\n\Z",),
            hides=(victim_address.replace(".", r"\."),),
        ),
        "engine": attack(
            "ls /var/run/docker.sock /run/docker.sock /run/containerd; "
            f"{_GATE}; "
            "for port in 2375 2376 2377; do nc -w 1 $gate $port </dev/null && echo open; done; "
            "echo done",
            prints=("No such file", r"done\n\Z"),
            hides=("open", r"^/(var/)?run"),
        ),
        "a way out of the workspace": attack(
            "pwd -P",
            service={"work_dir": "way/zoe-was-here"},
            status="error",
            reason="work_dir 'way/zoe-was-here' of main-0 is not a directory in the workspace",
        ),
        "dots in the working directory": attack(
            "pwd -P",
            service={"work_dir": "../../../../etc"},
            status="error",
            reason=r"work_dir '\.\./\.\./\.\./\.\./etc' of main-0 leads out of the workspace",
        ),
        "its own workspace": attack(
            "[ -e again ] && echo back && exit 0; rm -rf /workspace; touch again; exit 1",
            service={"restart": "on-failure"},
            prints=("back",),
        ),
        "terminal": attack(
            "printf '\\0\\033]0;evil\\007\\033[2J<script>alert(1)</script>\\n'",
            prints=(r"\A\0\x1b\]0;evil\x07\x1b\[2J<script>",),
        ),
    }


def _on_endings() -> dict[str, Attack]:
    """To never start, never end, or to do both all the time."""
    return {
        "no such image": Attack(
            {"image": "no.invalid/such:image"},
            status="error",
            reason=r"no image 'no\.invalid/such:image' on this node, and it cannot be fetched",
        ),
        "impossible image": Attack({"image": "UPPER/case"}, status="error", reason="UPPER/case"),
        "no such command": Attack(
            {"command": "no-such-command"},
            status="error",
            reason="The command 'no-such-command' was not found",
        ),
        "no program": Attack(
            {"command": "/etc"}, status="error", reason="The command '/etc' cannot be run"
        ),
        "deaf": attack(
            "trap '' TERM; echo armed; while :; do sleep 1; done",
            until="armed",
            reason="It did not end within 2 s and was killed",
        ),
        "ends at once": Attack({"command": "true"}),
        "fails at once": Attack({"command": "false"}, status="error", reason="exit code 1"),
        "fails again and again": Attack(
            {"command": "false", "restart": {"policy": "on-failure", "count": 3}},
            status="error",
            reason="exit code 1",
        ),
        "kills all": attack(
            "kill -9 -1; kill -9 1; echo done; exit 1",
            status="error",
            reason="signal 9|exit code 1",
        ),
    }
