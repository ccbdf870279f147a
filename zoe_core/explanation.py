"""Why a request waits, as it is told to people; no part of the scheduler is needed to read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an execution waits: its position (from 1), the nearest before it, and the reasons."""

    position: int
    ahead: tuple[int, ...]
    reasons: tuple[str, ...]
