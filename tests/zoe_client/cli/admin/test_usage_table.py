"""Usage as comma-separated values, for other commands and for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from zoe_client.cli.admin.usage_table import write_csv
from zoe_core.protocol.rest_admin import UsageReport, UsageRow


def test_lines_are_those_of_commands_and_text_is_no_formula(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    row = UsageRow(
        key="=1+1",
        executions=2,
        failed=0,
        core_hours=1.5,
        memory_gb_hours=3.0,
        gpu_hours=0.0,
        mean_wait_s=None,
    )
    november = datetime(2026, 11, 1, tzinfo=UTC)

    write_csv(UsageReport(items=(row,), since=november, until=november, group_by="user"))

    assert capfdbinary.readouterr().out == (
        b"user,executions,failed,core_hours,memory_gb_hours,gpu_hours,mean_wait_s\n"
        b"'=1+1,2,0,1.5,3.0,0.0,\n"
    )
