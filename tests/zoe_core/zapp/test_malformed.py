"""Descriptions that are wrong: each names the field, the value and what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.zoe_core.zapp.documents import Document, full_4, service_3, spark_3, zapp_3
from zoe_core.zapp import ZAppError, parse_zapp, parse_zapp_json

JARGON = ("pydantic", "validat", "Input should", "type=", "literal", "tuple", "NoneType", "dict")
MISSING = object()


def changed(document: Document, at: str, value: Any) -> Document:
    """Return the document with the value at a path such as ``services.0.image`` replaced."""
    *way, last = at.split(".")
    part: Any = document
    for step in way:
        part = part[int(step) if isinstance(part, list) else step]
    if value is MISSING:
        del part[last]
    else:
        part[int(last) if isinstance(part, list) else last] = value
    return document


PORT = {
    "name": "Pages",
    "port_number": 80,
    "protocol": "tcp",
    "url_template": "http://{ip_port}/",
}
VOLUME = {"name": "in", "path": "/srv/in", "read_only": True}

VERSION_3: list[tuple[str, Any, str, str]] = [
    ("version", MISSING, "version", "is missing: must be 3 or 4"),
    ("version", 2, "version", "is 2: must be 3 or 4"),
    ("version", "3", "version", "is '3': must be 3 or 4"),
    ("version", True, "version", "is true: must be 3 or 4"),
    ("version", 3.5, "version", "is 3.5: must be 3 or 4"),
    ("version", 10**400, "version", "a number of about 401 digits"),
    ("name", MISSING, "name", "is missing: it is required"),
    ("name", "", "name", "has 0 characters, must have 1 to 128"),
    ("name", "x" * 129, "name", "has 129 characters"),
    ("name", "a\nb", "name", "must be readable text on one line"),
    ("name", "\ud800", "name", "broken Unicode"),
    ("name", 7, "name", "is 7: must be text in quotes"),
    ("will_end", "yes", "will_end", "is 'yes': must be true or false"),
    ("will_end", 1, "will_end", "is 1: must be true or false"),
    ("size", -1, "size", "is -1: must be a whole number, 0 or more"),
    ("size", 10**5000, "size", "must be a whole number, at most 2147483647"),
    ("size", float("nan"), "size", "is nan: must be a whole number"),
    ("size", float("inf"), "size", "is inf: must be a whole number"),
    ("services", MISSING, "services", "is missing"),
    ("services", [], "services", "must have at least one entry"),
    ("services", {}, "services", "is an object: must be a list"),
    ("services", "main", "services", "is 'main': must be a list"),
    ("services.0", None, "services[0]", "is null: must be an object"),
    ("services.0.name", MISSING, "services[0].name", "is missing"),
    ("services.0.name", "../etc", "services[0].name", "is '../etc': must be letters, digits"),
    ("services.0.name", "é", "services[0].name", "must be letters, digits and hyphens"),
    ("services.0.name", "-a", "services[0].name", "beginning and ending with a letter"),
    ("services.0.name", "x" * 41, "services[0].name", "has 41 characters, must have 1 to 40"),
    ("services.1.name", "spark-master", "services[1].name", "must differ from the other"),
    ("services.1.name", "Spark_Master", "services[1].name", "also as a DNS name (spark-master)"),
    ("services.0.image", MISSING, "services[0].image", "is missing"),
    ("services.0.image", "", "services[0].image", "has 0 characters"),
    ("services.0.image", "a b", "services[0].image", "must be the name of an image"),
    ("services.0.image", "--privileged", "services[0].image", "must be the name of an image"),
    ("services.0.monitor", None, "services[0].monitor", "is null: must be true or false"),
    ("services.2.monitor", False, "services", "at least one service must have monitor"),
    ("services.0.total_count", 0, "services[0].total_count", "of instances, 1 to 1000"),
    ("services.0.total_count", 1.5, "services[0].total_count", "is 1.5: must be a whole number"),
    ("services.0.total_count", "4", "services[0].total_count", "is '4': must be a whole number"),
    ("services.0.total_count", 1001, "services[0].total_count", "at most 1000"),
    ("services.0.total_count", 998, "services", "have 1003 instances in all: must be at most"),
    ("services.0.essential_count", 0, "services[0].essential_count", "version 4 allows 0"),
    ("services.0.essential_count", 2, "services[0].essential_count", "at most total_count, 1"),
    ("services.0.essential_count", -1, "services[0].essential_count", "0 to 1000"),
    ("services.0.replicas", 0, "services[0].replicas", "is 0"),
    ("services.0.startup_order", "first", "services[0].startup_order", "is 'first'"),
    ("services.0.labels", None, "services[0].labels", "is null: must be a list"),
    ("services.0.labels", ["gpu", 3], "services[0].labels[1]", "is 3: must be text"),
    ("services.0.network", 7, "services[0].network", "is 7: must be text"),
    ("services.0.work_dir", "", "services[0].work_dir", "has 0 characters"),
    ("services.0.command", "", "services[0].command", "has 0 characters"),
    ("services.0.command", "   ", "services[0].command", "must begin with the name of a program"),
    ("services.0.command", ["ls"], "services[0].command", "is a list of 1: must be text"),
    ("services.0.command", "say 'hi", "services[0].command", "a quote is not closed"),
    ("services.0.command", "say \\", "services[0].command", "it ends in a backslash"),
    ("services.0.command", "a {dns_name#b0}", "services[0].command", "contains '{dns_name#b0}'"),
    ("services.0.command", "a\0b", "services[0].command", "must not contain NUL"),
    ("services.0.environment", {"A": "b"}, "services[0].environment", "must be a list"),
    ("services.0.environment", ["A=b"], "services[0].environment[0]", "a list of two texts"),
    ("services.0.environment", [["A"]], "services[0].environment[0]", "a list of two texts"),
    ("services.0.environment", [["A", 1]], "services[0].environment[0]", "gives A the value 1"),
    ("services.0.environment", [["A=", ""]], "services[0].environment[0]", "variable 'A='"),
    ("services.0.environment", [["1A", ""]], "services[0].environment[0]", "not begin with"),
    ("services.0.environment", [["", ""]], "services[0].environment[0]", "variable ''"),
    ("services.0.environment", [["A", "\0"]], "services[0].environment[0]", "without NUL"),
    (
        "services.0.environment",
        [["A", "{dns_name#spark-worker4}"]],
        "services[0].environment[0]",
        "spark-worker0 to spark-worker3",
    ),
    (
        "services.0.environment",
        [["A", "{dns_name#spark-worker01}"]],
        "services[0].environment[0]",
        "must come self or the name of an instance",
    ),
    ("services.0.environment", [["A", "{dns_name#}"]], "services[0].environment[0]", "self or"),
    ("services.0.command", "a {memory#b}", "services[0].command", "after # must come a service"),
    ("services.0.ports", [80], "services[0].ports[0]", "is 80: must be an object"),
    ("services.0.ports", [PORT, PORT], "services[0].ports[1].port_number", "port already"),
    (
        "services.0.ports",
        [PORT | {"port_number": 65536}],
        "services[0].ports[0].port_number",
        "is 65536: must be a whole number, at most 65535",
    ),
    (
        "services.0.ports",
        [PORT | {"port_number": 0}],
        "services[0].ports[0].port_number",
        "is 0: must be a whole number, 1 to 65535",
    ),
    (
        "services.0.ports",
        [PORT | {"protocol": "http"}],
        "services[0].ports[0].protocol",
        'is \'http\': must be "tcp" or "udp"',
    ),
    (
        "services.0.ports",
        [PORT | {"url_template": "http://{ipport}/"}],
        "services[0].ports[0].url_template",
        "contains {ipport}: the placeholders are {ip_port} and {proxy_path}",
    ),
    ("services.0.volumes", [VOLUME, VOLUME], "services[0].volumes[1].name", "volume already"),
    ("services.0.volumes", ["/srv"], "services[0].volumes[0]", "must be an object"),
    (
        "services.0.volumes",
        [VOLUME | {"path": "srv"}],
        "services[0].volumes[0].path",
        "is 'srv': must be an absolute path",
    ),
    (
        "services.0.volumes",
        [VOLUME | {"path": "/srv/../etc"}],
        "services[0].volumes[0].path",
        "without . or ..",
    ),
    (
        "services.0.volumes",
        [VOLUME | {"name": "../in"}],
        "services[0].volumes[0].name",
        "must be letters, digits and . _ -",
    ),
    ("services.0.resources", None, "services[0].resources", "is null: must be an object"),
    ("services.0.resources.memory", 5, "services[0].resources.memory", "must be an object"),
    (
        "services.0.resources.memory.min",
        "abc",
        "services[0].resources.memory.min",
        "is 'abc': must be a whole number of bytes, 0 or more",
    ),
    (
        "services.0.resources.memory.min",
        3 * 2**30,
        "services[0].resources.memory.min",
        "(3 GB): must be at most max, 2147483648 (2 GB)",
    ),
    (
        "services.0.resources.memory.max",
        2**60,
        "services[0].resources.memory.max",
        "must be a whole number of bytes, at most",
    ),
    (
        "services.0.resources.memory",
        {"min": None, "max": 0},
        "services[0].resources.memory.max",
        "is 0: must be 1 byte or more",
    ),
    ("services.0.resources.cores.min", 0, "services[0].resources.cores.min", "number of cores"),
    ("services.0.resources.cores.min", 2, "services[0].resources.cores.min", "at most max, 1"),
    ("services.0.resources.cores.max", "all", "services[0].resources.cores.max", "is 'all'"),
    ("services.0.resources.shm", -1, "services[0].resources.shm", "0 or more"),
]

VERSION_4: list[tuple[str, Any, str, str]] = [
    ("nmae", "x", "nmae", 'not a field of a version 4 description: did you mean "name"?'),
    ("services.0.memmory", 1, "services[0].memmory", "the fields here are name, image"),
    ("services.0.resources.gpu", 1, "services[0].resources.gpu", 'did you mean "gpus"?'),
    ("services.0.ports.0.numbre", 1, "services[0].ports[0].numbre", "is not a field"),
    ("services.0.name", "Lab", "services[0].name", "such as 'lab'"),
    ("runtime_limit", 0, "runtime_limit", "is 0: must be a whole number of seconds, 1 or more"),
    ("runtime_limit", "1h", "runtime_limit", "is '1h': must be a whole number of seconds"),
    ("priority", "urgent", "priority", 'must be "low" or "normal" or "high"'),
    ("priority", 3, "priority", "is 3: must be"),
    ("description", 3, "description", "is 3: must be text"),
    ("hub_server", "nobody", "hub_server", "is 'nobody': must name a service, lab or trainer"),
    ("hub_server", "trainer", "hub_server", "both must be 1 for a Jupyter server"),
    ("services.0.essential_count", 0, "services", "no essential monitor"),
    ("services.0.resources.gpus", 0.5, "services[0].resources.gpus", "is 0.5"),
    ("services.0.ports.0.kind", "http", "services[0].ports[0].kind", 'be "web" or "tcp"'),
    ("services.0.ports.0.protocol", "udp", "services[0].ports[0].kind", "'tcp' for a udp port"),
    ("services.1.restart", "always", "services[1].restart.policy", '"never" or "on-failure"'),
    ("services.1.restart", 3, "services[1].restart", "is 3: must be an object"),
    (
        "services.1.restart",
        {"policy": "on-failure", "count": -1},
        "services[1].restart.count",
        "is -1: must be a whole number, 0 to 100",
    ),
    ("services.1.shrink.signal", "KILL", "services[1].shrink.signal", "SIGTERM, SIGUSR1"),
    ("services.1.shrink.grace", "5s", "services[1].shrink.grace", "is '5s'"),
    ("services.1.shrink.allowed", "no", "services[1].shrink.allowed", "true or false"),
    ("services.1.min_hold", -5, "services[1].min_hold", "is -5"),
]


def titles(table: list[tuple[str, Any, str, str]]) -> list[str]:
    """Name the cases by what is said: some values are too long to print."""
    return [f"{field}: {fragment}" for _, _, field, fragment in table]


def expect(error: ZAppError, field: str, fragment: str) -> None:
    said = [problem for problem in error.problems if problem.field == field]
    assert said, f"nothing about {field} in {error}"
    assert any(fragment in problem.message for problem in said), str(error)
    assert not [word for word in JARGON if word in str(error)]


@pytest.mark.parametrize(("at", "value", "field", "fragment"), VERSION_3, ids=titles(VERSION_3))
def test_version_3(at: str, value: Any, field: str, fragment: str) -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(changed(spark_3(), at, value))
    expect(caught.value, field, fragment)


@pytest.mark.parametrize(("at", "value", "field", "fragment"), VERSION_4, ids=titles(VERSION_4))
def test_version_4(at: str, value: Any, field: str, fragment: str) -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(changed(full_4(), at, value))
    expect(caught.value, field, fragment)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "is not JSON: Expecting value at line 1, column 1"),
        ('{"a": 1,\n  b}', "at line 2, column 3"),
        ('{"a": NaN}', "contains NaN: JSON has no such number"),
        ('{"a": -Infinity}', "contains -Infinity"),
        ('{"a": 1, "a": 2}', "has the field 'a' twice"),
        ('{"a": {"b": 1, "b": 1}}', "has the field 'b' twice"),
        ("[" * 100_000, "is nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "contains a number of 5000 digits, 999999999999…"),
        (" " * 1_048_577, "has 1048577 characters"),
        (b"\xff\xfe", "is not UTF-8 text: byte 1"),
        ("[]", "is a list of 0: must be an object"),
        ("null", "is null: must be an object"),
        ('"zapp"', "is 'zapp': must be an object"),
        ("3", "is 3: must be an object"),
    ],
    ids=lambda value: "" if len(value) > 100 else None,
)
def test_text_that_is_no_description(text: str | bytes, fragment: str) -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp_json(text)
    expect(caught.value, "", fragment)


def test_every_problem_is_said_at_once() -> None:
    document = zapp_3(service_3("a", image="", monitor=3), size="big")
    with pytest.raises(ZAppError) as caught:
        parse_zapp(document)
    assert {problem.field for problem in caught.value.problems} == {
        "size",
        "services[0].image",
        "services[0].monitor",
    }


def test_a_wrong_entry_is_not_also_called_an_empty_list() -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(zapp_3(services=[3]))
    assert [problem.field for problem in caught.value.problems] == ["services[0]"]


def test_more_services_than_anybody_writes() -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(zapp_3(*(service_3(f"s{number}") for number in range(101))))
    expect(caught.value, "services", "is a list of 101: must have at most 100 entries")


@pytest.mark.parametrize("number", [65, 10_000])
def test_more_ports_than_an_engine_publishes(number: int) -> None:
    ports = [{"name": f"p{each}", "port_number": each} for each in range(1, number + 1)]
    assert parse_zapp(zapp_3(service_3("main", monitor=True, ports=ports[:64])))
    with pytest.raises(ZAppError) as caught:
        parse_zapp(zapp_3(service_3("main", monitor=True, ports=ports)))
    said = f"is a list of {number}: must have at most 64 entries"
    expect(caught.value, "services[0].ports", said)


def test_an_unknown_field_with_an_odd_name() -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp(full_4() | {"[key]": 1})
    expect(caught.value, "[key]", "is not a field of a version 4 description")


@pytest.mark.parametrize("version", [3, 4])
def test_deep_nesting_under_a_known_field(version: int) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ZAppError) as caught:
        parse_zapp({"name": "a", "version": version, "services": deep})
    expect(caught.value, "services[0]", "is a list of 1: must be an object")


@pytest.mark.parametrize(
    "key", [1, None, 10**5000, "\ud800"], ids=["number", "null", "long number", "surrogate"]
)
@pytest.mark.parametrize("version", [3, 4])
def test_names_of_fields_that_are_no_text(key: Any, version: int) -> None:
    with pytest.raises(ZAppError) as caught:
        parse_zapp({key: 1, "version": version})
    assert str(caught.value).isprintable()
