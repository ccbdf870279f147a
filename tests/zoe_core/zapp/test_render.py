"""Placeholders, environment and command of an instance."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.zapp.documents import (
    Document,
    context,
    mpi_3,
    notebook_3,
    service_3,
    spark_3,
    zapp_3,
)
from zoe_core.zapp import (
    Changes,
    InstanceSize,
    Port,
    RenderedInstance,
    ZApp,
    amend,
    parse_zapp,
    render_instance,
    render_url,
)

SIZES = ("ZOE_MEMORY", "ZOE_MEMORY_LIMIT", "ZOE_CORES")
TRICKY = ["{user_name}", "{brace}", "{dns_name#self}", "{dns_name#main0}", "{execution_id}"]


def render(document: Document, name: str, index: int = 0, **changes: object) -> RenderedInstance:
    zapp: ZApp = parse_zapp(document).zapp
    return render_instance(zapp, zapp.service(name), index, context(**changes))


def one_service(**changes: object) -> Document:
    return zapp_3(service_3("main", monitor=True, **changes))


def test_the_variables_of_the_original() -> None:
    rendered = render(notebook_3(), "notebook")
    assert rendered.work_dir == "/mnt/workspace"
    assert rendered.environment == {
        "NB_USER": "ada",
        "NB_UID": "1000",
        "ZOE_WORKSPACE": "/mnt/workspace",
        "EXECUTION_ID": "42",
        "DEPLOY_NAME": "prod",
        "ZOE_USER": "ada",
        "ZOE_UID": "1001",
        "ZOE_GID": "2002",
        "SERVICE_NAME": "notebook0",
        "ZOE_MEMORY": "536870912",
        "ZOE_CORES": "0.1",
        "REVERSE_PROXY_PATH_8888": "/e/42/notebook-0/8888",
        "REVERSE_PROXY_PATH_8125": "/e/42/notebook-0/8125",
    }


def test_what_is_reserved_stands_in_the_environment() -> None:
    limits = {"memory": {"min": 2**30, "max": 3 * 2**30}, "cores": {"min": 2.5}}
    environment = render(one_service(resources=limits), "main").environment
    sizes = {name: environment.get(name) for name in SIZES}
    assert sizes == dict(zip(SIZES, (str(2**30), str(3 * 2**30), "2.5"), strict=True))
    # Where the description is silent the site decides; without a limit there is none.
    plain = render(one_service(resources={"memory": {}, "cores": {}}), "main").environment
    assert (plain["ZOE_MEMORY"], plain["ZOE_CORES"]) == (str(512 * 2**20), "0.1")
    assert "ZOE_MEMORY_LIMIT" not in plain


def test_what_other_services_reserve_follows_a_change() -> None:
    zapp = parse_zapp(one_service(environment=[["A", "{memory#main} bytes"]])).zapp
    for sizes, told in (({}, 2**30), ({"main": InstanceSize(memory=2**31)}, 2**31)):
        changed = amend(zapp, Changes(resources=sizes))
        rendered = render_instance(changed, changed.service("main"), 0, context())
        assert rendered.environment["A"] == f"{told} bytes"


def test_names_of_other_instances_and_of_its_own() -> None:
    environment = render(spark_3(), "spark-worker", 3).environment
    assert environment["SPARK_MASTER_IP"] == "spark-master-0.zoe"
    assert environment["SPARK_LOCAL_IP"] == "spark-worker-3.zoe"
    assert environment["SERVICE_NAME"] == "spark-worker3"
    assert render(spark_3(), "spark-submit").environment["SPARK_MASTER"] == (
        "spark://spark-master-0.zoe:7077"
    )


def test_a_value_with_spaces_stays_one_word() -> None:
    command = render(spark_3(), "spark-submit").command
    assert command == ("wordcount.py", "hdfs://namenode/in.txt", "first try-out")


def test_a_value_with_quotes_is_not_split() -> None:
    command = render(spark_3(), "spark-submit", execution_name="a' ; rm -rf '/").command
    assert command is not None
    assert command[2] == "a' ; rm -rf '/-out"


def test_several_placeholders_in_one_word() -> None:
    command = render(mpi_3(), "MPI_Launcher").command
    assert command == ("mpirun", "--host", "rank-0.zoe,rank-1.zoe,rank-2.zoe", "./solve")


def test_without_a_command_the_image_decides() -> None:
    assert render(zapp_3(), "main").command is None


@pytest.mark.parametrize(
    "word", ['{"a":1}', "${user_name}", "${X}", "{}", "{x}", "{user_name", "{USER_NAME}", "{0}"]
)
def test_other_braces_are_left_alone(word: str) -> None:
    environment = [["A", word]]
    rendered = render(one_service(command=f"echo '{word}'", environment=environment), "main")
    assert rendered.command == ("echo", word)
    assert rendered.environment["A"] == word


def test_a_placeholder_inside_json() -> None:
    environment = [["A", '{"user":"{user_name}"}']]
    assert render(one_service(environment=environment), "main").environment["A"] == '{"user":"ada"}'


def test_zoes_own_variables_win() -> None:
    environment = [["ZOE_USER", "root"], ["A", "1"], ["A", "2"]]
    rendered = render(one_service(environment=environment), "main").environment
    assert (rendered["ZOE_USER"], rendered["A"]) == ("ada", "2")


def test_where_names_end_in_digits_the_longest_wins() -> None:
    document = zapp_3(
        service_3("node", total_count=20),
        service_3("node1", total_count=3),
        service_3("main", monitor=True, command="{dns_name#node12} {dns_name#node15}"),
    )
    assert render(document, "main").command == ("node1-2.zoe", "node-15.zoe")


@given(
    st.fixed_dictionaries(
        {
            name: st.one_of(st.sampled_from(TRICKY), st.text(max_size=20))
            for name in ("user_name", "execution_name", "deployment_name")
        }
    )
)
def test_what_was_put_in_is_never_expanded_again(values: dict[str, Any]) -> None:
    environment = [["A", "{user_name}|{execution_name}|{deployment_name}"]]
    command = "run {user_name} x{execution_name}"
    rendered = render(one_service(command=command, environment=environment), "main", **values)
    in_order = [values[name] for name in ("user_name", "execution_name", "deployment_name")]
    assert rendered.environment["A"] == "|".join(in_order)
    assert rendered.command == ("run", values["user_name"], "x" + values["execution_name"])


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("http://{ip_port}/", "http://10.0.0.1:80/"),
        ("http://{ip_port}{proxy_path}/lab", "http://10.0.0.1:80/p/{ip_port}/lab"),
        ("http://HOST:PORT/", "http://HOST:PORT/"),
    ],
)
def test_urls(template: str, url: str) -> None:
    port = Port(name="Pages", port_number=80, url_template=template)
    assert render_url(port, "10.0.0.1:80", "/p/{ip_port}") == url
