"""Descriptions for the tests, in the shapes that sites have written, made anew for each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoe_core.zapp import InstanceContext, SiteDefaults

Document = dict[str, Any]

GB = 2**30


def service_3(name: str, **changes: Any) -> Document:
    """One service with every field that the original required."""
    service: Document = {
        "name": name,
        "image": f"site/{name}:1",
        "monitor": False,
        "command": None,
        "environment": [],
        "ports": [],
        "volumes": [],
        "resources": {
            "memory": {"min": GB, "max": 2 * GB},
            "cores": {"min": 1, "max": 1},
        },
        "startup_order": 0,
        "total_count": 1,
        "essential_count": 1,
        "replicas": 1,
    }
    return service | changes


def zapp_3(*services: Document, **changes: Any) -> Document:
    return {
        "name": "an-application",
        "version": 3,
        "will_end": True,
        "size": 64,
        "services": list(services) or [service_3("main", monitor=True)],
    } | changes


def notebook_3() -> Document:
    """A notebook with two ports, one of them behind the reverse proxy, labels and a volume."""
    return zapp_3(
        service_3(
            "notebook",
            monitor=True,
            command="/opt/start.sh --NotebookApp.token='' --ip=0.0.0.0",
            work_dir="/mnt/workspace",
            labels=["gpu"],
            network="lab-net",
            environment=[["NB_USER", "{user_name}"], ["NB_UID", "1000"]],
            volumes=[{"name": "datasets", "path": "/srv/datasets", "read_only": True}],
            resources={
                "memory": {"min": None, "max": None},
                "cores": {"min": None, "max": None},
                "shm": 64 * 2**20,
            },
            ports=[
                {
                    "name": "Notebook interface",
                    "url_template": "http://{ip_port}{proxy_path}",
                    "port_number": 8888,
                    "protocol": "tcp",
                    "proxy": True,
                },
                {
                    "name": "Metrics",
                    "url_template": "statsd://{ip_port}",
                    "port_number": 8125,
                    "protocol": "udp",
                },
            ],
        ),
        will_end=False,
    )


def spark_3() -> Document:
    """A master, elastic workers and a driver: three services that know each other by name."""
    web = {"url_template": "http://{ip_port}/", "protocol": "tcp"}
    return zapp_3(
        service_3(
            "spark-master",
            environment=[["SPARK_MASTER_IP", "{dns_name#self}"]],
            ports=[{"name": "Master's pages", "port_number": 8080} | web],
        ),
        service_3(
            "spark-worker",
            environment=[
                ["SPARK_MASTER_IP", "{dns_name#spark-master0}"],
                ["SPARK_LOCAL_IP", "{dns_name#self}"],
                ["SPARK_WORKER_RAM", "1073741824"],
            ],
            total_count=4,
            startup_order=1,
        ),
        service_3(
            "spark-submit",
            monitor=True,
            command="wordcount.py hdfs://namenode/in.txt {execution_name}-out",
            environment=[
                ["SPARK_MASTER", "spark://{dns_name#spark-master0}:7077"],
                ["SPARK_WORKER_RAM", "1073741824"],
            ],
        ),
    )


def mpi_3() -> Document:
    """A launcher and rigid ranks, with a mixed-case name and whole numbers written as floats."""
    return zapp_3(
        service_3(
            "MPI_Launcher",
            monitor=True,
            command="mpirun --host {dns_name#rank0},{dns_name#rank1},{dns_name#rank2} ./solve",
        ),
        service_3("rank", total_count=3.0, essential_count=3.0),
        version=3.0,
    )


def full_4() -> Document:
    """Version 4 with every field that it added."""
    return {
        "name": "Deep learning",
        "version": 4,
        "description": "Trains a model.",
        "runtime_limit": 3600,
        "priority": "low",
        "hub_server": "lab",
        "services": [
            {
                "name": "lab",
                "image": "lab",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "command": "jupyterhub-singleuser",
                "ports": [{"name": "Lab", "port_number": 8888, "kind": "web"}],
                "resources": {"memory": {"min": GB}, "gpus": 1},
            },
            {
                "name": "trainer",
                "image": "trainer",
                "monitor": False,
                "total_count": 8,
                "essential_count": 0,
                "restart": "on-failure",
                "shrink": {"allowed": True, "signal": "PWR", "grace": 45},
                "min_hold": 60,
                "ports": [{"name": "Control", "port_number": 9000, "kind": "tcp"}],
            },
        ],
    }


VERSION_3: dict[str, Callable[[], Document]] = {
    "smallest": zapp_3,
    "notebook": notebook_3,
    "spark": spark_3,
    "mpi": mpi_3,
}


def context(**changes: Any) -> InstanceContext:
    values: Document = {
        "user_name": "ada",
        "execution_id": 42,
        "execution_name": "first try",
        "deployment_name": "prod",
        "workspace": "/mnt/workspace",
        "uid": 1001,
        "gid": 2002,
        "dns_name": lambda service, index: f"{service}-{index}.zoe",
        "proxy_path": lambda instance, port: f"/e/42/{instance}/{port}",
        "defaults": SiteDefaults(),
    }
    return InstanceContext(**(values | changes))
