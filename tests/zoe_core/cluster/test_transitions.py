"""The table of an execution's moves, pair by pair."""

from itertools import product

import pytest

from zoe_core.cluster import FINAL, ExecutionStatus, IllegalTransition, check_transition

LEGAL = {
    "submitted": "queued terminated error",
    "queued": "starting cleaning_up terminated error",
    "starting": "running queued cleaning_up",
    "running": "cleaning_up",
    "cleaning_up": "terminated error",
    "terminated": "",
    "error": "",
}


@pytest.mark.parametrize(("old", "new"), list(product(ExecutionStatus, repeat=2)))
def test_each_pair_is_legal_or_refused(old: ExecutionStatus, new: ExecutionStatus) -> None:
    if new in LEGAL[old].split():
        check_transition(old, new)
    else:
        with pytest.raises(IllegalTransition, match=f"from {old} to {new}"):
            check_transition(old, new)


def test_every_life_can_end_and_what_has_ended_does_not_go_on() -> None:
    moves = {old: set(new.split()) for old, new in LEGAL.items()}
    can_end = {str(each) for each in FINAL}
    for _ in moves:
        can_end |= {old for old, new in moves.items() if new & can_end}
    assert can_end == set(moves)
    assert {old for old, new in moves.items() if not new} == {str(each) for each in FINAL}
