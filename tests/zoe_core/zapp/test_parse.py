"""Descriptions that are right: what they mean, in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.zoe_core.zapp.documents import (
    GB,
    VERSION_3,
    Document,
    full_4,
    mpi_3,
    notebook_3,
    service_3,
    spark_3,
    zapp_3,
)
from zoe_core.amount import Amount
from zoe_core.zapp import (
    Restart,
    Shrink,
    SiteDefaults,
    instance_name,
    parse_zapp,
    parse_zapp_json,
    zapp_document,
    zapp_json_schema,
)


@pytest.mark.parametrize("make", VERSION_3.values(), ids=VERSION_3.keys())
def test_version_3_is_read_unmodified_and_without_a_warning(make: Callable[[], Document]) -> None:
    parsed = parse_zapp_json(json.dumps(make()))
    assert parsed.warnings == ()
    assert parsed.zapp.version == 3
    assert parsed.zapp.priority == "normal"


@pytest.mark.parametrize("make", [*VERSION_3.values(), full_4], ids=[*VERSION_3, "version 4"])
def test_what_is_written_out_is_read_back_equal(make: Callable[[], Document]) -> None:
    zapp = parse_zapp(make()).zapp
    again = parse_zapp_json(json.dumps(zapp_document(zapp)))
    assert again.zapp == zapp
    assert again.warnings == ()


MB = 2**20


def test_reading_leaves_the_document_alone() -> None:
    document = notebook_3() | {"surprise": 1}
    before = json.dumps(document)
    parse_zapp(document)
    assert json.dumps(document) == before


def test_a_notebook() -> None:
    zapp = parse_zapp(notebook_3()).zapp
    notebook = zapp.service("notebook")
    assert not zapp.will_end
    assert notebook.work_dir == "/mnt/workspace"
    assert notebook.labels == ("gpu",)
    assert notebook.environment == (("NB_USER", "{user_name}"), ("NB_UID", "1000"))
    assert notebook.volumes[0].path == "/srv/datasets"
    assert notebook.volumes[0].read_only
    assert notebook.resources.shm == 64 * 2**20
    assert [(port.port_number, port.kind) for port in notebook.ports] == [
        (8888, "web"),
        (8125, "tcp"),
    ]


def test_spark() -> None:
    worker = parse_zapp(spark_3()).zapp.service("spark-worker")
    assert (worker.essential_count, worker.elastic_count) == (1, 3)
    assert worker.reservation(SiteDefaults()) == Amount(GB, 1000)
    assert worker.memory_limit(SiteDefaults()) == 2 * GB
    assert instance_name(worker, 2) == "spark-worker-2"


def test_mpi_with_a_mixed_case_name_and_floats() -> None:
    launcher, rank = parse_zapp(mpi_3()).zapp.services
    assert launcher.name == "MPI_Launcher"
    assert launcher.dns_label == "mpi-launcher"
    assert rank.total_count == rank.essential_count == 3
    assert isinstance(rank.total_count, int)


def test_the_first_version_3_documents_wrote_volumes_as_lists() -> None:
    document = zapp_3(service_3("main", monitor=True, volumes=[["/srv/in", "in", True]]))
    volume = parse_zapp(document).zapp.services[0].volumes[0]
    assert (volume.path, volume.name, volume.read_only) == ("/srv/in", "in", True)


def test_the_documentations_example_left_out_command_and_volumes() -> None:
    service = service_3("main", monitor=True)
    for field in ("command", "volumes", "environment", "replicas", "startup_order", "resources"):
        del service[field]
    main = parse_zapp(zapp_3(service)).zapp.services[0]
    assert main.command is None
    assert main.reservation(SiteDefaults(memory=70 * MB, cores=0.1)) == Amount(70 * MB, 100)


@pytest.mark.parametrize(
    ("change", "field", "fragment"),
    [
        ({"surprise": 1}, "surprise", "has no field 'surprise'"),
        ({"runtime_limit": "soon"}, "runtime_limit", 'set "version" to 4'),
        ({"hub_server": "nobody"}, "hub_server", 'set "version" to 4'),
        ({"services": [service_3("m", monitor=True, gpu=1)]}, "services[0].gpu", "'gpu'"),
        (
            {
                "services": [
                    service_3("m", monitor=True, resources={"gpus": 1, "memory": {"mid": 2}})
                ]
            },
            "services[0].resources.gpus",
            'set "version" to 4',
        ),
        (
            {"services": [service_3("m", monitor=True, ports=[])], "a\nb": 1},
            "'a\\nb'",
            "is ignored",
        ),
        (
            {"services": [service_3("m", monitor=True, command="echo {username}")]},
            "services[0].command",
            "contains {username}, which is left as it is",
        ),
    ],
)
def test_version_3_warns_of_what_it_ignores(change: Document, field: str, fragment: str) -> None:
    warnings = parse_zapp(zapp_3() | change).warnings
    assert [w.message for w in warnings if w.field == field and fragment in w.message]


def test_version_4() -> None:
    zapp = parse_zapp(full_4()).zapp
    lab, trainer = zapp.services
    assert zapp.runtime_limit == 3600
    assert zapp.priority == "low"
    assert zapp.hub_server == "lab"
    assert lab.reservation(SiteDefaults()).gpus == 1
    assert trainer.restart == Restart(policy="on-failure", count=3)
    assert trainer.shrink == Shrink(signal="SIGPWR", grace=45)
    assert trainer.min_hold == 60
    assert trainer.ports[0].kind == "tcp"


def test_restart_may_be_an_object() -> None:
    document = full_4()
    document["services"][1]["restart"] = {"policy": "on-failure", "count": 7}
    assert parse_zapp(document).zapp.services[1].restart.count == 7


@pytest.mark.parametrize(
    ("memory", "defaults", "reserved", "limit"),
    [
        ({"min": 50, "max": 90}, SiteDefaults(memory=70 * MB), 50, 90),
        ({"min": None, "max": None}, SiteDefaults(memory=70 * MB), 70, None),
        ({"min": None, "max": None}, SiteDefaults(70 * MB, memory_limit=80 * MB), 70, 80),
        ({"min": 200, "max": None}, SiteDefaults(70 * MB, memory_limit=80 * MB), 200, 200),
        ({"min": None, "max": 30}, SiteDefaults(memory=70 * MB), 30, 30),
        ({"min": 1, "max": 2}, SiteDefaults(), 16, 16),  # less than any process needs
    ],
)
def test_the_sites_defaults_fill_what_is_null(
    memory: Document, defaults: SiteDefaults, reserved: int, limit: int | None
) -> None:
    in_bytes = {name: size and size * MB for name, size in memory.items()}
    resources = {"memory": in_bytes, "cores": {"min": None, "max": None}}
    zapp = parse_zapp(zapp_3(service_3("m", monitor=True, resources=resources))).zapp
    assert zapp.services[0].reservation(defaults) == Amount(reserved * MB, 100)
    assert zapp.services[0].memory_limit(defaults) == (limit and limit * MB)


def test_bytes_and_a_byte_order_mark_are_read() -> None:
    assert parse_zapp_json(b"\xef\xbb\xbf" + json.dumps(zapp_3()).encode()).zapp.size == 64


def test_unknown_services_raise() -> None:
    with pytest.raises(KeyError):
        parse_zapp(zapp_3()).zapp.service("nobody")


def test_the_published_schema_tells_the_versions_apart() -> None:
    schema = zapp_json_schema()
    assert schema["properties"]["runtime_limit"]["since"] == 4
    assert "since" not in schema["properties"]["size"]
    assert schema["additionalProperties"] is False
    service = schema["$defs"]["Service"]["properties"]
    assert service["total_count"]["maximum"] == 1000
    assert {"enum": ["never", "on-failure"], "type": "string"} in service["restart"]["anyOf"]
