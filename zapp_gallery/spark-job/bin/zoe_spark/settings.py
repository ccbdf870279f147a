"""Writes the configuration of one part of the cluster: memory, addresses, secret, page paths."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

_MEGABYTE = 2**20
LEAST_HEAP = 512
"""Megabytes of a driver or executor in the instances as the descriptions have them."""

QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""For processes that mostly wait: they start in half the time."""

_SETTINGS = {
    "spark.authenticate": "true",
    "spark.master.rest.enabled": "false",
    "spark.ui.reverseProxy": "true",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": QUICK,
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
    # A worker that is taken back gets SIGPWR: it takes no more tasks, and hands what it holds on.
    "spark.decommission.enabled": "true",
    "spark.storage.decommission.enabled": "true",
    "spark.storage.decommission.rddBlocks.enabled": "true",
    "spark.storage.decommission.shuffleBlocks.enabled": "true",
    # Only after a second round, which finds nothing, does it believe that all is handed on.
    "spark.storage.decommission.replicationReattemptInterval": "2s",
    # One that vanishes all the same stalls its application for 45 seconds instead of 113.
    "spark.shuffle.io.connectionCreationTimeout": "5s",
    "spark.shuffle.io.maxRetries": "1",
    "spark.shuffle.io.retryWait": "1s",
}
_LOGGING = """\
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{HH:mm:ss}} %p %c{{1}}: %m%n%ex
logger.jetty.name = org.sparkproject.jetty
logger.jetty.level = warn
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


def heap(reserved: str | None) -> str:
    """Return how much memory the JVM of an instance may take for data: ``512m``.

    Three quarters of what is ``reserved`` for it (bytes), less 256 MB: the rest is for the JVM
    itself, for Python's processes, and for a worker's or notebook's own.
    """
    megabytes = int(reserved or 0) // _MEGABYTE
    return f"{max(LEAST_HEAP, megabytes * 3 // 4 - 256)}m"


def worker_cores(environment: Mapping[str, str]) -> int:
    """Return how many tasks a worker runs at once: what was asked for, or one for each core."""
    asked = int(environment.get("SPARK_CORES", "1"))
    return max(asked, int(float(environment.get("ZOE_CORES", "0"))))


def bind_address(host: str) -> str:
    """Return where to listen: on a loopback address of one's own, else on all interfaces.

    Processes of one machine share the ports of all addresses but their own; a container does not,
    and the portal may come in through another of its networks.
    """
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return host if loopback else "0.0.0.0"


def write_configuration(directory: Path, extra: Mapping[str, str], level: str) -> Path:
    """Write Spark's and log4j's settings below ``directory``; return the directory they are in.

    The secret stands in there, so nobody else may read it.
    """
    place = directory / "spark-conf"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"{name} {value}" for name, value in {**_SETTINGS, **extra}.items()]
    with open(place / "spark-defaults.conf", "w", encoding="utf-8", opener=_private) as file:
        file.write("\n".join(lines) + "\n")
    (place / "log4j2.properties").write_text(_LOGGING.format(level=level), encoding="utf-8")
    return place


def process_environment(
    base: Mapping[str, str], configuration: Path, host: str, scratch: Path
) -> dict[str, str]:
    """Return the environment of a Spark process that is reached as ``host``.

    Data that it moves or cannot hold goes to ``scratch``.
    """
    environment = {
        **base,
        "SPARK_CONF_DIR": str(configuration),
        "SPARK_LOCAL_HOSTNAME": host,
        "SPARK_LOCAL_DIRS": str(scratch),
        "SPARK_DAEMON_MEMORY": "192m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK,
        "SPARK_LAUNCHER_OPTS": QUICK,
        "PYSPARK_PYTHON": "python3",
    }
    bind = bind_address(host)
    if bind == host:
        environment["SPARK_LOCAL_IP"] = bind
    return environment


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
