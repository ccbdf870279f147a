"""The command line: which part of the cluster this instance is."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from zoe_spark.child import run_child
from zoe_spark.leaving import leave
from zoe_spark.program import ProgramError, find_program
from zoe_spark.settings import (
    bind_address,
    heap,
    process_environment,
    worker_cores,
    write_configuration,
)
from zoe_spark.shared import (
    MASTER_PATH,
    execution_secret,
    forget,
    publish,
    shared_directory,
)
from zoe_spark.waiting import NotReadyError, wait_for_master, wait_for_text, wait_for_worker

PORT = 7077
PAGE_PORT = 8080


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the part that the command line names; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (NotReadyError, ProgramError) as error:
        print(error, file=sys.stderr)
        return 1


def run_master(options: argparse.Namespace) -> NoReturn:
    """Become the master."""
    shared = shared_directory(os.environ)
    path = os.environ.get(f"REVERSE_PROXY_PATH_{PAGE_PORT}", "")
    publish(shared / MASTER_PATH, path)
    environment = _prepare(options.host, path, "info")
    ports = ["--port", str(PORT), "--webui-port", str(PAGE_PORT)]
    command = _daemon("master.Master", [*ports, "--host", options.host])
    os.execve(command[0], command, environment)


def run_worker(options: argparse.Namespace) -> int:
    """Run a worker, once there is a master; return its exit code."""
    wait_for_master(options.master, PORT)
    environment = _prepare(options.host, _master_path(), "info")
    cores = str(worker_cores(os.environ))
    memory = heap(os.environ.get("ZOE_MEMORY"))
    size = ["--cores", cores, "--memory", memory, "--work-dir", str(_scratch() / "work")]
    place = ["--host", options.host, f"spark://{options.master}:{PORT}"]
    return run_child(_daemon("worker.Worker", [*size, *place]), environment, leave)


def run_submit(options: argparse.Namespace) -> int:
    """Run the program on the cluster; return its exit code."""
    program = find_program(os.environ.get("SPARK_PROGRAM", "pi"), Path(os.environ["ZOE_WORKSPACE"]))
    try:
        words = shlex.split(os.environ.get("SPARK_ARGUMENTS", ""))
    except ValueError as error:
        raise ProgramError(f"The arguments cannot be split into words: {error}.") from None
    wait_for_master(options.master, PORT)
    workers = wait_for_worker(options.master, PAGE_PORT)
    print(f"Running {program.name}; workers so far: {workers}", flush=True)
    environment = _prepare(options.host, _master_path(), "warn", options.master)
    try:
        return run_child([_spark_script("spark-submit"), str(program), *words], environment)
    finally:
        forget(shared_directory(os.environ))


def run_notebook(options: argparse.Namespace) -> int:
    """Run a Jupyter single-user server whose notebooks find the cluster by themselves."""
    environment = _prepare(options.host, _master_path(), "warn", options.master)
    try:
        return run_child(["zoe-jupyter"], environment)
    finally:
        forget(shared_directory(os.environ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zoe-spark", description="Run one part of a cluster.")
    parts = parser.add_subparsers(required=True, metavar="PART")
    for run in (run_master, run_worker, run_submit, run_notebook):
        part = parts.add_parser(run.__name__.removeprefix("run_"), help=run.__doc__)
        part.add_argument("--host", required=True, help="how the others reach this instance")
        if run is not run_master:
            part.add_argument("--master", required=True, help="how to reach the master")
        part.set_defaults(run=run)
    return parser


def _prepare(host: str, master_path: str, level: str, master: str = "") -> dict[str, str]:
    """Write the settings of this instance; return the environment to run Spark in."""
    settings = {
        "spark.authenticate.secret": execution_secret(shared_directory(os.environ)),
        "spark.ui.reverseProxyUrl": master_path or "/",
        "spark.driver.host": host,
        "spark.driver.bindAddress": bind_address(host),
    }
    if master:
        settings["spark.master"] = f"spark://{master}:{PORT}"
        settings["spark.driver.memory"] = heap(os.environ.get("ZOE_MEMORY"))
        settings["spark.executor.memory"] = _executor_memory()
    configuration = write_configuration(_temporary(), settings, level)
    base = {**os.environ, "SPARK_HOME": str(_spark_home())}
    return process_environment(base, configuration, host, _scratch())


def _executor_memory() -> str:
    """Return what an executor may take: all that its worker offers.

    When it is not said how large the workers are: the least, which fits into each of them. Spark
    itself would take more than a small worker has, and its job would wait for ever.
    """
    reserved = os.environ.get("SPARK_WORKER_RESERVED")
    memory = heap(reserved)
    if not reserved:
        print(
            f"SPARK_WORKER_RESERVED is not set: executors get {memory} only, however large the "
            "workers are. Add to the environment of this service in the description: "
            '["SPARK_WORKER_RESERVED", "{memory#spark-worker}"]',
            file=sys.stderr,
            flush=True,
        )
    return memory


def _daemon(name: str, arguments: list[str]) -> list[str]:
    """Return the command that runs a daemon of Spark in the foreground."""
    return [_spark_script("spark-class"), f"org.apache.spark.deploy.{name}", *arguments]


def _spark_script(name: str) -> str:
    return str(_spark_home() / "bin" / name)


def _spark_home() -> Path:
    """Return where pip put Spark: in the Python package, which need not be imported for that."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise ProgramError("The Python package pyspark is not installed here.")
    return Path(found.origin).parent


def _temporary() -> Path:
    """Return the directory that only this instance has: ``$TMPDIR``, or a container's ``/tmp``."""
    return Path(tempfile.gettempdir())


def _scratch() -> Path:
    """Return where data goes that does not fit into memory.

    A container's ``/tmp`` is in memory, and counts; ``/var/tmp`` is on its engine's disk.
    """
    if "TMPDIR" in os.environ or not os.access("/var/tmp", os.W_OK):
        return _temporary()
    return Path("/var/tmp")


def _master_path() -> str:
    """Return the path under which the portal shows the master's page, as the master wrote it."""
    return wait_for_text(shared_directory(os.environ) / MASTER_PATH)
