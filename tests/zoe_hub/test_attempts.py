"""Guessing is slowed down, and cannot fill the memory."""

from zoe_hub.attempts import Attempts


def test_too_many_failures_pause_one_name_until_the_first_is_old() -> None:
    attempts = Attempts(limit=3, window=60)
    for second in (0, 10, 20):
        assert attempts.pause("ada", second) == 0
        attempts.failed("ada", second)
    assert attempts.pause("ada", 25) == 35
    assert attempts.pause("bob", 25) == 0
    assert attempts.pause("ada", 60) == 0


def test_success_forgets_the_failures() -> None:
    attempts = Attempts(limit=1, window=60)
    attempts.failed("ada", 0)
    assert attempts.pause("ada", 1) > 0
    attempts.succeeded("ada")
    assert attempts.pause("ada", 1) == 0


def test_names_are_forgotten_with_their_failures() -> None:
    attempts = Attempts(limit=1, window=60)
    for number in range(1000):
        attempts.failed(f"name-{number}", 0)
    attempts.pause("ada", 61)
    assert len(attempts) == 0
