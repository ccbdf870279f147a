from __future__ import annotations

from tests.zoe_core.zapp.documents import notebook_3, zapp_3
from zoe_core.zapp import SitePolicy, check_site, parse_zapp

LAX = SitePolicy(
    allowed_volumes=frozenset({"/srv/datasets"}), allowed_networks=frozenset({"lab-net"})
)


def test_what_the_administrator_listed_is_granted() -> None:
    assert check_site(parse_zapp(notebook_3()).zapp, LAX) == ()


def test_nothing_is_granted_unless_listed() -> None:
    volume, network = check_site(parse_zapp(notebook_3()).zapp, SitePolicy())
    assert volume.field == "services[0].volumes[0].path"
    assert volume.message.startswith("is '/srv/datasets': the administrator")
    assert network.field == "services[0].network"


def test_a_directory_below_a_listed_one_is_not_listed() -> None:
    policy = SitePolicy(
        allowed_volumes=frozenset({"/srv"}), allowed_networks=frozenset({"lab-net", "other"})
    )
    (problem,) = check_site(parse_zapp(notebook_3()).zapp, policy)
    assert problem.message.endswith("must be a directory that the administrator allowed, /srv")


def test_local_processes_need_a_command() -> None:
    zapp = parse_zapp(zapp_3()).zapp
    assert check_site(zapp, SitePolicy()) == ()
    (problem,) = check_site(zapp, SitePolicy(needs_command=True))
    assert problem.field == "services[0].command"
