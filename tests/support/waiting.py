"""Waits for a state with a deadline: the one place of the tests where a poll delay lives."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

_T = TypeVar("_T")
# What "not yet" looks like. Pytest's own failures (of `pytest.raises` above all) are no Exception.
_NOT_YET = (AssertionError, pytest.fail.Exception)
_DELAY = 0.02  # seconds between two looks


def eventually(
    check: Callable[[], _T], timeout: float = 30.0, message: str | Callable[[], str] = ""
) -> _T:
    """Call `check` until it returns something true, and return that.

    Raises AssertionError with `message` (built only then, if it is a function) and the last
    value after `timeout` seconds. A failed assertion of `check`, `pytest.raises` among them, counts
    as "not yet".
    """
    deadline = time.monotonic() + timeout
    while True:
        value, failure = _look(check)
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(_explain(message, timeout, value, failure)) from failure
        time.sleep(_DELAY)


async def eventually_async(
    check: Callable[[], _T | Awaitable[_T]],
    timeout: float = 30.0,
    message: str | Callable[[], str] = "",
) -> _T:
    """`eventually` on an event loop; `check` may be a coroutine function."""
    deadline = time.monotonic() + timeout
    while True:
        value, failure = _look(check)
        if inspect.isawaitable(value):
            try:
                value = await value
            except _NOT_YET as error:
                value, failure = None, error
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(_explain(message, timeout, value, failure)) from failure
        await asyncio.sleep(_DELAY)


def _look(check: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    try:
        return check(), None
    except _NOT_YET as error:
        return None, error


def _explain(
    message: str | Callable[[], str], timeout: float, value: object, failure: object
) -> str:
    text = message() if callable(message) else message
    return f"not within {timeout} s: {text or 'the awaited state'} (last: {failure or value!r})"
