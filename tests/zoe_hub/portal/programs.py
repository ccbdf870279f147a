"""Descriptions of one's own whose only service runs a Python program."""

from __future__ import annotations

import shlex
from typing import Any


def python(program: str, **service: Any) -> dict[str, Any]:
    """A ZApp that runs ``program``; the process back-end has the image ``python``."""
    return {
        "name": "program",
        "version": 4,
        "services": [
            {
                "name": "main",
                "image": "python",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "command": f"python -u -c {shlex.quote(program)}",
                "resources": {"memory": {"min": 2**26}},
                **service,
            }
        ],
    }
