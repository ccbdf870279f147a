"""A process is killed at each checkpoint of each phase, with real local processes."""

import ast
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.coverage import COVERED, CUSTOMER, ELSEWHERE, MASTER, NEXT_MASTER, Crash
from tests.faults.phases import GANG, PHASES
from tests.faults.site import CrashSite
from tests.support.postgres import fresh_database
from zoe_store.checkpoints import Checkpoint
from zoe_store.embedded import EmbeddedPostgres
from zoe_store.tables import executions as executions_table

ROOT = Path(__file__).parents[2]


class Sites:
    """One site serves many tests, as long as they leave it whole."""

    def __init__(self, server: EmbeddedPostgres, factory: pytest.TempPathFactory) -> None:
        self._server = server
        self._factory = factory
        self._site: CrashSite | None = None
        self._opened = ExitStack()

    def whole(self) -> CrashSite:
        if self._site is None:
            url = self._opened.enter_context(fresh_database(self._server))
            self._site = CrashSite(url, self._factory.mktemp("site"))
            self._opened.callback(self._site.close)
        return self._site

    def close(self) -> None:
        self._site = None
        self._opened.close()


@pytest.fixture(scope="module")
def sites(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    sites = Sites(postgres, tmp_path_factory)
    yield sites
    sites.close()


@pytest.fixture
def site(sites: Sites, request: pytest.FixtureRequest) -> Iterator[CrashSite]:
    failed = request.session.testsfailed
    site = sites.whole()
    yield site
    if request.session.testsfailed > failed:
        sites.close()


def test_every_checkpoint_is_covered() -> None:
    assert set(Checkpoint) == COVERED
    for point, file in ELSEWHERE.items():
        assert point in named_in(ROOT / file), (point, file)


def named_in(file: Path) -> set[str]:
    """The checkpoints that the code of a file names; what only a comment names does not count."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    named = {ast.unparse(each) for each in nodes if isinstance(each, ast.Attribute)}
    named |= {each.value for each in nodes if isinstance(each, ast.Constant)}
    return {each for each in Checkpoint if named & {f"Checkpoint.{each.name}", each.value}}


def test_a_comment_or_a_docstring_covers_no_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text('"""Dies at spawn.stored."""\n# Checkpoint.SPAWN_STORED\nx = "spawn.noted"\n')
    assert named_in(file) == {Checkpoint.SPAWN_NOTED}


@pytest.mark.parametrize("crash", MASTER, ids=str)
def test_the_acting_master_dies(site: CrashSite, crash: Crash) -> None:
    phase = PHASES[crash.phase](site)
    next(phase)
    site.arm(crash.point, crash.nth)
    next(phase)
    site.await_crash()
    assert next(phase, "the end") == "the end"
    site.check_all()


@pytest.mark.parametrize("crash", CUSTOMER, ids=str)
def test_the_customer_dies(site: CrashSite, crash: Crash) -> None:
    """Whoever repeats what she asked for gets the same, once."""
    key = f"{crash}"
    if crash.phase == "submit":
        site.run_customer(crash.point, "submit", key)
        with site.database.transaction() as connection:
            query = executions_table.select().where(executions_table.c.idempotency_key == key)
            stored = [row.id for row in connection.execute(query)]
        assert len(stored) == (crash.point is Checkpoint.SUBMIT_COMMITTED)
        one = site.submit(GANG, idempotency_key=key, fingerprint="same")
        assert stored in ([], [one])
        site.run(one, main=1, worker=1)
        site.finish(one)
    else:
        one = site.submit(GANG)
        site.run(one, main=1, worker=1)
        site.run_customer(crash.point, "end", str(one))
        site.ends(one, "Enough.", ["queued", "starting", "running", "cleaning_up", "terminated"])
    site.check_all()


@pytest.mark.parametrize("crash", NEXT_MASTER, ids=str)
def test_the_next_master_dies_as_well(site: CrashSite, crash: Crash) -> None:
    site.replace_standby(ZOE_CRASH_AT=crash.point)
    phase = PHASES[crash.phase](site)
    next(phase)
    site.arm(Checkpoint.APPLY_STARTED)
    next(phase)
    site.await_crash()
    site.await_crash()
    assert next(phase, "the end") == "the end"
    site.check_all()
