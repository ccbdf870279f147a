"""A back-end that cannot be opened."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from zoe_master.app import ZoeMaster
from zoe_master.backends.base import Backend, Fatal, Retry


@pytest.mark.parametrize("error", [Retry("not yet"), Fatal("never"), OSError("no room")])
async def test_it_is_closed_and_another_one_is_tried(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its threads would go on beside those of the next one."""
    first, second = Mock(Backend), Mock(Backend)
    first.open.side_effect = error
    made = iter((first, second))
    monkeypatch.setattr(ZoeMaster, "_make_backend", lambda *_: next(made))
    master = ZoeMaster(directory=str(tmp_path))
    with pytest.raises(type(error), match=str(error)):
        await master._open_backend("deployment")
    first.close.assert_called_once_with()
    assert await master._open_backend("deployment") is second
    second.close.assert_not_called()
