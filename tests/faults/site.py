"""A deployment with real processes whose acting master is killed, and whose standby takes over."""

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil

from tests.faults.armed_master import ORDER
from tests.faults.chaos.checks.history import check_history
from tests.faults.chaos.checks.remains import check_remains
from tests.faults.chaos.evidence import collect
from tests.faults.chaos.ground import ProcessGround
from tests.faults.phases import CORES, NODE_CORES
from tests.support.builders import GB, START
from tests.support.masters import MasterProcess
from tests.support.submissions import submit
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_core.zapp import ZApp
from zoe_master.backends.process.files import InstanceFiles
from zoe_store import executions
from zoe_store.checkpoints import Checkpoint
from zoe_store.cluster import master_record, reserved_by_node
from zoe_store.database import Database
from zoe_store.events import read_events
from zoe_store.executions import ExecutionRecord, instances_of

SUCCESS = ["queued", "starting", "running", "cleaning_up", "terminated"]


class CrashSite:
    """``acting`` is in office; ``standby`` waits for it, so that no test waits for a start."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.database = Database(url)
        self._ground = ProcessGround(directory)
        self.workspace = directory / "workspaces" / "alice"
        self.acting = self._master()
        self.acting.start()
        self._epoch = self._newest_epoch()
        self.standby = self._stand_by()

    def close(self) -> None:
        for each in (self.standby, self.acting):
            each.close()
        self.database.close()

    def _master(self) -> MasterProcess:
        return MasterProcess(
            self.url,
            self.directory,
            module="tests.faults.armed_master",
            backend={"cores": float(NODE_CORES), "memory": GB},
            relist_interval=0.5,
            stop_grace=1.0,
        )

    def _newest_epoch(self) -> int:
        return master_record(self.database).epoch

    def _stand_by(self) -> MasterProcess:
        standby = self._master()
        standby.launch()
        return standby

    # --- crashes ---

    def arm(self, point: Checkpoint, nth: int = 1) -> None:
        """From now on the acting master crashes there."""
        order = self.directory / ORDER
        order.write_text(f"{point}@{nth}")
        assert self.acting.process is not None
        self.acting.process.send_signal(signal.SIGUSR1)
        eventually(lambda: not order.exists())

    def await_crash(self) -> None:
        """The acting master dies where it was told to, and the other one takes over."""
        assert self.acting.process is not None
        assert self.acting.process.wait(30) == -signal.SIGKILL
        self.acting.close()
        before = self._epoch
        self._epoch = eventually(lambda: (new := self._newest_epoch()) > before and new)
        self.acting, self.standby = self.standby, self._stand_by()

    def replace_standby(self, **environment: str) -> None:
        """By one with other variables."""
        self.standby.close()
        self.standby = self._master()
        self.standby.launch(**environment)

    def run_customer(self, point: Checkpoint, what: str, which: str) -> None:
        """A process that dies there while it submits, or wishes an end."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.customer", self.url, what, which],
            env={"ZOE_CRASH_AT": point},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL

    # --- what the hub does ---

    def submit(self, description: ZApp, **fields: str) -> int:
        return submit(self.database, description, **fields)

    def wish_end(self, one: int) -> None:
        assert executions.request_termination(self.database, one, "alice", "Enough.", START)

    def let_finish(self, one: int) -> None:
        """Let its main instance end by itself."""
        (self.workspace / f"finish-{one}").touch()

    # --- what must come of it ---

    def record(self, one: int) -> ExecutionRecord:
        found = executions.get(self.database, one)
        assert found is not None
        return found

    def until(self, one: int, status: str) -> None:
        eventually(lambda: self.record(one).status == status, message=lambda: str(self.record(one)))

    def run(self, one: int, **counts: int) -> None:
        """Wait until it runs with so many instances of each service, and nothing else is left."""
        self.until(one, "running")

        def all_run() -> bool:
            rows = instances_of(self.database, [one])[one]
            held = [row for row in rows if row.observed not in ("exited", "lost")]
            assert {row.observed for row in held} == {"running"}, rows
            assert Counter(row.service for row in held) == counts, rows
            return True

        eventually(all_run)
        self._reservations_are_exact()

    def finish(self, one: int) -> None:
        """Let it finish; it was once through all statuses, and succeeded once."""
        self.let_finish(one)
        self.ends(one, "-0 has finished.", SUCCESS)
        succeeded = self._ground.runs().succeeded.elements()
        assert len([each for each in succeeded if each.startswith(f"{one}/")]) == 1

    def ends(self, one: int, reason: str, moves: list[str]) -> None:
        """Wait for its end: terminated, for that reason, after these moves."""
        self.until(one, "terminated")
        assert str(self.record(one).reason).endswith(reason)
        told = read_events(self.database, after=0, execution_id=one)
        assert [each.data["to"] for each in told if each.kind == "status"] == moves

    def _reservations_are_exact(self) -> None:
        """What the database holds is what the back-end has."""

        def exact() -> bool:
            running = self._running()
            held = {name: amount.cores for name, amount in reserved_by_node(self.database).items()}
            assert sum(held.values()) == sum(CORES[each] for each in running), (held, running)
            return True

        eventually(exact)

    def _running(self) -> list[str]:
        """The services of the instances that the back-end has, by their files."""
        deployment = master_record(self.database).uuid
        found = []
        for path in (self.directory / "process" / "instances").iterdir():
            known = InstanceFiles(path).identity(deployment)
            if known is not None and InstanceFiles(path).shim() is not None:
                found.append(known[0].service)
        return found

    def check_all(self) -> None:
        """Nothing is lost, doubled or left, once all has ended."""
        evidence = collect(self.database)
        assert list(check_history(evidence)) == []
        assert list(check_remains(evidence, [*self._ground.leftovers(), *self._shims()])) == []
        begun = self._ground.runs().begun
        assert {each: count for each, count in begun.items() if count > 1} == {}
        assert reserved_by_node(self.database) == {}
        assert not (self.workspace / "overlaps").exists(), "two attempts of one instance at once"
        assert [each for each in self._noted() if each[1] not in self._kept_log(each[0])] == []

    def _noted(self) -> list[tuple[InstanceId, str]]:
        """The lines that instances have noted, after they printed them."""
        marker = re.compile(r".* zoe-\w+-(\d+)-(\w+)-(\d+)-(\d+)")
        found = []
        for file in (self.workspace / "runs", self.workspace / "stops"):
            for line in file.read_text().splitlines() if file.exists() else ():
                match = marker.fullmatch(line)
                assert match, line
                execution, service, index, attempt = match.groups()
                found.append((InstanceId(int(execution), service, int(index), int(attempt)), line))
        return found

    def _kept_log(self, one: InstanceId) -> list[str]:
        file = self.directory / "logs" / str(one.execution_id) / f"{one.name}.{one.attempt}.log"
        return file.read_text().splitlines() if file.exists() else []

    def _shims(self) -> list[str]:
        """Shims do not carry the marker of their instance, but its directory as an argument."""
        inside = str(self.directory / "process" / "instances")
        return [
            str(each)
            for each in psutil.process_iter(["cmdline"])
            if any(word.startswith(inside) for word in each.info["cmdline"] or ())
        ]
