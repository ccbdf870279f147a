"""A portal with a host name for each execution, and browsers that visit those."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.hub import PREFIX, Hub
from tests.support.login import Browser
from tests.zoe_hub.portal.conftest import Portal, running_portal
from tests.zoe_hub.portal.endpoints.application import Application
from zapp_gallery.loader import Gallery

MAIN = "http://zoe.test:8000"
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
PATIENCE = 60.0  # seconds

Serve = tuple[Application, int]


@pytest.fixture
async def portal(
    hub: Hub,
    tokens: dict[tuple[str, ...], str],
    gallery: Gallery,
    database_url: str,
    tmp_path: Path,
) -> AsyncIterator[Portal]:
    """A portal of a Hub with host names."""
    async with running_portal(hub, tokens, gallery, database_url, tmp_path, MAIN) as running:
        yield running


class Host:
    """A browser's view of the host of an execution: its cookies are sent nowhere else."""

    def __init__(self, portal: Portal, number: int) -> None:
        self.name = f"execution--{number}.zoe.test:8000"
        self.number = number
        self.client = httpx.AsyncClient(
            base_url=portal.url.removesuffix(PREFIX), headers={"Host": self.name}, timeout=30
        )

    async def open(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={**NAVIGATE, **headers})

    @property
    def cookies(self) -> str:
        return "; ".join(f"{each.name}={each.value}" for each in self.client.cookies.jar)


Hosts = Callable[..., Host]
People = Callable[[], Browser]


@pytest.fixture
async def host(portal: Portal, endpoint: str) -> AsyncIterator[Hosts]:
    """The host of the endpoint's execution, or another one, in a fresh browser."""
    made: list[Host] = []

    def make(number: int | None = None) -> Host:
        made.append(Host(portal, number or number_of(endpoint)))
        return made[-1]

    yield make
    for each in made:
        await each.client.aclose()


@pytest.fixture
async def people(portal: Portal) -> AsyncIterator[People]:
    """Browsers at the portal."""
    made: list[Browser] = []

    def make() -> Browser:
        made.append(Browser(portal.hub, portal.url))
        return made[-1]

    yield make
    for each in made:
        await each.client.aclose()


@pytest.fixture
async def alice(people: People) -> Browser:
    browser = people()
    await browser.log_in("alice")
    return browser


def number_of(endpoint: str) -> int:
    return int(endpoint.split("/")[4])


async def step(browser: Browser, address: str) -> httpx.Response:
    """Follow one redirect at the portal."""
    assert address.startswith(MAIN), address
    return await browser.client.get(browser._address(address), headers=NAVIGATE)


async def ticket_for(browser: Browser, there: Host, path: str) -> str:
    """Be sent from the host to the portal and back; the path with the ticket, not yet used."""
    sent = await there.open(path)
    assert sent.status_code == 302, sent.text
    back = await step(browser, sent.headers["Location"])
    assert back.status_code == 302, back.text
    address = urlsplit(back.headers["Location"])
    assert address.netloc == there.name
    return f"{address.path}?{address.query}"


async def hand_over(browser: Browser, there: Host, path: str) -> httpx.Response:
    """Come to the host of an execution, as a browser does."""
    arrived = await there.open(await ticket_for(browser, there, path))
    assert arrived.status_code == 302, arrived.text
    assert arrived.headers["Location"] == path
    return await there.open(path)


def cookies_of(browser: Browser) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in browser.client.cookies.jar)
