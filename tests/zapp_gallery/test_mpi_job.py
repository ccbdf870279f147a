"""mpi-job: real ranks in real workers, and a launcher and workers that meet strangers."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import zoe_mpi.switchboard
from zoe_mpi.agent import SOCKET
from zoe_mpi.command import watch
from zoe_mpi.frames import ClosedError, ProtocolError, is_signed, receive, send, sign
from zoe_mpi.launch import mpirun, spread
from zoe_mpi.switchboard import NoWorkersError, Switchboard
from zoe_mpi.worker import RefusedError, work

from tests.support.gallery_runs import running
from tests.support.waiting import eventually

WHERE = """\
import os, time
from mpi4py import MPI
world = MPI.COMM_WORLD
names = world.gather(os.environ["SERVICE_NAME"])
near = world.Split_type(MPI.COMM_TYPE_SHARED).size
if world.rank == 0:
    print("ran in", sorted(names), "near", near, flush=True)
"""
FAILS = """\
import time
from mpi4py import MPI
if MPI.COMM_WORLD.rank == 1:
    raise ValueError("no such luck")
time.sleep(600)
"""
SLEEPS = """\
import time
from mpi4py import MPI
MPI.COMM_WORLD.barrier()
print("asleep", flush=True)
time.sleep(600)
"""


def test_pi_with_all_defaults(place: Path) -> None:
    with running("mpi-job", place) as run:
        assert run.wait() == 0, run.all_logs()
        log = run.log("launcher")
        assert "Rank 0 of 2: 500000 slices" in log
        assert "Rank 1 of 2: 500000 slices" in log
        assert "Pi is roughly 3.14159265" in log
        assert not list((run.workspace / ".zoe").iterdir())


def test_the_ring_goes_over_more_ranks_than_workers(place: Path) -> None:
    values = {"program": "ring", "arguments": "10", "ranks": 3, "workers": 2}
    with running("mpi-job", place, values) as run:
        assert run.wait() == 0, run.all_logs()
        assert "The token went 10 times around 3 ranks: 30 hops" in run.log("launcher")


def test_ranks_run_in_the_workers_and_know_their_neighbours(place: Path) -> None:
    values = {"program": "where.py", "ranks": 3, "workers": 2}
    with running("mpi-job", place, values, {"where.py": WHERE}) as run:
        assert run.wait() == 0, run.all_logs()
        log = run.log("launcher")
        if "all ranks run in one worker" in log:
            pytest.skip("this kernel gives no host names to processes")
        assert re.search(r"ran in \['worker0', 'worker[01]', 'worker1'\] near 2", log)


def test_a_rank_that_fails_ends_the_job(place: Path) -> None:
    with running("mpi-job", place, {"program": "fails.py"}, {"fails.py": FAILS}) as run:
        assert run.wait(timeout=40) != 0
        assert "ValueError: no such luck" in run.log("launcher")


def test_a_worker_that_dies_ends_the_job(place: Path) -> None:
    with running("mpi-job", place, {"program": "sleeps.py"}, {"sleeps.py": SLEEPS}) as run:
        eventually(lambda: run.log("launcher").count("asleep") == 2, 40, run.all_logs)
        _kill_worker(place)
        assert run.wait(timeout=30) != 0
        assert "was lost" in run.log("launcher")


def test_a_program_that_is_missing(place: Path) -> None:
    with running("mpi-job", place, {"program": "../secret.py"}) as run:
        assert run.wait(timeout=20) == 1
        assert "outside of your workspace" in run.log("launcher")


def _kill_worker(place: Path) -> None:
    """Kill the worker of this test that has the lowest index: the script, nothing else."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        environment = process.info["environ"] or {}
        command = process.info["cmdline"] or []
        if (
            environment.get("SERVICE_NAME") == "worker0"
            and environment.get("ZOE_WORKSPACE", "").startswith(str(place))
            and any(word.endswith("/zoe-mpi") for word in command)
        ):
            process.kill()
            return
    raise AssertionError("there is no worker")


