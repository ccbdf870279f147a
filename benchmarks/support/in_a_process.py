"""Programs of this folder as processes of their own: who measures must not share a loop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROGRAMS = Path(__file__).parent


def in_a_process(program: str, order: dict[str, Any]) -> Any:
    """Run one of our programs; the order may hold a token, so it is not on the command line."""
    done = subprocess.run(
        [sys.executable, str(_PROGRAMS / program)],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{program} has failed")
    return json.loads(done.stdout)
