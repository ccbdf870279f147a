"""The Hub's database: how JupyterHub connects to it, and that it comes back."""

import asyncio
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from tests.support.waiting import eventually_async
from zoe_hub import endless, hub_databases
from zoe_hub.settings import Settings, SettingsError
from zoe_store.embedded import EmbeddedPostgres


def test_jupyterhub_may_leave_transactions_open(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        databases = hub_databases._databases_of(server)
        engine = sa.create_engine(databases.hub, **databases.hub_options)
        with engine.connect() as connection:
            show = sa.text("SHOW idle_in_transaction_session_timeout")
            assert connection.scalar(show) == "0"
            assert connection.scalar(sa.text("SHOW statement_timeout")) == "8s"
        engine.dispose()


@pytest.mark.parametrize("who", ["a backup of its database", "another Zoe"])
async def test_who_uses_the_database_already_is_told(tmp_path: Path, who: str) -> None:
    settings = Settings(8000, tmp_path, "process", None)
    with (
        EmbeddedPostgres(tmp_path / "postgres", who=who),
        pytest.raises(SettingsError, match=f"^{who} runs in ZOE_DIR={tmp_path}$"),
    ):
        hub_databases._start(hub_databases._embedded(settings), settings)


async def test_an_unexpected_error_does_not_end_the_watch_over_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(endless, "PAUSE", 0.01)
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        stock_revive, first = server.revive, server.pid
        errors = [OSError("no space left on device")]

        def revive() -> bool:
            if errors:
                raise errors.pop()
            return stock_revive()

        monkeypatch.setattr(server, "revive", revive)
        watch = asyncio.create_task(hub_databases._keep_alive(server))
        assert first is not None
        psutil.Process(first).kill()
        await eventually_async(lambda: server.pid != first)
        watch.cancel()
    assert "no space left on device" in caplog.text