def test_ranks_are_spread_evenly() -> None:
    assert spread(5, ["a", "b", "c"]) == {"a": 2, "b": 2, "c": 1}
    assert spread(1, ["a", "b"]) == {"a": 1}


def test_the_command_of_mpirun() -> None:
    command = mpirun(3, ["worker-0", "worker-1"], ["/w/mine.py", "x"])
    assert command[0] == "mpirun"
    assert command[command.index("--host") + 1] == "worker-0:2,worker-1:1"
    assert command[-5:] == ["python3", "-m", "mpi4py", "/w/mine.py", "x"]
    assert "btl_tcp_if_include" not in command
    assert "btl_tcp_if_include" in mpirun(1, ["127.1.2.3"], ["/w/mine.py"])


def test_signatures() -> None:
    proof = sign("secret", "number", "text")
    assert is_signed("secret", "number", "text", proof)
    assert not is_signed("Secret", "number", "text", proof)
    assert not is_signed("secret", "numbe", "rtext", proof)
    assert not is_signed("secret", "number", "other", proof)
    assert not is_signed("secret", "number", "text", None)


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Switchboard]:
    """A switchboard that listens at 127.77.0.1:7301 and at tmp_path/agents."""
    board = Switchboard("secret")
    async with board.listen("127.77.0.1", 7301, tmp_path / "agents"):
        yield board


class Callers:
    """Workers and agents that are played by the test."""

    def __init__(self, agents: Path) -> None:
        self._agents = agents
        self._writers: list[StreamWriter] = []

    async def worker(
        self, name: str, secret: str = "secret", distinct: bool = True
    ) -> tuple[StreamReader, StreamWriter]:
        """Call as a worker does."""
        reader, writer = await asyncio.open_connection("127.77.0.1", 7301)
        self._writers.append(writer)
        proof = sign(secret, (await receive(reader))["challenge"], name)
        await send(writer, name=name, challenge="mine", proof=proof, distinct=distinct)
        return reader, writer

    async def agent(self, worker: str) -> StreamReader:
        """Ask for a command as an agent does."""
        reader, writer = await asyncio.open_unix_connection(self._agents)
        self._writers.append(writer)
        await send(writer, worker=worker, command="true")
        return reader

    async def hang_up(self) -> None:
        """Close everything."""
        for writer in self._writers:
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def callers(board: Switchboard, tmp_path: Path) -> AsyncIterator[Callers]:
    """Callers of the switchboard."""
    callers = Callers(tmp_path / "agents")
    yield callers
    await callers.hang_up()


async def test_nobody_calls(board: Switchboard) -> None:
    with pytest.raises(NoWorkersError, match=r"No worker has called within 0.1 seconds."):
        await board.gather(patience=0.1)


async def test_a_stranger_is_refused(board: Switchboard, callers: Callers) -> None:
    reader, _ = await callers.worker("w", "guessed")
    with pytest.raises(ProtocolError, match="Refused: the proof is not made with"):
        await receive(reader)
    with pytest.raises(NoWorkersError):
        await board.gather(patience=0.1)


async def test_a_command_that_is_sent_is_signed(board: Switchboard, callers: Callers) -> None:
    reader, writer = await callers.worker("w")
    assert await board.gather(quiet=0.1) == ["w"]
    answers = await callers.agent("w")
    order = await receive(reader)
    assert is_signed("secret", "mine", order["command"], order["proof"])
    await send(writer, started=True)
    await send(writer, output="hello")
    await send(writer, exit=3)
    assert [await receive(answers) for _ in range(3)][1:] == [{"output": "hello"}, {"exit": 3}]
    assert not board.failure.done()


async def test_workers_that_look_alike_are_used_alone(board: Switchboard, callers: Callers) -> None:
    await callers.worker("a", distinct=False)
    await callers.worker("b")
    assert await board.gather(quiet=0.2) == ["a"]


