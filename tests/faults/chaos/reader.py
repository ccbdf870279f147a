"""Somebody who follows all events over REST, and comes back after each interruption."""

import threading
from collections.abc import Iterator

import httpx

from tests.faults.chaos.world import World

_SILENCE = 3.0  # seconds without a byte until a reader connects anew
_TRY_AGAIN = 0.3  # seconds


class Reader:
    """`seen` are the ids of the events, as they came; use `contextlib.closing`."""

    def __init__(self, world: World) -> None:
        self.seen: list[int] = []
        self._over = threading.Event()
        self._http = httpx.Client(
            base_url=f"{world.portal_url}api/v1",
            headers={"Authorization": f"token {world.token}"},
            timeout=_SILENCE,
        )
        self._thread = threading.Thread(target=self._read, name="reader")
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        self._thread.join()
        self._http.close()

    def _read(self) -> None:
        while not self._over.wait(_TRY_AGAIN):
            place = {"Last-Event-ID": str(self.seen[-1] if self.seen else 0)}
            try:
                with self._http.stream("GET", "/events", headers=place) as answer:
                    if answer.is_success:
                        self._take_in(answer.iter_lines())
            except httpx.TransportError:
                continue

    def _take_in(self, lines: Iterator[str]) -> None:
        """See zoe_hub/portal/sse.py: an id comes before its kind; `connected` only repeats ours."""
        event_id = None
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "id":
                event_id = int(value)
            elif name == "event" and event_id is not None and value != "connected":
                self.seen.append(event_id)
            elif not line:
                event_id = None
            if self._over.is_set():
                return