async def test_a_worker_that_hangs_is_a_failure(
    board: Switchboard, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoe_mpi.switchboard, "ANSWER", 0.2)
    await callers.worker("w")
    await board.gather(quiet=0.1)
    with pytest.raises(ProtocolError, match="Refused: no answer within"):
        await receive(await callers.agent("w"))
    assert await board.failure == "The worker w was lost. It does not answer."


async def test_a_worker_that_goes_away_is_a_failure(board: Switchboard, callers: Callers) -> None:
    reader, writer = await callers.worker("w")
    await board.gather(quiet=0.1)
    answers = await callers.agent("w")
    await receive(reader)
    await send(writer, started=True)
    writer.close()
    assert await receive(answers) == {"started": True}
    with pytest.raises(ProtocolError, match="Refused: The connection was closed"):
        await receive(answers)
    assert "The worker w was lost" in await board.failure


@pytest.mark.parametrize(("lost", "code"), [(True, 1), (False, 0)])
async def test_a_loss_that_mpirun_has_noticed_first_is_a_failure(
    board: Switchboard, callers: Callers, capsys: pytest.CaptureFixture[str], lost: bool, code: int
) -> None:
    """It ends with 0 then."""
    reader, writer = await callers.worker("w")
    await board.gather(quiet=0.1)
    answers = await callers.agent("w")
    await receive(reader)
    await send(writer, started=True)
    await receive(answers)
    mpirun = await asyncio.create_subprocess_exec("true")
    await mpirun.wait()

    watching = asyncio.ensure_future(watch(mpirun, board))
    await asyncio.wait({watching}, timeout=0.2)
    if not lost:
        await send(writer, exit=0)
    writer.close()

    assert await watching == code
    assert ("The worker w was lost" in capsys.readouterr().err) is lost


async def test_an_unknown_worker_cannot_be_asked(board: Switchboard, callers: Callers) -> None:
    with pytest.raises(ProtocolError, match="Refused: it has not called"):
        await receive(await callers.agent("w"))


async def test_a_worker_refuses_a_command_without_the_signature(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    answers: list[str] = []

    async def stranger(reader: StreamReader, writer: StreamWriter) -> None:
        await send(writer, challenge="c")
        await receive(reader)
        await send(writer, command=f"touch {trace}", proof="0" * 64)
        try:
            await receive(reader)
        except ProtocolError as error:
            answers.append(str(error))
        writer.close()

    async with await asyncio.start_server(stranger, "127.77.0.2", 7301):
        with pytest.raises(RefusedError, match="A command without the right signature"):
            await asyncio.wait_for(work("127.77.0.3", "127.77.0.2", 7301, "secret"), 10)
    assert answers == ["Refused: the command has no right signature"]
    assert not trace.exists()


async def test_a_worker_with_another_secret_gives_up(board: Switchboard) -> None:
    with pytest.raises(RefusedError, match="The launcher does not accept this worker"):
        await asyncio.wait_for(work("127.77.0.3", "127.77.0.1", 7301, "other"), 10)


async def test_a_worker_runs_a_command_and_calls_again(
    board: Switchboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SOCKET, str(tmp_path / "agents"))
    worker = asyncio.ensure_future(work("127.77.0.3", "127.77.0.1", 7301, "secret"))
    for number in (1, 2):
        assert await board.gather(patience=10, quiet=0.1) == ["127.77.0.3"]
        agent = await asyncio.create_subprocess_exec(
            str(Path(zoe_mpi.__file__).parents[1] / "zoe-mpi-agent"),
            "127.77.0.3", f"echo round {number};", "exit", "4",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await agent.communicate()
        assert errors.decode() == f"round {number}\n"
        assert agent.returncode == 4
    worker.cancel()


async def test_a_connection_that_ends() -> None:
    reader = StreamReader()
    reader.feed_eof()
    with pytest.raises(ClosedError, match="The connection was closed"):
        await receive(reader)


@pytest.mark.parametrize("line", [b"[1]\n", b"3\n", b"hello\n"])
async def test_a_line_without_meaning(line: bytes) -> None:
    reader = StreamReader()
    reader.feed_data(line)
    with pytest.raises(ProtocolError):
        await receive(reader)
